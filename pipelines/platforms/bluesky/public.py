"""Reads accounts of others on Bluesky, without a token: 25 profiles in one call, then each author feed.

Facts: docs/platform-facts.md#bluesky-endpoints.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metrics.documents import Platform
from pipelines.platforms.answers import items_of
from pipelines.platforms.bluesky.answers import account_numbers, handle_of, parsing_answer
from pipelines.platforms.bluesky.api import API_VERSION
from pipelines.platforms.bluesky.calls import XrpcCalls
from pipelines.platforms.bluesky.posts import Posts
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import AccountUnreachable, PermissionMissing
from pipelines.platforms.pool import Loaded
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    Result,
    each,
    found_in,
    look_up,
    never_off,
    snapshot,
)

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

MAX_ACTORS = 25

_ACTOR = re.compile(r"did:[a-z]+:[A-Za-z0-9._:-]+|([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*")

Profile = Mapping[str, Any]


class BlueskyPublic:
    """The reader of public numbers of `bluesky`; thread-safe."""

    name: Platform = "bluesky"
    api_version = API_VERSION

    def __init__(self, http: "Http") -> None:
        self._http = http

    def resolve(self, keys: Sequence[str], _lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each handle or DID, the account that has it now."""
        ask = self._ask(tally)
        profiles = self._profiles(ask, [_actor(key) for key in keys if _is_actor(_actor(key))], tally)

        def of(key: str) -> Resolved | Refusal:
            if not _is_actor(_actor(key)):
                return Refusal("not_found", "It is neither a handle of Bluesky, such as acme.bsky.social, nor a DID.")
            profile = self._profile(ask, profiles, _actor(key))
            if isinstance(profile, Refusal):
                return profile
            with parsing_answer():
                return Resolved(str(profile["did"]), handle_of(profile) or _actor(key))

        return each(keys, of, tally, never_off)

    def read(self, accounts: Sequence[PublicAccount], _lender: Access | None, tally: Tally) -> Mapping[str, Result]:
        """Return, by the accounts' keys, what Bluesky shows of them now."""
        ask = self._ask(tally)
        profiles = self._profiles(ask, [account.platform_account_id for account in accounts], tally)
        by_key = {account.key: account for account in accounts}

        def of(key: str) -> PublicSnapshot | Refusal:
            account = by_key[key]
            profile = self._profile(ask, profiles, account.platform_account_id)
            if isinstance(profile, Refusal):
                return profile
            with parsing_answer():
                numbers = account_numbers(profile)
            reading = AccountReading.of(numbers, handle_of(profile))
            Posts(ask, account.access, account.wanted, reading, tally).read()
            return snapshot(self.name, account, reading)

        return each(by_key, of, tally, never_off)

    def _ask(self, tally: Tally) -> XrpcCalls:
        return XrpcCalls(self._http, Access("", {}), tally, public=True)

    @staticmethod
    def _profiles(ask: XrpcCalls, actors: Sequence[str], tally: Tally) -> Loaded[Profile]:
        """Return the profiles that the batches contain; they silently leave out those that Bluesky does not show."""

        def fetch(some: Sequence[str]) -> Mapping[str, Profile]:
            body = ask("app.bsky.actor.getProfiles", {"actors": some})
            found: dict[str, Profile] = {}
            with parsing_answer():
                for profile in items_of(body["profiles"]):
                    found |= {str(profile["did"]): profile, str(profile.get("handle")).lower(): profile}
            return found

        return look_up(actors, MAX_ACTORS, fetch, tally)

    @staticmethod
    def _profile(ask: XrpcCalls, profiles: Loaded[Profile], actor: str) -> Profile | Refusal:
        """Return the profile of an actor; ask for it alone if the batches left it out, which they do silently.

        Raises:
            PlatformError: it could not be read.
        """
        if (known := found_in(profiles, actor)) is not None:
            return known
        try:
            profile = ask("app.bsky.actor.getProfile", {"actor": actor})
        except (AccountUnreachable, PermissionMissing) as error:
            return Refusal("not_found", f"Bluesky does not show this account: {error}.")
        with parsing_answer():
            is_asked_for = actor in (profile["did"], str(profile["handle"]).lower())
        return profile if is_asked_for else Refusal("not_found", "Bluesky answers with another account.")


def _actor(key: str) -> str:
    """Return the handle or the DID that a key stands for, as Bluesky takes it."""
    return key.removeprefix("@").lower() if key.startswith("@") else key


def _is_actor(actor: str) -> bool:
    """Tell whether a text has the form of a handle or a DID; Bluesky refuses a whole batch for another one."""
    return bool(_ACTOR.fullmatch(actor))
