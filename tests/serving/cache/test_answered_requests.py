"""Hot reads: answers that are written at once, beside all the states of a connection in which they may not be."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.__main__ import Server
from serving.app import Application
from serving.wire import protocol
from serving.wire.headers import header_lines_of

PATH = "/analytics/workspace/w1/metrics?limit=2"


def application_of(server: Server) -> Any:
    """Return the application that a server runs."""
    return server.config.app


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """Open a connection."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as opened:
        yield opened


def request(client: httpx.Client, *lines: str, request_id: str = "one") -> bytes:
    """Return a request for the path with the client's key."""
    head = [f"GET {PATH} HTTP/1.1", "Host: x", f"Authorization: {client.headers['authorization']}"]
    return "\r\n".join([*head, f"X-Request-ID: {request_id}", *lines, "", ""]).encode()


def read_until(opened: socket.socket, count: int, ending: bytes = b"\r\n\r\n") -> bytes:
    """Read until a text has come so many times, or the connection ends."""
    found = b""
    while found.count(ending) < count and (part := opened.recv(65536)):
        found += part
    return found


@pytest.fixture
def hot(client: httpx.Client) -> httpx.Client:
    """A client whose read has been answered twice, and is hot from now on."""
    answers = [client.get(PATH, headers={"Accept-Encoding": "identity"}) for _ in range(2)]
    assert [one.headers["x-cache"] for one in answers] == ["miss", "hit"]
    return client


def test_whole_answers_have_the_bytes_of_others(hot: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(**headers: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        sent = {"Accept-Encoding": "identity", "X-Request-ID": "same", **headers}
        answer = hot.get(PATH, headers=sent)
        kept = sorted(pair for pair in answer.headers.raw if pair[0] not in (b"date", b"ratelimit"))
        return answer.status_code, kept, answer.content

    etag = hot.get(PATH, headers={"Accept-Encoding": "identity"}).headers["etag"]
    variants: list[dict[str, str]] = [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": etag}]
    whole = [read(**one) for one in variants]
    refused = []

    def refuse(*arguments: object) -> bool:
        refused.append(arguments)
        return False

    monkeypatch.setattr(protocol, "write_whole", refuse)
    assert [read(**one) for one in variants] == whole
    assert [status for status, _, _ in whole] == [200, 200, 304]
    assert refused


def test_pipelined_requests_are_answered_in_order(live: tuple[str, Server], hot: httpx.Client) -> None:
    asked = b"".join(request(hot, "Accept-Encoding: identity", request_id=f"n{number}") for number in range(5))
    with connected(live[0]) as opened:
        opened.sendall(asked)
        answers = read_until(opened, 5, b"HTTP/1.1 200 OK") + opened.recv(65536)
    found = [line for line in answers.split(b"\r\n") if line.startswith(b"x-request-id: ")]
    assert found[:4] == [b"x-request-id: n%d" % number for number in range(4)]


def test_connections_that_end_are_told_so(live: tuple[str, Server], hot: httpx.Client) -> None:
    with connected(live[0]) as opened:
        opened.sendall(request(hot, "Connection: close"))
        answer = read_until(opened, 1000)
    assert b"connection: close\r\n" in answer
    assert b"x-cache: hit\r\n" in answer
    with connected(live[0]) as opened:
        opened.sendall(request(hot).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert b"x-cache: hit\r\n" in read_until(opened, 1000)


def test_a_client_that_reads_slowly_gets_every_answer_whole(live: tuple[str, Server], hot: httpx.Client) -> None:
    count = 2000
    body = hot.get(PATH, headers={"Accept-Encoding": "identity"}).content
    with connected(live[0]) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.sendall(b"".join(request(hot, "Accept-Encoding: identity") for _ in range(count)))
        opened.shutdown(socket.SHUT_WR)
        answers = read_until(opened, 10**9)
    heads = answers.count(b"HTTP/1.1 200 OK\r\n")
    assert heads == answers.count(body)
    assert heads >= 1


def test_a_failure_of_the_look_up_leaves_the_read_to_the_application(
    live: tuple[str, Server], hot: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    services = application_of(live[1]).state.services

    def fail(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(services.answered, "find", fail)
    with caplog.at_level(logging.ERROR):
        answer = hot.get(PATH)
    assert (answer.status_code, answer.headers["x-cache"]) == (200, "hit")
    assert any("the application answers" in record.message for record in caplog.records)


@pytest.mark.parametrize(("peer", "seen"), [("127.0.0.1", "203.0.113.7 https"), ("198.51.100.9", "198.51.100.9 http")])
def test_a_proxy_on_this_machine_is_believed_and_others_are_not(peer: str, seen: str) -> None:
    async def client_of(request: Request) -> Response:
        return Response(f"{request.client.host} {request.url.scheme}" if request.client else "")

    async def ask() -> str:
        application = Application(behind_tls=False, routes=[Route("/client", client_of)])
        transport = httpx.ASGITransport(application, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as opened:
            forwarded = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
            return (await opened.get("/client", headers=forwarded)).text

    assert anyio.run(ask) == seen


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\x00b"])
def test_header_lines_have_no_further_lines(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        header_lines_of([(b"etag", value)])
