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
    """Answer which stores are available: 503 without MongoDB, which every read needs.

    `degraded` means that the process answers, but Redis is away or refuses commands, or one of the tasks of the process
    failed within the last minute. `problems` names the reasons.
    """
    parts = services(request)
    stores = {"mongo": "ok", "redis": "ok"}
    problems = [f"the task {name} failed: {error}" for name, error in sorted(parts.supervisor.failing().items())]
    try:
        await parts.threads.probe(parts.store.ping)
    except MongoUnavailable as error:
        stores["mongo"] = "unavailable"
        problems.append(str(error))
    try:
        async with asyncio.timeout(_REDIS_TIMEOUT):
            with redis_errors():
                await parts.redis.ping()
    except (RedisUnavailable, TimeoutError) as error:
        stores["redis"] = "unavailable"
        problems.append(str(error) or "Redis does not answer; try again when it is back")
    problems += sorted(parts.hub.problems() - set(problems))
    ready = stores["mongo"] == "ok"
    status = "unavailable" if not ready else "degraded" if problems else "ok"
    headers = _FRESH if ready else {**_FRESH, "Retry-After": RETRY_AFTER}
    body = dump_json({"status": status, "stores": stores, "problems": problems})
    return Response(body, 200 if ready else 503, headers, media_type="application/json")
