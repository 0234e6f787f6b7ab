"""Transport faults: the ways in which an HTTP API, or a proxy in front of it, can damage or replace an answer.

Faults that replace an answer (`replacement`) do not reach the simulated platform, so no call is counted. The others
(`spoilt`) damage an answer of the platform.
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
from simulator.wire import encode_json

JSON = "application/json; charset=UTF-8"
PROXY_ERROR = {"error": {"code": "UPSTREAM_UNAVAILABLE", "reason": "no healthy upstream", "requestId": "sim-0001"}}
"""Error of a proxy, in a form that no platform uses."""
_ASKS_TO_WAIT = (429, 503)
_NOT_MODIFIED = 304


class CutResponse(Response):
    """Response that sends half of its body in chunks and then closes the connection, without the final empty chunk."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send half of the body and leave the response unfinished, so that the server closes the connection."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


def replacement(aim: Target) -> Response | None:
    """Return the response that a fault puts in place of the platform's answer, if any."""
    if aim.strike("html"):
        return Response("<html><body>Sorry, something went wrong.</body></html>", 200, media_type="text/html")
    if aim.strike("proxy_error"):
        return Response(orjson.dumps(PROXY_ERROR), 200, media_type=JSON)
    if fault := aim.strike("foreign_body"):
        return Response(encode_json(fault.value), 200, media_type=JSON)
    if fault := aim.strike("redirect"):
        return Response(None, 302, {"Location": str(fault.value)})
    return None


def unspoilt(answer: Answer) -> Response:
    """Return the platform's answer as a response without faults; one that nothing has changed has no body."""
    if answer.status == _NOT_MODIFIED:
        return Response(None, answer.status, answer.headers)
    return Response(_content(answer.body), answer.status, answer.headers, _media_type(answer))


def spoilt(answer: Answer, aim: Target) -> Response:
    """Return the platform's answer as a response, damaged by the faults that hit the call."""
    body, headers = _content(answer.body), {**answer.headers, **_waits(answer.status, aim)}
    media_type = _media_type(answer)
    if aim.strike("broken_json"):
        body = body[: len(body) // 2]
    if aim.strike("empty_body"):
        body = b""
    if aim.strike("broken_gzip"):
        headers["Content-Encoding"] = "gzip"
        return Response(_broken(gzip.compress(body, mtime=0)), answer.status, headers, media_type)
    if aim.strike("cut"):
        return CutResponse(body, answer.status, headers, media_type)
    if fault := aim.strike("drip"):
        return StreamingResponse(_dripping(body, fault.seconds), answer.status, headers, media_type)
    return Response(body, answer.status, headers, media_type)


def _content(body: Any) -> bytes:
    """Return a body as bytes: a file stays as it is, everything else is written as JSON."""
    return body if isinstance(body, bytes) else encode_json(body)


def _media_type(answer: Answer) -> str | None:
    """Return the media type of an answer, or None if its headers have it."""
    return None if isinstance(answer.body, bytes) and "Content-Type" in answer.headers else JSON


def _waits(status: int, aim: Target) -> dict[str, str]:
    """Return headers that ask the client to wait, if the status of the answer allows them."""
    headers: dict[str, str] = {}
    if status not in _ASKS_TO_WAIT:
        return headers
    if fault := aim.strike("retry_after"):
        headers["Retry-After"] = _number(fault.seconds if fault.value is None else fault.value)
    if fault := aim.strike("rate_limit_reset"):
        headers["x-rate-limit-reset"] = _number(fault.value)
    return headers


def _number(value: Any) -> str:
    """Return a number as header text, a whole one without a decimal point; text stays as it is."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _broken(compressed: bytes) -> bytes:
    """Return data that cannot be decompressed: after gzip's header of ten bytes comes a block of a reserved type."""
    return compressed[:10] + b"\x07" + compressed[11:]


async def _dripping(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        await asyncio.sleep(seconds)
        yield body[place : place + 1]
