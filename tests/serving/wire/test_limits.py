"""Limits of requests, rate limits of keys, security headers, methods, CORS, and errors of the server."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from redis import Redis
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect

from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server
from serving.description.headers import HEADERS
from serving.process.measures import UNCHECKED
from serving.wire import protocol
from serving.wire.middleware import Frontier
from serving.wire.protocol import MAX_HEADERS, MAX_URL
from tests.redis_server import RedisServer
from tests.serving.conftest import reading, serving
from tests.waiting import until
from tidemark.stack.ports import free_port

METRICS = "/analytics/workspace/w1/metrics"


@pytest.fixture
def limited(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    """A client whose key may send three requests a minute."""
    key, _ = seeded.keys.create("slow", ["w1"], ["read"], rate_limit=3)
    with httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {key}"}) as opened:
        yield opened


def test_key_over_its_rate_is_told_when_to_retry(limited: httpx.Client) -> None:
    answers = [limited.get("/analytics/metrics") for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0", "r=0"]
    assert {a.headers["ratelimit-policy"] for a in answers} == {'"key";q=3;w=60'}
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_security_headers_are_on_every_answer(client: httpx.Client) -> None:
    for path in ("/", "/healthz", METRICS, "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers
        assert "access-control-allow-origin" not in headers


def raw(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /" + "x" * MAX_URL + " HTTP/1.1", "", b"414"),
        ("GET / HTTP/1.1", "".join(f"X-{n}: 1\r\n" for n in range(MAX_HEADERS + 1)), b"431"),
        ("GET / HTTP/1.1", f"X: {'y' * 40_000}\r\n", b"431"),
        ("nonsense", "", b"400"),
    ],
)
def test_too_long_requests_are_refused_while_they_are_read(
    live: tuple[str, Server], request_line: str, headers: str, status: bytes
) -> None:
    answer = raw(live[0], f"{request_line}\r\nHost: x\r\n{headers}\r\n".encode())
    assert answer.split(b" ")[1] == status
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "sent", ["", "GET /healthz HT", "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{"]
)
def test_connection_without_a_complete_request_is_closed(
    client: httpx.Client, live: tuple[str, Server], monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    first = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" if sent.startswith("GET") else ""
    answer = raw(live[0], (first + sent.format(path="/analytics/account/a1/posts")).encode())
    assert answer.count(b"HTTP/1.1") == bool(first)
    assert client.get("/healthz").status_code == 200


def test_client_that_stops_reading_a_file_is_cut(live: tuple[str, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.3)
    address, port = live[0].removeprefix("http://").split(":")
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect((address, int(port)))
        # More answers than the buffers of the network hold.
        stalled.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        until(lambda: bool(list(live[1].server_state.connections)))
        until(lambda: not list(live[1].server_state.connections), 30)


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such option")
def test_kernel_takes_little_for_a_client_that_does_not_read(live: tuple[str, Server], client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    (connection,) = live[1].server_state.connections
    opened: Any = connection
    taken = opened.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
    assert taken == protocol.UNSENT_BYTES


def test_client_that_reads_slowly_gets_everything(live: tuple[str, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.5)
    address, port = live[0].removeprefix("http://").split(":")
    whole = len(raw(live[0], b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 40
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address, int(port)))
        slow.sendall(request)
        read, waits = 0, threading.Event()
        while read < 39 * whole:
            waits.wait(0.002)
            chunk = slow.recv(65536)
            assert chunk
            read += len(chunk)


@pytest.mark.parametrize("limit", ["connections_per_address", "connections_max"])
def test_connections_are_bounded_and_their_places_given_back(seeded: Store, settings: Settings, limit: str) -> None:
    with serving(settings.model_copy(update={limit: 4})) as url, ExitStack() as stack:
        address, port = url.removeprefix("http://").split(":")
        for _ in range(3):
            stack.enter_context(socket.create_connection((address, int(port))))
        websocket = stack.enter_context(connect(f"ws://{address}:{port}/socket.io/?EIO=4&transport=websocket"))
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/healthz")
        websocket.close()
        until(lambda: answers(f"{url}/healthz"))


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_long_path_is_cut_in_the_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tidemark.access"):
        assert client.get("/" + "x" * 8000).status_code == 404
        until(lambda: any(hasattr(record, "fields") for record in caplog.records))
    (path,) = [record.__dict__["fields"]["path"] for record in caplog.records if hasattr(record, "fields")]
    assert len(path) < 250


def test_well_formed_request_id_is_kept(client: httpx.Client) -> None:
    asked = client.get("/healthz", headers={"X-Request-ID": "abc-1"})
    refused = client.get("/healthz", headers={"X-Request-ID": "a b"})
    assert asked.headers["x-request-id"] == "abc-1"
    assert refused.headers["x-request-id"].isalnum()


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 204), ("DELETE", 405), ("TRACE", 405)])
def test_unsupported_method_is_answered_with_the_supported_ones(client: httpx.Client, method: str, status: int) -> None:
    answer = client.request(method, METRICS)
    assert (answer.status_code, answer.headers["allow"]) == (status, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", [f"{METRICS}/", "/docs/", "/analytics/stream/tickets/", "//analytics/metrics"])
def test_path_with_an_extra_slash_is_unknown(client: httpx.Client, path: str) -> None:
    answer = client.request("POST" if "tickets" in path else "GET", path, headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert answer.headers["content-type"] == "application/problem+json"


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client) -> None:
    day = {"dataset": "metrics", "format": "ndjson"}
    for path, query in ((METRICS, {}), ("/analytics/stream", {"workspaceId": "w1"}), (f"{METRICS[:-8]}/export", day)):
        answer = client.head(path, params=query)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"]


def test_declared_body_over_the_limit_is_refused_unread(live: tuple[str, Server]) -> None:
    head = "POST /analytics/account/a1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    assert raw(live[0], head.encode()).split(b" ")[1] == b"413"


def test_pages_of_configured_origins_may_call_the_api(seeded: Store, settings: Settings) -> None:
    origin = "https://app.example.com"
    chosen = settings.model_copy(update={"cors_origins": (origin,), "behind_tls": True})
    ask = {"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Authorization"}
    with serving(chosen) as url:
        asked = httpx.options(f"{url}{METRICS}", headers=ask)
        stranger = httpx.get(f"{url}/healthz", headers={"Origin": "https://elsewhere"})
        refused = httpx.get(f"{url}{METRICS}", headers={"Origin": origin})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
    exposed = {name.strip().lower() for name in refused.headers["access-control-expose-headers"].split(",")}
    # A page may read `Cache-Control` of any answer, and `Vary` is for caches.
    assert {name.lower() for name in HEADERS} - {"cache-control", "vary"} == exposed
    assert "access-control-allow-origin" not in stranger.headers
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin)
    assert stranger.headers["strict-transport-security"].startswith("max-age=")


def test_without_redis_requests_are_let_through_and_counted(
    seeded: Store, settings: Settings, own_redis: RedisServer
) -> None:
    chosen = settings.model_copy(update={"rate_limit": 2, "redis_url": own_redis.url})
    with serving(chosen) as url, reading(url, seeded) as client:
        assert [client.get("/analytics/metrics").status_code for _ in range(3)] == [200, 200, 429]
        own_redis.stop()
    before = UNCHECKED._value.get()
    with serving(chosen) as url, reading(url, seeded) as client:
        assert [client.get("/analytics/metrics").status_code for _ in range(4)] == [200] * 4
    assert UNCHECKED._value.get() >= before + 4


def test_two_processes_share_one_rate(seeded: Store, settings: Settings, redis_client: Redis) -> None:
    key, stored = seeded.keys.create("slow", ["w1"], ["read"], rate_limit=4)
    headers = {"Authorization": f"Bearer {key}"}
    with serving(settings) as one, serving(settings) as two:
        answers = [httpx.get(f"{url}/analytics/metrics", headers=headers).status_code for url in (one, two) * 3]
    assert answers == [200] * 4 + [429] * 2
    (counted,) = redis_client.scan_iter("tm:rate:*")
    assert b"{%s}" % stored.key_id.encode() in counted


def test_unavailable_mongodb_is_answered_with_503_and_retry_after(settings: Settings) -> None:
    chosen = settings.model_copy(update={"mongo_url": f"mongodb://127.0.0.1:{free_port()}/"})
    with serving(chosen) as url:
        answer = httpx.get(f"{url}{METRICS}", headers={"Authorization": f"Bearer tm_live_{'x' * 40}"}, timeout=20)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert str(chosen.mongo_url).split("//")[1].strip("/") not in answer.text
        assert httpx.get(f"{url}/healthz").status_code == 200
        ready = httpx.get(f"{url}/readyz", timeout=20)
        assert (ready.status_code, ready.json()["stores"]) == (503, {"mongo": "unavailable", "redis": "ok"})


def test_bug_is_answered_with_a_request_id_and_without_details(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("with a marked secret")

    async def ask() -> httpx.Response:
        app: Any = Frontier(broken, behind_tls=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get("/", headers={"X-Request-ID": "told-2"})

    answer = anyio.run(ask)
    assert (answer.status_code, answer.json()["requestId"], answer.headers["x-request-id"]) == (500, "told-2", "told-2")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "marked" not in answer.text
    assert any(record.exc_info for record in caplog.records)
