"""uvicorn's HTTP and websocket protocols with limits: uvicorn limits neither the size of a request nor its duration."""

import asyncio
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_URL = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
REQUEST_SECONDS = 30.0
"""How long a request may take to arrive, its body included. For the first one, the time counts from the connection."""
ABORT = "tidemark.abort"
"""The name of a scope extension: a function that aborts the connection, for clients that have stopped reading."""


class BoundedProtocol(HttpToolsProtocol):
    """Checks limits while a request is read, so that memory stays bounded.

    A refused request is answered, and then its connection is closed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._refused = False
        self._arriving = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless a request was refused; start the deadline of a request that has arrived in part."""
        if not self._refused:
            super().data_received(data)
        if self._arriving and self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        """Stop our deadline: the websocket protocol has its own timeouts."""
        self._arrived()
        super().handle_websocket_upgrade()

    def on_message_complete(self) -> None:
        """Stop the deadline: the request has arrived, its body included."""
        self._arrived()
        super().on_message_complete()

    def _arrived(self) -> None:
        self._arriving = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_message_begin(self) -> None:
        """Count the headers anew for each request of the connection."""
        self._header_bytes, self._arriving = 0, True
        super().on_message_begin()
        extensions: Any = {ABORT: self.transport.abort}
        self.scope["extensions"] = extensions

    def on_url(self, url: bytes) -> None:
        """Collect the request line's target."""
        super().on_url(url)
        if len(self.url) > MAX_URL:
            detail = f"A path and its query may have at most {MAX_URL} bytes together."
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, detail)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            detail = f"A request may have at most {MAX_HEADERS} headers, of {MAX_HEADER_BYTES} bytes together."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the name is uvicorn's
        """Answer data that is not HTTP. uvicorn also calls this after `_refuse`, which has answered already."""
        if not self._refused:
            self._answer(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        self._answer(status, detail)
        raise ValueError(detail)

    def _answer(self, status: HTTPStatus, detail: str) -> None:
        from serving.wire.problems import SLUGS

        self._refused = True
        problem = {"type": f"/problems/{SLUGS[status]}", "title": status.phrase, "status": status, "detail": detail}
        body = orjson.dumps(problem | {"instance": "", "errors": [], "requestId": uuid4().hex})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """A websocket whose connection the application can abort."""

    def handle_connect(self, event: Any) -> None:
        """Add the extension to the scope in time: the application starts with the next iteration of the event loop."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = self.transport.abort
