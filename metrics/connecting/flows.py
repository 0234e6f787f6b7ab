"""Connections under way, in Redis: an offer, then the flow through the platform's consent, then its outcome.

If a login can read several accounts, there is a choice before the outcome (`choice.py`).

An *offer* is what an API key with the right, or the operator at the command line, wants to have connected. Its ticket
is in the link that a person opens, and works once. Opening it makes a *flow*: a state, a PKCE verifier, and a cookie in
that browser. The platform sends the person back with the state, which works once and only in the same browser. So a
link that somebody else started cannot be finished with another person's login, and a callback that somebody stole is of
no use.

Redis holds hashes of tickets, states and cookies, and the verifier is sealed. All keys expire.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hmac import compare_digest
from typing import Any, Literal

import orjson
from redis import Redis

from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.redis.errors import redis_errors
from metrics.redis.keys import connect_flow_key, connect_offer_key, connect_outcome_key
from metrics.store.api_keys import hash_key
from metrics.vault import Vault

TICKET_PREFIX, STATE_PREFIX = "tmc_", "tms_"
OFFER_SECONDS = 300
"""How long a link can be opened: it is copied from a terminal into a browser."""
FLOW_SECONDS = 600
"""How long the platform's consent may take, with a login and a second factor."""
OUTCOME_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Offer:
    """The account that is to be connected, and who may connect it.

    `account` is the normal form of the platform's id, None if any account that the person owns will do. With
    `second_grant`, that account is connected already, and gets the tokens of its second grant. `key` are the
    rights of the API key that made the offer, in the form of `serving.auth`; None if the operator made it.
    """

    flow_id: str
    workspace_id: str
    platform: Platform
    account: str | None
    key: Mapping[str, Any] | None = None
    second_grant: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """A connection whose person was sent to the platform, from a browser that has the cookie."""

    offer: Offer
    hashed_cookie: str
    sealed_verifier: bytes

    def began_in(self, cookie: str | None) -> bool:
        """Tell whether a browser with this cookie began the flow."""
        return same_browser(cookie, self.hashed_cookie)

    def verifier(self, vault: Vault) -> str:
        """Return the PKCE verifier.

        Raises:
            CredentialError: no key opens it.
        """
        return str(vault.open(self.sealed_verifier, self.offer.flow_id)["verifier"])


def same_browser(cookie: str | None, hashed_cookie: str) -> bool:
    """Tell whether a cookie is the one whose hash was kept."""
    return cookie is not None and compare_digest(hash_key(cookie), hashed_cookie)


@dataclass(frozen=True, slots=True)
class Begun:
    """The secrets of a flow that has begun: they exist in the URL of the consent and in the browser's cookie only."""

    state: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a flow ended: with connected accounts, or with the message that says why there is none.

    `choosing` is not the end yet: a person has to choose among `accounts`. Each of them has `platformAccountId` and
    `handle` (None if it is not known), and a connected one also `accountId`.
    """

    state: Literal["choosing", "connected", "refused"]
    message: str
    accounts: Sequence[Mapping[str, str | None]] = ()


def new_offer(
    workspace_id: str,
    platform: Platform,
    account: str | None,
    key: Mapping[str, Any] | None = None,
    *,
    second_grant: bool = False,
) -> Offer:
    """Return an offer with an id of its own.

    Raises:
        InvalidInput: a second grant is offered, but no account is named.
    """
    if second_grant and account is None:
        raise InvalidInput("a second grant adds to a connected account: name that account", "platformAccountId")
    return Offer(secrets.token_hex(16), workspace_id, platform, account, key, second_grant)


def issue(redis: Redis, offer: Offer) -> str:
    """Keep an offer, and return its ticket.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    ticket = TICKET_PREFIX + secrets.token_urlsafe(32)
    with redis_errors():
        redis.set(connect_offer_key(hash_key(ticket)), orjson.dumps(asdict(offer)), ex=OFFER_SECONDS)
    return ticket


def find_offer(redis: Redis, ticket: str) -> Offer | None:
    """Return the offer of a ticket, which is not used up by this; None if it is unknown, used or too old.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        kept: Any = redis.get(connect_offer_key(hash_key(ticket)))
    return None if kept is None else Offer(**orjson.loads(kept))


def use_offer(redis: Redis, ticket: str) -> bool:
    """Use up a ticket; of several callers with one ticket, one gets True.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        return bool(redis.delete(connect_offer_key(hash_key(ticket))))


def begin(redis: Redis, vault: Vault, offer: Offer, verifier: str) -> Begun:
    """Keep a flow, and return its secrets.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    begun = Begun(STATE_PREFIX + secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    kept = {
        "offer": asdict(offer),
        "cookie": hash_key(begun.cookie),
        "verifier": vault.seal({"verifier": verifier}, offer.flow_id).decode(),
    }
    with redis_errors():
        redis.set(connect_flow_key(hash_key(begun.state)), orjson.dumps(kept), ex=FLOW_SECONDS)
    return begun


def find_flow(redis: Redis, state: str) -> Flow | None:
    """Return the flow of a state, which is not used up by this; None if it is unknown, used or too old.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        kept: Any = redis.get(connect_flow_key(hash_key(state)))
    if kept is None:
        return None
    found = orjson.loads(kept)
    return Flow(Offer(**found["offer"]), found["cookie"], found["verifier"].encode())


def use_flow(redis: Redis, state: str) -> bool:
    """Use up a state; of several callers with one state, one gets True.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        return bool(redis.delete(connect_flow_key(hash_key(state))))


def note_outcome(redis: Redis, flow_id: str, outcome: Outcome) -> None:
    """Keep the outcome of a flow for the command that waits for it.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        redis.set(connect_outcome_key(flow_id), orjson.dumps(asdict(outcome)), ex=OUTCOME_SECONDS)


def find_outcome(redis: Redis, flow_id: str) -> Outcome | None:
    """Return the outcome of a flow, or None while it is under way.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        kept: Any = redis.get(connect_outcome_key(flow_id))
    return None if kept is None else Outcome(**orjson.loads(kept))
