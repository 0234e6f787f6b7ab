"""Tests of platforms behind a company's proxy with its own certificate authority: calls pass, or fail with one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from metrics.network import Network
from metrics.settings import Settings
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.http.client import Http
from pipelines.platforms.linkedin.api import LinkedIn
from pipelines.platforms.registry import open_platform
from tests.proxy import LOGIN, Authority, Proxy, web_server
from tidemark.stack.ports import free_port

NAME = "graph.company.example"
"""A host name that does not resolve: an answer from it proves that the proxy was used."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def company(authority: Authority) -> Iterator[tuple[Proxy, list[object]]]:
    """Run a proxy that requires a login, with a TLS platform behind it; yield it and the requests to the platform."""
    with web_server(b'{"id": "1"}', authority.context(NAME, "www.linkedin.com")) as (port, had):
        proxy = Proxy({NAME: port, "www.linkedin.com": port}, LOGIN)
        yield proxy, had
        proxy.close()


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEMARK_PROXY")


def http(proxy: str | None = None, bundle: Path | None = None, url: str = f"https://{NAME}") -> Http:
    settings = Settings(_env_file=None, proxy=SecretStr(proxy) if proxy else None, ca_bundle=bundle)
    return Http(url, network=Network.of(settings, {}))


def test_platform_is_asked_by_the_proxy_under_its_authority(
    company: tuple[Proxy, list[object]], authority: Authority
) -> None:
    proxy, had = company
    assert http(proxy.url, authority.bundle).send("GET", "/me", token="t")[:2] == (200, {"id": "1"})
    assert (proxy.seen, len(had)) == ([f"CONNECT {NAME}"], 1)


def test_plain_http_is_forwarded_with_the_login(authority: Authority) -> None:
    with web_server(b'{"id": "2"}') as (port, had):
        proxy = Proxy({NAME: port}, LOGIN)
        assert http(proxy.url, url=f"http://{NAME}").send("GET", "/me?a=b")[1] == {"id": "2"}
        proxy.close()
    assert (proxy.seen, had[0][0]) == ([f"GET {NAME}"], "/me?a=b")
    assert "Proxy-Authorization" not in had[0][1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_wrong_login_is_one_line(scheme: str, company: tuple[Proxy, list[object]], authority: Authority) -> None:
    address = company[0].url.partition("@")[2]
    with pytest.raises(BadAnswer) as caught:
        http(f"http://zoe:wr0ng@{address}", authority.bundle, f"{scheme}://{NAME}").send("GET", "/me")
    message = f"{NAME}: the proxy {address} (TIDEMARK_PROXY) wants another login (407)"
    assert str(caught.value) == message
    assert_hidden(caught.value, "wr0ng", "zoe")


def test_host_that_the_proxy_refuses_is_named(company: tuple[Proxy, list[object]], authority: Authority) -> None:
    with pytest.raises(Transient, match=r"^other\.example: the proxy .* refuses the connection \(403\)$") as caught:
        http(company[0].url, authority.bundle, "https://other.example").send("GET", "/")
    assert_hidden(caught.value, "s3cr3t", "zoe")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_is_not_there_is_named(scheme: str) -> None:
    with pytest.raises(Transient, match="cannot be reached") as caught:
        http(f"http://zoe:s3cr3t@127.0.0.1:{free_port()}", url=f"{scheme}://{NAME}").send("GET", "/me")
    assert_hidden(caught.value, "s3cr3t", "zoe")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_nobody_knows_is_named(scheme: str) -> None:
    with pytest.raises(BadAnswer, match=r"no-such-proxy\.invalid:3128 .* is not known") as caught:
        http("http://zoe:s3cr3t@no-such-proxy.invalid:3128", url=f"{scheme}://{NAME}").send("GET", "/me")
    assert_hidden(caught.value, "s3cr3t", "zoe")


def assert_hidden(error: Exception, *secrets: str) -> None:
    for secret in secrets:
        assert secret not in f"{error} {error!r} {error.__cause__!r}"


def test_unknown_authority_is_one_line(company: tuple[Proxy, list[object]], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(BadAnswer, match=f"the certificate of {NAME} is not from a trusted authority") as caught:
        http(company[0].url, Authority(tmp_path / "other").bundle).send("GET", "/me")
    assert "TIDEMARK_CA_BUNDLE" in str(caught.value)


def test_file_of_authorities_that_is_gone_is_one_line(
    company: tuple[Proxy, list[object]], authority: Authority
) -> None:
    client = http(company[0].url, authority.bundle)
    authority.bundle.unlink()
    with pytest.raises(BadAnswer, match="TIDEMARK_CA_BUNDLE"):
        client.send("GET", "/me")


def test_this_machine_is_asked_itself(authority: Authority) -> None:
    with web_server(b'{"id": "3"}', authority.context("127.0.0.1")) as (port, _):
        client = http(f"http://127.0.0.1:{free_port()}", authority.bundle, f"https://127.0.0.1:{port}")
        assert client.send("GET", "/me")[1] == {"id": "3"}


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {NAME} login zoe password s3cr3t\nmachine 127.0.0.1 login zoe password s3cr3t\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with web_server() as (port, had):
        proxy = Proxy({NAME: port})
        http(proxy.url, url=f"http://{NAME}").send("GET", "/")
        http(url=f"http://127.0.0.1:{port}").send("GET", "/")
        proxy.close()
    assert [name for _, headers, _ in had for name in headers if "authorization" in name.lower()] == []


def test_collection_goes_by_the_settings(
    company: tuple[Proxy, list[object]], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, _ = company
    monkeypatch.setenv("TIDEMARK_PROXY", proxy.url)
    monkeypatch.setenv("TIDEMARK_CA_BUNDLE", str(authority.bundle))
    settings = Settings(_env_file=None, linkedin_url="https://api.linkedin.com")
    linkedin = open_platform("linkedin", settings)
    assert isinstance(linkedin, LinkedIn)
    # Tokens are renewed at a separate host.
    assert linkedin._tokens.send("POST", "/oauth/v2/accessToken", form={})[1] == {"id": "1"}
    assert proxy.seen == ["CONNECT www.linkedin.com"]
