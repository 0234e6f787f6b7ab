"""The proxy of the profile `edge`: Caddy itself, with `deploy/edge/Caddyfile`, before two real processes of serving.

Names of hosts and ports are replaced by those of this machine, and nothing else.
"""

import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from tests.deployment.programs import caddy
from tests.serving.conftest import announcer, seeded
from tests.serving.processes import ServingProcess
from tests.serving.stream.test_stream import announce, following, take
from tests.test_deploy import ROOT
from tests.waiting import until
from tidemark.stack.ports import HOST, free_port

FILE = ROOT / "deploy" / "edge" / "Caddyfile"


class Edge:
    """Caddy on free ports before some processes."""

    def __init__(self, folder: Path, upstreams: list[ServingProcess]) -> None:
        self.https, self.http, self.health = free_port(), free_port(), free_port()
        text = FILE.read_text()
        for there, here in (("8443", self.https), ("8080", self.http), ("8081", self.health)):
            assert there in text
            text = text.replace(there, str(here))
        to = " ".join(f"{HOST}:{one.port}" for one in upstreams)
        text, count = re.subn(r"dynamic a \{.*?\n\t\t\}", f"to {to}", text, flags=re.DOTALL)
        assert count == 1
        (folder / "Caddyfile").write_text(text)
        self.url = f"https://localhost:{self.https}"
        self.authority = folder / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        environment = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
        command = [caddy(), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        self._log = (folder / "caddy.log").open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)

    def ready(self) -> bool:
        """Ask what the health check of the container asks, and for a certificate."""
        try:
            healthy = httpx.get(f"http://{HOST}:{self.health}/").status_code == 200 and self.authority.exists()
            return healthy and httpx.get(f"{self.url}/healthz", verify=self.trust()).status_code == 200
        except (httpx.TransportError, ssl.SSLError):
            return False

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


def _stop(running: ServingProcess) -> None:
    """Stop the process that runs now: a restart has started another one."""
    running.child.stop()


@pytest.fixture
def two(settings: Settings, seeded: Store, tmp_path: Path) -> Iterator[list[ServingProcess]]:
    """Two processes of serving."""
    with ExitStack() as stack:
        started = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            started.append(ServingProcess(settings, tmp_path / name))
            stack.callback(_stop, started[-1])
        yield started


@pytest.fixture
def edge(two: list[ServingProcess], tmp_path: Path) -> Iterator[Edge]:
    """Caddy before both."""
    running = Edge(tmp_path, two)
    try:
        until(running.ready, 60)
        yield running
    finally:
        running.stop()


def client(edge: Edge, store: Store) -> httpx.Client:
    key, _ = store.keys.create("edge", ["w1"], ["read"])
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=edge.url, headers=headers, verify=edge.trust(), timeout=30)


def test_file_is_valid_and_formatted() -> None:
    environment = {**os.environ, "EDGE_HOST": "api.example.com"}
    for words in (["validate", "--adapter", "caddyfile", "--config"], ["fmt", "--diff"]):
        command = [caddy(), *words, str(FILE)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.timeout(240)
def test_events_of_a_stream_arrive_one_by_one(edge: Edge, seeded: Store, announcer: Announcer) -> None:
    with client(edge, seeded) as reader, following(reader) as events:
        assert next(events).event == "ping"
        for number in (1, 2, 3):
            announce(announcer, number)
            # A proxy that gathers what it sends would keep this one until later.
            assert take(events, 1) == [number]


@pytest.mark.timeout(240)
def test_requests_go_on_while_a_process_is_away(
    edge: Edge, two: list[ServingProcess], seeded: Store, announcer: Announcer
) -> None:
    with client(edge, seeded) as reader:
        two[0].kill()
        assert [reader.get("/healthz").status_code for _ in range(10)] == [200] * 10
        with following(reader) as events:
            assert next(events).event == "ping"
            announce(announcer, 7)
            assert take(events, 1) == [7]
        two[0].restart()
        two[1].kill()
        until(lambda: reader.get("/healthz").status_code == 200, 30)


@pytest.mark.timeout(240)
def test_http_2_websockets_and_the_redirect(edge: Edge, seeded: Store) -> None:
    context = edge.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((HOST, edge.https)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
    redirected = httpx.get(f"http://localhost:{edge.http}/healthz")
    assert redirected.status_code == 308
    assert redirected.headers["location"].startswith("https://localhost")
    key, _ = seeded.keys.create("sockets", ["w1"], ["read"])
    address = f"wss://localhost:{edge.https}/socket.io/?EIO=4&transport=websocket"
    with connect(address, ssl=edge.trust()) as websocket:
        # Engine.IO opens the session, then Socket.IO signs in: packets 0 and 40.
        assert str(websocket.recv(30)).startswith("0{")
        websocket.send("40" + json.dumps({"token": key}))
        assert str(websocket.recv(30)).startswith("40{")


__all__ = ["announcer", "seeded"]
