"""Reads profiles of others on Threads, through a connected account: one call each, of which a day has a thousand.

A profile has its followers and the activity on its posts within the last seven days, and no numbers of single posts.
The answer has no id: a profile is known by its name alone, and is not found again once it was renamed.

Facts: docs/platform-facts.md#threads-public-profiles.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metrics.documents import Platform
from pipelines.platforms.answers import name_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PermissionMissing, PlatformError, PostGone, RequestRefused
from pipelines.platforms.graph.answers import parsing_answer
from pipelines.platforms.graph.client import GraphApi
from pipelines.platforms.numbers import Numbers, field_of
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    Result,
    each,
    snapshot,
)
from pipelines.platforms.threads.api import API_VERSION

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_NAME = re.compile(r"[A-Za-z0-9._]{1,50}")
_LAST_WEEK = {
    "likes": ("likes_count",),
    "comments": ("replies_count",),
    "shares": ("reposts_count", "quotes_count"),
    "views": ("views_count",),
}
_WITHOUT_LENDER = Refusal(
    "off", "Profiles of others are read through a connected Threads account: the workspace has none."
)
_NOT_SHOWN = Refusal(
    "not_found",
    "Threads shows no such profile: it does not exist, is private, has fewer than 100 followers, belongs to a minor or "
    "was renamed, and the answer does not tell which.",
)
_NO_NAME = Refusal("not_found", "It is no user name of Threads, which has letters, digits, dots and underscores.")


class ThreadsPublic:
    """The reader of public numbers of `threads`; thread-safe."""

    name: Platform = "threads"
    api_version = API_VERSION

    def __init__(self, http: "Http") -> None:
        self._graph = GraphApi(http, API_VERSION)

    def resolve(self, keys: Sequence[str], lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each user name, the profile that has it now."""

        def of(key: str) -> Resolved | Refusal:
            profile = self._profile(key.removeprefix("@"), lender, tally)
            if isinstance(profile, Refusal):
                return profile
            handle = name_of(profile["username"]) or key.removeprefix("@")
            return Resolved(f"@{handle}", handle)

        return each(keys, of, tally, _off)

    def read(self, accounts: Sequence[PublicAccount], lender: Access | None, tally: Tally) -> Mapping[str, Result]:
        """Return, by the accounts' keys, what Threads shows of them now."""
        by_key = {account.key: account for account in accounts}

        def of(key: str) -> PublicSnapshot | Refusal:
            account = by_key[key]
            profile = self._profile(account.handle, lender, tally)
            if isinstance(profile, Refusal):
                return profile
            numbers, week = Numbers(), Numbers()
            numbers.take("followers", field_of(profile, "follower_count"), "provider_error")
            for name, fields in _LAST_WEEK.items():
                week.take_sum(name, [field_of(profile, field) for field in fields], "provider_error")
            reading = AccountReading.of(numbers, name_of(profile["username"]))
            reading.note_odd("the last seven days", week.odd)
            return snapshot(self.name, account, reading, **week.metrics)

        return each(by_key, of, tally, _off)

    def _profile(self, name: str, lender: Access | None, tally: Tally) -> Mapping[str, Any] | Refusal:
        """Return the profile with a name.

        Raises:
            PlatformError: it could not be read.
        """
        if lender is None:
            return _WITHOUT_LENDER
        if not _NAME.fullmatch(name):
            return _NO_NAME
        try:
            profile = self._graph.get("profile_lookup", lender.token, {"username": name.lower()}, tally)
        except (RequestRefused, PostGone):
            return _NOT_SHOWN
        with parsing_answer():
            if str(profile["username"]).lower() != name.lower():
                raise BadAnswer("the answer is about another profile")
        return profile


def _off(error: PlatformError) -> str | None:
    """Return why no profile can be looked up: the app lacks advanced access."""
    if not isinstance(error, PermissionMissing):
        return None
    return f"Threads shows the app no profiles of others, which takes advanced access: {str(error).rstrip('.')}."
