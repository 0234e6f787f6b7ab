"""Whether the process lives, and whether it can answer."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from metrics.errors import MongoUnavailable, RedisUnavailable
from metrics.redis.client import redis_errors
from serving.endpoints.envelope import encode
from serving.services import services
from serving.wire.problems import RETRY_AFTER

_FRESH = {"Cache-Control": "no-store"}
_PATIENCE = 1.0
"""Seconds: who asks whether this process is ready wants to know it soon, also where Redis hangs."""


async def healthz(_request: Request) -> Response:
    """Say that the process answers."""
    return Response(encode({"status": "ok"}), headers=_FRESH, media_type="application/json")


async def readyz(request: Request) -> Response:
    """Say which stores answer. Without MongoDB nothing can be read: 503; without Redis reads are slower, not away."""
    parts = services(request)
    stores = {"mongo": "ok", "redis": "ok"}
    try:
        await parts.threads.run(parts.store.ping)
    except MongoUnavailable:
        stores["mongo"] = "unavailable"
    try:
        with redis_errors():
            async with asyncio.timeout(_PATIENCE):
                await parts.redis.ping()
    except RedisUnavailable:
        stores["redis"] = "unavailable"
    ready = stores["mongo"] == "ok"
    status = "unavailable" if not ready else "ok" if stores["redis"] == "ok" else "degraded"
    headers = _FRESH if ready else {**_FRESH, "Retry-After": RETRY_AFTER}
    body = encode({"status": status, "stores": stores})
    return Response(body, 200 if ready else 503, headers, media_type="application/json")
