"""HTTP on the wire, with bounds: uvicorn's parser over httptools has none for sizes, and none for the time it takes."""

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
"""How long a request may take to arrive, its body included, and a new connection until its first has arrived."""
ABORT = "tidemark.abort"
"""The extension of a request's or a websocket's scope that cuts its connection, where the client reads no more."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses what is too long while it is read, so that nothing grows; what it refuses is answered and closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._refused = False
        self._arriving = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and give the first request its time."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the connection is refused already; a request that came in part has its time from here on."""
        if not self._refused:
            super().data_received(data)
        if self._arriving and self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        """Hand over to who has times of its own."""
        self._arrived()
        super().handle_websocket_upgrade()

    def on_message_complete(self) -> None:
        """Note that a request is there, its body included."""
        self._arrived()
        super().on_message_complete()

    def _arrived(self) -> None:
        self._arriving = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_message_begin(self) -> None:
        """Count anew for each request of the connection."""
        self._header_bytes, self._arriving = 0, True
        super().on_message_begin()
        extensions: Any = {ABORT: self.transport.abort}
        self.scope["extensions"] = extensions

    def on_url(self, url: bytes) -> None:
        """Collect the request line's target."""
        super().on_url(url)
        if len(self.url) > MAX_URL:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, f"A path with its query has at most {MAX_URL} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            limits = f"at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request has {limits}.")
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the name is uvicorn's
        """Answer what is no HTTP; a refusal made in a callback of the parser comes by here too."""
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
    """A websocket that the application can cut."""

    def handle_connect(self, event: Any) -> None:
        """Begin; the application runs from the next turn of the loop on."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = self.transport.abort
