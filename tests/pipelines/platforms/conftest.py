"""Fixtures: a small real HTTP server with answers set by the test, also for single elements of Graph API batches."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from metrics.clock import machine_now
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from tests.clock import INSTANT, ahead_by

TOKEN = "secret-token-of-a-test"


@dataclass
class Answering:
    """Answers every request with `status`, `headers` and `body`, or each batch element by `element`."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = b"{}"
    element: Callable[[str, dict[str, str]], Any] | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}

    def answer(self, path: str, form: str) -> bytes:
        if self.element is None:
            return self.body
        elements = []
        for one in json.loads(parse_qs(form)["batch"][0]):
            url = urlsplit(one["relative_url"])
            body = self.element(url.path.partition("/")[2], {k: v[0] for k, v in parse_qs(url.query).items()})
            code = 400 if isinstance(body, dict) and "error" in body else 200
            elements.append(None if body is None else {"code": code, "body": json.dumps(body)})
        return json.dumps(elements).encode()


@pytest.fixture(autouse=True)
def same_instant() -> Iterator[None]:
    """Begin each test at the same instant, so that the simulated posts have the same age in every run."""
    with ahead_by(INSTANT - machine_now()):
        yield


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Run the server on a free port; retries wait hardly at all."""
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    answering = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            form = self.rfile.read(size).decode()
            answering.requests.append((self.path, dict(self.headers)))
            body = answering.answer(self.path, form)
            self.send_response(answering.status)
            for name, value in answering.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        answering.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield answering
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server: Answering) -> Iterator[Http]:
    opened = Http(server.url, timeout=(1.0, 2.0))
    yield opened
    opened.close()
