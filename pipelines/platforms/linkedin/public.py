"""Reads the followers of organizations of others on LinkedIn, through a connected account, where LinkedIn answers.

Whether it answers about organizations that the member does not administer is told both ways. The first account of a
reading is the probe: after its 403, nothing more is asked for. Once an organization was shown, a 403 only
concerns the organization that was asked for.

Facts: docs/platform-facts.md#linkedin-organizations-of-others.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metrics.documents import Platform
from metrics.platforms.linkedin import API_VERSION
from pipelines.platforms.answers import id_of, items_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PermissionMissing, PlatformError, PostGone
from pipelines.platforms.linkedin.answers import FOLLOWERS, account_numbers, parsing_answer
from pipelines.platforms.linkedin.api import followers_of, shown_name
from pipelines.platforms.linkedin.calls import LinkedInCalls
from pipelines.platforms.public.base import (
    Outcome,
    PublicAccount,
    PublicSnapshot,
    Refusal,
    Resolved,
    Result,
    each,
    never_off,
    snapshot,
)

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_ID = re.compile(r"[0-9]+")
_WITHOUT_LENDER = Refusal(
    "off", "Organizations of others are read through a connected LinkedIn page: the workspace has none."
)
_NOT_SHOWN = Refusal("not_found", "LinkedIn shows no such organization.")
_FIELDS = {"fields": "id,vanityName,localizedName"}


class LinkedInPublic:
    """The reader of public numbers of `linkedin`; thread-safe."""

    name: Platform = "linkedin"
    api_version = API_VERSION

    def __init__(self, http: "Http") -> None:
        self._http = http

    def resolve(self, keys: Sequence[str], lender: Access | None, tally: Tally) -> Mapping[str, Outcome]:
        """Return, for each vanity name or number, the organization that has it now."""
        if lender is None:
            return dict.fromkeys(keys, _WITHOUT_LENDER)
        ask = LinkedInCalls(self._http, lender, tally)

        def of(key: str) -> Resolved | Refusal:
            found = self._organization(ask, key)
            if found is None:
                return _NOT_SHOWN
            with parsing_answer():
                return Resolved(id_of(found["id"], _ID), shown_name(found) or key.removeprefix("@"))

        return each(keys, of, tally, never_off)

    def read(self, accounts: Sequence[PublicAccount], lender: Access | None, tally: Tally) -> Mapping[str, Result]:
        """Return, by the accounts' keys, the followers that LinkedIn shows of them now."""
        if lender is None:
            return {account.key: _WITHOUT_LENDER for account in accounts}
        ask = LinkedInCalls(self._http, lender, tally)
        by_key = {account.key: account for account in accounts}
        shown = False

        def off(error: PlatformError) -> str | None:
            if shown or not isinstance(error, PermissionMissing):
                return None
            return f"LinkedIn does not show organizations of others: {str(error).rstrip('.')}."

        def of(key: str) -> PublicSnapshot | Refusal:
            nonlocal shown
            account = by_key[key]
            number = account.platform_account_id.rpartition(":")[2]
            try:
                size = ask(*followers_of(f"urn:li:organization:{number}"))
            except PostGone:
                return _NOT_SHOWN
            shown = True
            with parsing_answer():
                numbers = account_numbers(size)
            if FOLLOWERS not in size:
                raise BadAnswer(f"LinkedIn's answer has an unexpected form: it has no {FOLLOWERS}")
            reading = AccountReading.of(numbers)
            named = self._organization(ask, number)
            reading.handle = shown_name(named) if named is not None else None
            return snapshot(self.name, account, reading)

        return each(by_key, of, tally, off)

    @staticmethod
    def _organization(ask: LinkedInCalls, key: str) -> Mapping[str, Any] | None:
        """Return the public fields of an organization by its number or its vanity name, None if there is none.

        Raises:
            PlatformError: it could not be read.
        """
        number = key.rpartition(":")[2]
        try:
            if _ID.fullmatch(number):
                return ask(f"organizationsLookup/{number}", _FIELDS)
            found = ask("organizations", {"q": "vanityName", "vanityName": key.removeprefix("@"), **_FIELDS})
        except PostGone:
            return None
        with parsing_answer():
            elements: list[Mapping[str, Any]] = items_of(found["elements"])
        return elements[0] if elements else None
