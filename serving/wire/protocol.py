"""uvicorn's HTTP and websocket protocols with limits: uvicorn limits neither the size of a request nor its duration."""

import asyncio
import fcntl
import socket
import termios
from array import array
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

import orjson
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from serving.process.measures import REFUSED_CONNECTIONS

MAX_URL = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
WRITE_SECONDS = 30.0
"""A connection is aborted if its client takes nothing of the data that wait for it for this long."""
REQUEST_SECONDS = 30.0
"""How long a request may take to arrive, its body included. For the first one, the time counts from the connection."""
UNSENT_BYTES = 128 * 1024
"""Bytes of a connection that may wait in the kernel without having been sent. Without this limit the kernel takes some
megabytes for a client that reads nothing, and the work of preparing them is lost. A client that reads is as fast as
before, since data under way do not count."""
WHOLE = "tidemark.whole"
"""The name of a scope extension: `write_whole`, bound to the cycle of the request."""
ABORT = "tidemark.abort"
"""The name of a scope extension: a function that aborts the connection, for clients that have stopped reading."""


class Connections:
    """Counts the open connections of this process, and refuses those over a limit."""

    def __init__(self) -> None:
        self.per_address = self.in_all = 2**31
        self._open: Counter[str] = Counter()
        self._all = 0

    def enter(self, address: str) -> bool:
        """Count a connection, or return False if there are too many of its address or in all."""
        if self._open[address] >= self.per_address or self._all >= self.in_all:
            REFUSED_CONNECTIONS.inc()
            return False
        self._open[address] += 1
        self._all += 1
        return True

    def leave(self, address: str) -> None:
        """Count a connection no longer."""
        self._all -= 1
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]


CONNECTIONS = Connections()
"""The connections of this process; `serving.app` sets its limits."""


class BoundedProtocol(HttpToolsProtocol):
    """Checks limits while a request is read, so that memory stays bounded.

    A refused request is answered, and then its connection is closed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._unsent = 0
        self._stall: asyncio.TimerHandle | None = None
        self._counted = False
        self._refused = False
        self._arriving = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request; abort the connection if there are too many."""
        super().connection_made(transport)
        self._counted = CONNECTIONS.enter(self._address)
        if not self._counted:
            self.transport.abort()
            return
        _limit_unsent(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadlines."""
        self._arrived()
        self._writable()
        if self._counted:
            CONNECTIONS.leave(self._address)
        super().connection_lost(exc)

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def pause_writing(self) -> None:
        """Watch from now on whether the client takes the data that wait for it."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop watching: the client has taken most of the data."""
        self._writable()
        super().resume_writing()

    def _watch_writing(self) -> None:
        self._unsent = _unsent_bytes(self.transport)
        self._stall = self.loop.call_later(WRITE_SECONDS, self._abort_if_stalled)

    def _abort_if_stalled(self) -> None:
        if _unsent_bytes(self.transport) >= self._unsent:
            self.transport.abort()
        else:
            self._watch_writing()

    def _writable(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def data_received(self, data: bytes) -> None:
        """Parse, unless a request was refused; start the deadline of a request that has arrived in part."""
        if not self._refused:
            super().data_received(data)
        if self._arriving and self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def handle_websocket_upgrade(self) -> None:
        """Stop our deadlines: the websocket protocol has its own timeouts."""
        self._arrived()
        self._writable()
        super().handle_websocket_upgrade()
        # From now on, the transport tells the websocket protocol about the end of the connection.
        upgraded: Any = self.transport.get_protocol()
        upgraded.counted_address, self._counted = self._address, False

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

    def on_headers_complete(self) -> None:
        """Begin to answer. The application runs with the next iteration of the event loop, and so has the extension."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            extensions: Any = self.scope["extensions"]
            extensions[WHOLE] = partial(write_whole, self.cycle)

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


def write_whole(cycle: RequestResponseCycle, status: int, lines: bytes, body: bytes) -> bool:
    """Write status, header lines and body of a response at once: most of the time of a kept answer is its sending.

    uvicorn's `send` takes two messages for it and makes two writes, and it checks, lowers and joins every header.

    Returns:
        False if nothing was written: the response has begun, its client is slow in reading, or the connection ends
        after it. Then `send` does what these cases need. True if it was written, or if the client has gone.
    """
    if cycle.disconnected:
        return True
    if cycle.response_started or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    parts = [STATUS_LINE[status]]
    for name, value in cycle.default_headers:
        parts += (name, b": ", value, b"\r\n")
    cycle.transport.write(b"".join((*parts, lines, b"\r\n", body)))
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    cycle.on_response()
    return True


def whole_writer(scope: Scope) -> Callable[[int, bytes, bytes], bool] | None:
    """Return the function that writes the response of a request at once, or None if the server has none."""
    extensions = scope.get("extensions")
    return cast("Callable[[int, bytes, bytes], bool] | None", extensions.get(WHOLE)) if extensions else None


def _limit_unsent(transport: asyncio.Transport) -> None:
    """Limit what the kernel takes for a client that does not read; Linux and macOS have this option."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES)


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes wait for the client: in the process, and in the kernel's buffer of some megabytes."""
    waiting = array("i", [0])
    with suppress(OSError):
        # On a socket, this is SIOCOUTQ: the bytes that the client has not acknowledged.
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, waiting)
    return transport.get_write_buffer_size() + waiting[0]


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """A websocket whose connection the application can abort."""

    counted_address: str | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        if self.counted_address is not None:
            CONNECTIONS.leave(self.counted_address)
            self.counted_address = None
        super().connection_lost(exc)

    def handle_connect(self, event: Any) -> None:
        """Add the extension to the scope in time: the application starts with the next iteration of the event loop."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = self.transport.abort
