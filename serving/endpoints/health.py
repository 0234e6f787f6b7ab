"""`/healthz` and `/readyz`: liveness and readiness of the process."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from metrics.encoding import dump_json
from metrics.errors import MongoUnavailable, RedisUnavailable
from metrics.redis.errors import redis_errors
from serving.services import services
from serving.wire.problems import RETRY_AFTER

_FRESH = {"Cache-Control": "no-store"}
_REDIS_TIMEOUT = 1.0
"""Seconds. A readiness probe needs its answer soon, also if Redis hangs."""


async def healthz(_request: Request) -> Response:
    """Answer that the process is alive."""
    return Response(dump_json({"status": "ok"}), headers=_FRESH, media_type="application/json")


async def readyz(request: Request) -> Response:
    """Answer which stores are available: 503 without MongoDB, which every read needs; `degraded` without Redis."""
    parts = services(request)
    stores = {"mongo": "ok", "redis": "ok"}
    try:
        await parts.threads.run(parts.store.ping)
    except MongoUnavailable:
        stores["mongo"] = "unavailable"
    try:
        with redis_errors():
            async with asyncio.timeout(_REDIS_TIMEOUT):
                await parts.redis.ping()
    except RedisUnavailable:
        stores["redis"] = "unavailable"
    ready = stores["mongo"] == "ok"
    status = "unavailable" if not ready else "ok" if stores["redis"] == "ok" else "degraded"
    headers = _FRESH if ready else {**_FRESH, "Retry-After": RETRY_AFTER}
    body = dump_json({"status": status, "stores": stores})
    return Response(body, 200 if ready else 503, headers, media_type="application/json")
