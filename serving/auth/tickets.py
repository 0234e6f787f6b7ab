"""Stream tickets: one use, 60 seconds, because a browser's EventSource cannot send a header."""

import secrets
from datetime import datetime

import orjson
from redis.asyncio import Redis

from metrics.clock import isoformat, utcnow
from metrics.redis.client import redis_errors
from metrics.store.api_keys import ApiKey, hash_key
from serving.process.measures import REFUSED
from serving.wire.problems import unauthorized

TICKET_SECONDS = 60


def _key(ticket: str) -> str:
    return f"tm:{{ticket:{hash_key(ticket)}}}"


async def issue(redis: Redis, key: ApiKey) -> str:
    """Return a ticket that carries what the key may see.

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
        await redis.set(_key(ticket), orjson.dumps(kept), ex=TICKET_SECONDS)
    return ticket


async def use(redis: Redis, ticket: str) -> ApiKey:
    """Return what a ticket's key may see, once.

    Raises:
        Problem: 401, the ticket is unknown, used or too old, or its key is no longer valid.
        RedisUnavailable: Redis does not answer.
    """
    key = await redeem(redis, ticket)
    if key is None or not key.valid(utcnow()):
        REFUSED.labels("ticket").inc()
        raise unauthorized("This ticket is unknown, used or older than 60 s.")
    return key


async def redeem(redis: Redis, ticket: str) -> ApiKey | None:
    """Return what a ticket's key may see, once; None where it is unknown, used or too old.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        kept = await redis.getdel(_key(ticket))
    if kept is None:
        return None
    facts = orjson.loads(kept)
    expires = facts["expiresAt"]
    return ApiKey(
        key_id=facts["keyId"],
        name="stream ticket",
        prefix="",
        workspaces=tuple(facts["workspaces"]),
        scopes=tuple(facts["scopes"]),
        created_at=utcnow(),
        expires_at=datetime.fromisoformat(expires) if expires else None,
    )
