"""Tickets: credentials in place of an API key, because a browser's EventSource and its links cannot send a header.

A ticket has to be used within a minute, and opens one stream or downloads one file. A ticket that was issued for
reconnects opens a stream as often as its client reconnects, for as long as a stream of it is open and some minutes
after: EventSource reconnects by itself, with the URL that it was given.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from metrics.clock import isoformat, utcnow
from metrics.redis.errors import redis_errors
from metrics.redis.keys import ticket_key
from metrics.store.api_keys import ApiKey, hash_key
from serving.auth.authenticator import Authenticator
from serving.process.measures import REFUSED
from serving.wire.problems import unauthorized

TICKET_SECONDS = 60
RECONNECT_SECONDS = 600
"""How long a ticket for reconnects is valid after its last stream was open; longer than a short outage."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was found: the rights that it grants, in the form of a key."""

    name: str
    key: ApiKey
    reconnects: bool


def kept_key(key: ApiKey) -> dict[str, Any]:
    """Return the rights of a key in the form in which Redis keeps them."""
    return {
        "keyId": key.key_id,
        "workspaces": list(key.workspaces),
        "scopes": list(key.scopes),
        "expiresAt": isoformat(key.expires_at) if key.expires_at else None,
    }


def key_of_kept(kept: Mapping[str, Any]) -> ApiKey:
    """Return the rights that Redis keeps, in the form of a key."""
    expires = kept["expiresAt"]
    return ApiKey(
        key_id=kept["keyId"],
        name="ticket",
        prefix="",
        workspaces=tuple(kept["workspaces"]),
        scopes=tuple(kept["scopes"]),
        created_at=utcnow(),
        expires_at=datetime.fromisoformat(expires) if expires else None,
    )


async def issue(redis: Redis, key: ApiKey, *, reconnects: bool = False) -> str:
    """Return a new ticket that grants the rights of a key.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    ticket = "tmt_" + secrets.token_urlsafe(32)
    kept = {**kept_key(key), "reconnects": reconnects}
    with redis_errors():
        await redis.set(ticket_key(hash_key(ticket)), orjson.dumps(kept), ex=TICKET_SECONDS)
    return ticket


async def find(redis: Redis, ticket: str) -> Ticket:
    """Return a ticket, which is not used up by this.

    Raises:
        Problem: 401, the ticket is unknown, used or too old, or its key has expired.
        RedisUnavailable: Redis does not answer.
    """
    name = ticket_key(hash_key(ticket))
    with redis_errors():
        kept = await redis.get(name)
    if kept is None:
        raise _refused()
    grant = orjson.loads(kept)
    key = key_of_kept(grant)
    if not key.valid(utcnow()):
        raise _refused()
    return Ticket(name, key, grant["reconnects"])


async def check_key(auth: Authenticator, ticket: Ticket) -> None:
    """Refuse a ticket whose key has since lost its rights.

    Raises:
        Problem: 401, the key was revoked, expired or lost a right.
        MongoUnavailable: MongoDB does not answer.
    """
    if not await auth.still_valid([ticket.key]):
        raise unauthorized("The API key of this ticket was revoked, expired or lost a right.")


async def use(redis: Redis, ticket: Ticket) -> None:
    """Use up a ticket for one stream, or keep one for reconnects valid. Of several callers with one ticket, one wins.

    Raises:
        Problem: 401, the ticket was used or has expired since it was found.
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        if ticket.reconnects:
            used = bool(await redis.expire(ticket.name, RECONNECT_SECONDS))
        else:
            used = bool(await redis.delete(ticket.name))
    if not used:
        raise _refused()


async def renew(redis: Redis, names: Collection[str]) -> None:
    """Keep the tickets of open streams valid.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        for name in names:
            await redis.expire(name, RECONNECT_SECONDS)


def _refused() -> Exception:
    REFUSED.labels("ticket").inc()
    return unauthorized("This ticket is unknown, used or too old. Request a new one.")
