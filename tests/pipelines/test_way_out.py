"""Libraries with their own HTTP client obey the settings: the proxy and its certificate authority, without netrc."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import requests
from pydantic import SecretStr

from metrics.export.folders import Folders
from metrics.settings import Settings
from pipelines.sensors import notifications
from tests.proxy import LOGIN, Authority, Proxy, web_server

NAME = "outside.company.example"


@pytest.fixture
def company(
    settings: Settings, tmp_path: Path
) -> Iterator[tuple[Settings, Proxy, list[tuple[str, dict[str, str], bytes]]]]:
    """Settings for a company's network, its proxy, and the requests to an outside server. A netrc file exists."""
    authority, netrc = Authority(tmp_path), tmp_path / "netrc"
    netrc.write_text(f"machine {NAME} login zoe password hidden\n")
    netrc.chmod(0o600)
    with (
        mock.patch.dict(os.environ, NETRC=str(netrc), https_proxy="http://127.0.0.1:9"),
        web_server(b"{}", authority.context(NAME)) as (port, had),
    ):
        proxy = Proxy({NAME: port}, LOGIN)
        changes = {
            "proxy": SecretStr(proxy.url),
            "ca_bundle": authority.bundle,
            "alert_urls": (SecretStr(f"jsons://{NAME}/"),),
            "export_url": f"file://{tmp_path}/exports",
        }
        yield settings.model_copy(update=changes), proxy, had
        proxy.close()


def test_alerts_go_by_the_proxy(company: tuple[Settings, Proxy, list[tuple[str, dict[str, str], bytes]]]) -> None:
    there, proxy, had = company
    assert notifications.send(there, "title", "body") == 1
    assert proxy.seen == [f"CONNECT {NAME}"]
    ((_, headers, body),) = had
    assert (json.loads(body)["title"], "Authorization" in headers) == ("title", False)


def test_drivers_of_storage_find_the_way(
    company: tuple[Settings, Proxy, list[tuple[str, dict[str, str], bytes]]],
) -> None:
    there, proxy, had = company
    assert Folders.open(there) is not None
    # Drivers of object storage read the same variables as requests does; none of them is installed with Tidemark.
    assert requests.put(f"https://{NAME}/bucket/key", b"x", timeout=60).status_code == 200
    assert (proxy.seen, had[0][0], "Authorization" in had[0][1]) == ([f"CONNECT {NAME}"], "/bucket/key", False)


def test_local_receiver_is_asked_itself(
    company: tuple[Settings, Proxy, list[tuple[str, dict[str, str], bytes]]],
) -> None:
    there, proxy, _ = company
    with web_server() as (port, had):
        local = there.model_copy(update={"alert_urls": (SecretStr(f"json://127.0.0.1:{port}/"),)})
        assert notifications.send(local, "title", "body") == 1
    assert (len(had), proxy.seen) == (1, [])
