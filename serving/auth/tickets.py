"""Stream tickets: credentials for one use within 60 s, because a browser's EventSource cannot send an API key."""

import secrets
from datetime import datetime

import orjson
from redis.asyncio import Redis

from metrics.clock import isoformat, utcnow
from metrics.redis.errors import redis_errors
from metrics.redis.keys import ticket_key
from metrics.store.api_keys import ApiKey, hash_key
from serving.process.measures import REFUSED
from serving.wire.problems import unauthorized

TICKET_SECONDS = 60


async def issue(redis: Redis, key: ApiKey) -> str:
    """Return a new ticket that grants the rights of a key.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    ticket = "tmt_" + secrets.token_urlsafe(32)
    kept = {
        "keyId": key.key_id,
        "workspaces": list(key.workspaces),
        "scopes": list(key.scopes),
        "expiresAt": isoformat(key.expires_at) if key.expires_at else None,
    }
    with redis_errors():
        await redis.set(ticket_key(hash_key(ticket)), orjson.dumps(kept), ex=TICKET_SECONDS)
    return ticket


async def use(redis: Redis, ticket: str) -> ApiKey:
    """Use up a ticket and return its rights in the form of a key.

    Raises:
        Problem: 401, the ticket is unknown, used or too old, or its key has expired.
        RedisUnavailable: Redis does not answer.
    """
    key = await redeem(redis, ticket)
    if key is None or not key.valid(utcnow()):
        REFUSED.labels("ticket").inc()
        raise unauthorized("This ticket is unknown, used or older than 60 s.")
    return key


async def redeem(redis: Redis, ticket: str) -> ApiKey | None:
    """Use up a ticket and return its rights in the form of a key; None if it is unknown, used or too old.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        kept = await redis.getdel(ticket_key(hash_key(ticket)))
    if kept is None:
        return None
    grant = orjson.loads(kept)
    expires = grant["expiresAt"]
    return ApiKey(
        key_id=grant["keyId"],
        name="stream ticket",
        prefix="",
        workspaces=tuple(grant["workspaces"]),
        scopes=tuple(grant["scopes"]),
        created_at=utcnow(),
        expires_at=datetime.fromisoformat(expires) if expires else None,
    )
