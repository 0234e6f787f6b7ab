"""Pure ASGI middleware: request ids, security headers, limits, an access log without secrets, request metrics."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.process.logs import redact
from serving.process.logs import request_id as current_request
from serving.process.measures import REQUESTS
from serving.wire.headers import request_id_of, security_headers
from serving.wire.problems import Problem, on_error, render
from serving.wire.protocol import MAX_HEADER_BYTES, MAX_HEADERS, MAX_URL

access = logging.getLogger("tidemark.access")
MAX_BODY = 64 * 1024
_LONGEST_PATH = 200


class Frontier:
    """Gives every request an id, common headers, metrics and a log line without the query, which may hold a ticket."""

    def __init__(self, app: ASGIApp, *, behind_tls: bool) -> None:
        self._app = app
        self._security = security_headers(behind_tls=behind_tls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete the response of the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = next((v for n, v in scope["headers"] if n == b"x-request-id"), b"")
        request_id = scope["request_id"] = request_id_of(header)
        token = current_request.set(request_id)
        began, status, spent = time.perf_counter(), 0, 0.0

        async def sending(message: Message) -> None:
            nonlocal status, spent
            if message["type"] == "http.response.start":
                status, spent = message["status"], time.perf_counter() - began
                message["headers"] = [
                    *message["headers"],
                    *_missing(message["headers"], self._security),
                    *scope.get("rate_headers", ()),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            # Starlette would answer a bug outside of this middleware, without the request id and the headers.
            if spent:
                raise
            await (await on_error(Request(scope), error))(scope, receive, sending)
        finally:
            self._record(scope, status, spent or time.perf_counter() - began)
            current_request.reset(token)

    @staticmethod
    def _record(scope: Scope, status: int, spent: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        REQUESTS.labels(scope["method"] if route != "none" else "other", route, status).observe(spent)
        if access.isEnabledFor(logging.INFO):
            fields = {"method": scope["method"], "path": _shown(scope["path"]), "route": route, "status": status,
                      "ms": round(1000 * spent, 2)}  # fmt: skip
            access.info("answered", extra={"fields": fields})


def _shown(path: str) -> str:
    """Return a path as it is logged: without secrets, and cut, because anybody can send a long one."""
    shown = redact(path)
    return shown if len(shown) <= _LONGEST_PATH else f"{shown[:_LONGEST_PATH]}…"


def _missing(
    headers: Sequence[tuple[bytes, bytes]], wanted: Sequence[tuple[bytes, bytes]]
) -> Sequence[tuple[bytes, bytes]]:
    """Return the wanted headers that a route has not set itself."""
    present = {name.lower() for name, _ in headers}
    return wanted if present.isdisjoint(n for n, _ in wanted) else [pair for pair in wanted if pair[0] not in present]


class Bounds:
    """Refuses a URL or headers over their limits, also under a server that does not use `serving.wire.protocol`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 414 or 431."""
        problem = _over(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await render(Request(scope), problem)(scope, receive, send)


def _over(scope: Scope) -> Problem | None:
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > MAX_URL:
        return Problem(414, f"A path and its query may have at most {MAX_URL} bytes together.")
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in headers) > MAX_HEADER_BYTES:
        return Problem(431, f"A request may have at most {MAX_HEADERS} headers, of {MAX_HEADER_BYTES} bytes together.")
    return None


class BodyLimit:
    """Refuses bodies over the limit before a route reads them, whether or not the request declares their length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body, or answer 413."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        declared = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
        body, more, over = b"", True, declared.isdigit() and int(declared[:20]) > MAX_BODY
        while more and not over:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            over = len(body) > MAX_BODY
        if over:
            problem = Problem(413, f"A body may have at most {MAX_BODY} bytes.", headers={"Connection": "close"})
            await render(Request(scope), problem)(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


class HeadersOnly:
    """Answers HEAD with the headers of GET, and stops the application there: no stream or export runs for nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; for HEAD, send the headers of the response and stop the application."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b""})
                raise _HeadAnswered

        with suppress(_HeadAnswered):
            await self._app(scope, receive, sending)


class _HeadAnswered(Exception):
    """Stops the application after the headers of its response were sent."""
