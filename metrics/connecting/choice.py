"""The choice among several accounts of one login: kept for some minutes, sealed, until a person has chosen.

Nothing is stored in MongoDB before the choice. It works once, and either in the browser that began the login, whose
cookie is compared, or at the command line that printed the link.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

import orjson
from redis import Redis

from metrics.connecting.accounts import connect_accounts, refuse_what_is_being_erased
from metrics.connecting.candidates import Candidate, new_accounts
from metrics.connecting.errors import NotConnected
from metrics.connecting.flows import Flow, Offer, same_browser
from metrics.documents import AccountDocument
from metrics.errors import InvalidInput
from metrics.redis.errors import redis_errors
from metrics.redis.keys import connect_choice_key
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault

CHOICE_SECONDS = 300
"""How long a person may take to choose."""


class ChoiceUsed(NotConnected):
    """A choice that was made already, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "link",
            "The accounts were chosen already, or the choice is too old. Look at the workspace's accounts, and start "
            "again if one is missing.",
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The accounts of a login, of which a person chooses some; `credentials` are those of the person's token."""

    offer: Offer
    hashed_cookie: str
    candidates: tuple[Candidate, ...]
    credentials: Mapping[str, Any] = field(repr=False)

    def began_in(self, cookie: str | None) -> bool:
        """Tell whether a browser with this cookie began the login."""
        return same_browser(cookie, self.hashed_cookie)


def keep_choice(redis: Redis, vault: Vault, flow: Flow, choices: Collection[Candidate], credentials: Any) -> Choice:
    """Keep the accounts of a login with their tokens, sealed, and return them.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    choice = Choice(flow.offer, flow.hashed_cookie, tuple(choices), credentials)
    secret = {"credentials": dict(credentials), "candidates": [astuple(one) for one in choice.candidates]}
    kept = {
        "offer": asdict(flow.offer),
        "cookie": flow.hashed_cookie,
        "sealed": vault.seal(secret, flow.offer.flow_id).decode(),
    }
    with redis_errors():
        redis.set(connect_choice_key(flow.offer.flow_id), orjson.dumps(kept), ex=CHOICE_SECONDS)
    return choice


def find_choice(redis: Redis, vault: Vault, flow_id: str) -> Choice | None:
    """Return the choice of a flow, which is not used up by this; None if it is unknown, made, or too old.

    Raises:
        RedisUnavailable: Redis does not answer.
        CredentialError: no key opens it.
    """
    with redis_errors():
        kept: Any = redis.get(connect_choice_key(flow_id))
    if kept is None:
        return None
    found = orjson.loads(kept)
    secret = vault.open(found["sealed"].encode(), flow_id)
    candidates = tuple(Candidate(*one) for one in secret["candidates"])
    return Choice(Offer(**found["offer"]), found["cookie"], candidates, secret["credentials"])


def connect_chosen(
    store: Store, redis: Redis, settings: Settings, choice: Choice, wanted: Collection[str]
) -> list[AccountDocument]:
    """Connect the accounts whose ids are wanted, and return them; this uses up the choice.

    Raises:
        InvalidInput: no account, or one that the login cannot read, is wanted; or one is being erased. The choice is
            not used up by the first two.
        ChoiceUsed: the choice was made already, or is too old.
        Unavailable: a store does not answer.
    """
    known = {one.platform_account_id: one for one in choice.candidates}
    if not wanted:
        raise InvalidInput("Choose at least one account")
    if unknown := sorted(set(wanted) - known.keys()):
        raise InvalidInput(f"This login cannot read the account {unknown[0]}: choose among the listed ones")
    offer = choice.offer
    accounts = new_accounts(
        offer.workspace_id, offer.platform, choice.credentials, (known[one] for one in dict.fromkeys(wanted))
    )
    if not _use(redis, offer.flow_id):
        raise ChoiceUsed
    refuse_what_is_being_erased(store, accounts)
    return connect_accounts(store, redis, Vault(settings.secret_keys), accounts)


def _use(redis: Redis, flow_id: str) -> bool:
    """Use up a choice; of several callers, one gets True."""
    with redis_errors():
        return bool(redis.delete(connect_choice_key(flow_id)))
