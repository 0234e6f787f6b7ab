"""Real clients get every event once and in order, despite a killed server, a cut network and a restarted Redis."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from tests.redis_server import RedisServer
from tests.serving.processes import ServingProcess
from tests.serving.readers import CurlReader, HttpxReader, PageReader, Reader, SocketReader, install_socket_client
from tests.serving.stream.test_stream import announce
from tests.tcp_proxy import TcpProxy
from tests.waiting import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Course:
    """A server, the network before it and its own Redis, each of which the test can break."""

    def __init__(self, server: ServingProcess, network: TcpProxy, redis: RedisServer, key: str) -> None:
        self.server = server
        self.network = network
        self.redis = redis
        self.key = key
        self.sent = 0

    def announce(self, count: int) -> None:
        """Announce the next numbers."""
        with self.redis.client() as client:
            announce(Announcer(client), *range(self.sent + 1, self.sent + count + 1))
        self.sent += count

    def cursor(self) -> str:
        """Return the present position of the stream."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.network.url}/analytics/workspace/w1/metrics", headers=headers).headers["stream-cursor"]

    def run(self, readers: list[Any]) -> None:
        """Break one part after the other, and check that no reader misses an event."""
        self.announce(3)
        self._everyone_has_all(readers)
        self.server.kill()
        self.announce(3)
        self.server.restart()
        self._everyone_has_all(readers)
        self.network.cut()
        self.announce(3)
        self.network.mend()
        self._everyone_has_all(readers)
        self.redis.stop()
        self.redis.start()
        self.announce(3)
        self._everyone_has_all(readers)

    def _everyone_has_all(self, readers: list[Any]) -> None:
        wanted = list(range(1, self.sent + 1))
        try:
            until(lambda: all(len(reader.numbers) >= len(wanted) for reader in readers), 30)
        finally:
            assert [reader.numbers for reader in readers] == [wanted] * len(readers)


@pytest.fixture
def course(seeded: Store, settings: Settings, own_redis: RedisServer, tmp_path: Path) -> Iterator[Course]:
    key, _ = seeded.keys.create("reader", ["w1"], ["read"])
    server = ServingProcess(settings.model_copy(update={"redis_url": own_redis.url}), tmp_path)
    network = TcpProxy(server.port)
    found = Course(server, network, own_redis, key)
    yield found
    network.close()
    found.server.child.stop()


@contextmanager
def reading(*readers: Reader) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        for reader in readers:
            reader.start()
            stack.callback(reader.stop)
        yield list(readers)


def test_programs_get_every_event_once(course: Course, tmp_path: Path) -> None:
    course.announce(1)
    at = course.network.url, course.key, course.cursor()
    course.sent = 0
    readers: list[Reader] = [HttpxReader(*at), CurlReader(*at)]
    package = tmp_path / "npm"
    if install_socket_client(package):
        readers += [SocketReader(*at, package, transport) for transport in ("websocket", "polling")]
    with reading(*readers) as all_of_them:
        course.run(all_of_them)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_page_gets_every_event_once(course: Course) -> None:
    from playwright.sync_api import sync_playwright

    course.announce(1)
    cursor = course.cursor()
    course.sent = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        course.run([PageReader(browser.new_page(), course.network.url, course.key, cursor)])
        browser.close()
