"""Whether the process lives, and whether it can answer."""

from starlette.requests import Request
from starlette.responses import Response

from metrics.errors import MongoUnavailable, RedisUnavailable
from metrics.redisdb import redis_errors
from serving.answers import encode
from serving.problems import RETRY_AFTER
from serving.services import services

_FRESH = {"Cache-Control": "no-store"}


async def healthz(_request: Request) -> Response:
    """Say that the process answers."""
    return Response(encode({"status": "ok"}), headers=_FRESH, media_type="application/json")


async def readyz(request: Request) -> Response:
    """Say which stores answer; 503 where one does not."""
    parts = services(request)
    stores = {"mongo": "ok", "redis": "ok"}
    try:
        await parts.threads.run(parts.store.ping)
    except MongoUnavailable:
        stores["mongo"] = "unavailable"
    try:
        with redis_errors():
            await parts.redis.ping()
    except RedisUnavailable:
        stores["redis"] = "unavailable"
    ready = all(state == "ok" for state in stores.values())
    body = encode({"status": "ok" if ready else "unavailable", "stores": stores})
    headers = _FRESH if ready else {**_FRESH, "Retry-After": RETRY_AFTER}
    return Response(body, 200 if ready else 503, headers, media_type="application/json")
