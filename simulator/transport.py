"""How an answer travels, and what goes wrong on its way: what any HTTP API or any proxy before it has done to others.

Faults that come instead of an answer (`instead`) leave the platform unasked: nothing is counted. The others (`sent`)
spoil an answer that the platform gave.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from simulator.faults import Target
from simulator.state import Answer
from simulator.wire import encoded

JSON = "application/json; charset=UTF-8"
PROXY_ERROR = {"error": {"code": "UPSTREAM_UNAVAILABLE", "reason": "no healthy upstream", "requestId": "sim-0001"}}
"""What a proxy says of itself; of the four platforms none writes like this."""
_ASKS_TO_WAIT = (429, 503)


class CutResponse(Response):
    """Sends half of its body in chunks, and closes the connection: the last chunk, which is empty, never comes."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send, and leave the response open: the server then closes the connection."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


def instead(aim: Target) -> Response | None:
    """Return what comes instead of the platform's answer, if anything does."""
    if aim.strike("html"):
        return Response("<html><body>Sorry, something went wrong.</body></html>", 200, media_type="text/html")
    if aim.strike("proxy_error"):
        return Response(orjson.dumps(PROXY_ERROR), 200, media_type=JSON)
    if fault := aim.strike("foreign_body"):
        return Response(encoded(fault.value), 200, media_type=JSON)
    if fault := aim.strike("redirect"):
        return Response(None, 302, {"Location": str(fault.value)})
    return None


def whole(answer: Answer) -> Response:
    """Return the platform's answer as it is sent where nothing goes wrong."""
    return Response(encoded(answer.body), answer.status, answer.headers, JSON)


def sent(answer: Answer, aim: Target) -> Response:
    """Return the platform's answer as it is sent, spoilt by the faults that hit the call."""
    body, headers = encoded(answer.body), {**answer.headers, **_waits(answer.status, aim)}
    if aim.strike("broken_json"):
        body = body[: len(body) // 2]
    if aim.strike("empty_body"):
        body = b""
    if aim.strike("broken_gzip"):
        headers["Content-Encoding"] = "gzip"
        return Response(_broken(gzip.compress(body, mtime=0)), answer.status, headers, JSON)
    if aim.strike("cut"):
        return CutResponse(body, answer.status, headers, JSON)
    if fault := aim.strike("drip"):
        return StreamingResponse(_dripping(body, fault.seconds), answer.status, headers, JSON)
    return Response(body, answer.status, headers, JSON)


def _waits(status: int, aim: Target) -> dict[str, str]:
    """Return headers that ask for a wait, where the answer is one that may have them."""
    headers: dict[str, str] = {}
    if status not in _ASKS_TO_WAIT:
        return headers
    if fault := aim.strike("retry_after"):
        headers["Retry-After"] = _number(fault.seconds if fault.value is None else fault.value)
    if fault := aim.strike("rate_limit_reset"):
        headers["x-rate-limit-reset"] = _number(fault.value)
    return headers


def _number(value: Any) -> str:
    """Return a number as a header has it, a whole one without a point; text stays as it is."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _broken(compressed: bytes) -> bytes:
    """Return what no reader can unpack: behind gzip's header of ten bytes stands a block of a type that is reserved."""
    return compressed[:10] + b"\x07" + compressed[11:]


async def _dripping(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        await asyncio.sleep(seconds)
        yield body[place : place + 1]
