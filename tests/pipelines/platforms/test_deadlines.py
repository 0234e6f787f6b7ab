"""Tests of deadlines and size limits: a request ends in time, and its body is bounded, whatever the server sends."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from metrics.network import Network, Proxy
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.http import client as http
from pipelines.platforms.http.client import Http
from tests.pipelines.platforms.conftest import TOKEN, Answering

TOTAL = 0.4
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FORMS = {
    "headers": (b"", _HEAD + b"X-Filler: " + b"x" * 5000),
    "body": (_HEAD + b"Content-Length: 5000\r\n\r\n", b"x" * 5000),
    "body until the end": (_HEAD + b"Connection: close\r\n\r\n", b"x" * 5000),
    "chunks": (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
}


@contextmanager
def dripping(at_once: bytes, slowly: bytes) -> Iterator[str]:
    """Run a server that sends a part of its answer at once, and the rest byte by byte."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(at_once)
                for place in range(len(slowly)):
                    if over.wait(0.02):
                        return
                    connection.sendall(slowly[place : place + 1])
            except OSError:
                return

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize("form", FORMS)
def test_answer_that_drips_ends_at_the_deadline(form: str) -> None:
    began = time.monotonic()
    with dripping(*FORMS[form]) as url, pytest.raises(Transient, match=r"in time|in full within"):
        Http(url, timeout=(1.0, 5.0), total=TOTAL).send("GET", "/x", token=TOKEN)
    assert time.monotonic() - began < TOTAL + 20, "to the last byte it would take more than 100 s"


def test_proxy_that_drips_its_tunnel_ends_at_the_deadline() -> None:
    began = time.monotonic()
    with dripping(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 5000) as url:
        network = Network({"https": Proxy(url, "TIDEMARK_PROXY")}, (), None)
        with pytest.raises((Transient, BadAnswer)):
            Http("https://platform.invalid", timeout=(1.0, 5.0), total=TOTAL, network=network).send("GET", "/x")
    assert time.monotonic() - began < TOTAL + 20, "to the last byte it would take more than 100 s"


def test_answer_within_the_deadline_keeps_the_connection(server: Answering) -> None:
    server.say({"a": 1})
    client = Http(server.url, timeout=(1.0, 2.0), total=5.0)
    assert [client.send("GET", "/x")[1] for _ in range(3)] == [{"a": 1}] * 3


@pytest.mark.parametrize("packed", [False, True])
def test_answer_beyond_the_bound_is_refused(
    server: Answering, client: Http, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 100_000)
    body = b'"' + b"x" * 99_998 + b'"'
    more = {"Content_Encoding": "gzip"} if packed else {}
    server.say(gzip.compress(body) if packed else body, 200, **more)
    assert len(client.send("GET", "/x")[1]) == 99_998
    server.say(gzip.compress(body + b" ") if packed else body + b" ", 200, **more)
    with pytest.raises(BadAnswer, match="more than 100000 bytes"):
        client.send("GET", "/x")
