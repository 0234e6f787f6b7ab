"""The Bluesky client: reads accounts through XRPC (docs/platform-facts.md#bluesky).

An account takes one call for its profile, one per hundred posts of its feed that are new, and one per 25 due posts that
are not among them. Numbers are public, so an account without a token is read at the public host, which takes no tokens;
one with an app password is read at the server of its session.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.bluesky import BLUESKY
from pipelines.platforms.base import FurtherHosts
from pipelines.platforms.bluesky.answers import (
    account_numbers,
    handle_of,
    parsing_answer,
)
from pipelines.platforms.bluesky.calls import XrpcCalls
from pipelines.platforms.bluesky.posts import Posts
from pipelines.platforms.bluesky.sessions import Sessions, app_password, check_owner, is_open, is_public
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PermissionMissing, WrongIdentity
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "app.bsky"
"""XRPC has no versions; the lexicons only ever add optional fields."""


class Bluesky:
    """The platform `bluesky`; thread-safe."""

    name: Platform = "bluesky"
    api_version = API_VERSION
    days: ProviderDays | None = None
    further_hosts: ClassVar[FurtherHosts] = {"pds_http": lambda settings: settings.platform_url("bluesky_pds")}

    def __init__(self, http: "Http", _quarantine: Quarantine, *, pds_http: "Http | None" = None) -> None:
        self._public, self._pds = http, pds_http or http
        self._sessions = Sessions(self._pds)

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due posts and its new posts.

        Raises:
            NeedsReauth: the account has an app password, but no session that is valid.
            AccountUnreachable: the account is suspended, deactivated or deleted.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        profile = self._profile(ask, access)
        with parsing_answer():
            numbers = account_numbers(profile)
        reading = AccountReading.of(numbers, handle_of(profile))
        Posts(ask, access, wanted, reading, tally).read()
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return the account: by its session, its app password, or its DID if it was connected without a token.

        Raises:
            WrongIdentity: session or password belong to another account.
            NeedsReauth: session or password are refused.
            AccountUnreachable: there is no such account.
            PlatformError: the account could not be read.
        """
        if is_public(access):
            found = self._profile(self._calls(access, tally), access)
        elif is_open(access):
            found = self._calls(access, tally)("com.atproto.server.getSession", {})
            check_owner(access, found)
        else:
            found = self._sessions.create(access, tally)
        return Identity(access.platform_account_id, handle_of(found))

    def resolve_name(self, name: str, tally: Tally) -> str:
        """Return the DID of the account that has a handle now.

        Raises:
            AccountUnreachable: no account has this handle.
            PlatformError: the platform did not answer.
        """
        ask = XrpcCalls(self._public, Access("", {}), tally, public=True)
        try:
            body = ask("com.atproto.identity.resolveHandle", {"handle": name})
        except PermissionMissing as error:
            raise AccountUnreachable(str(error)) from None
        with parsing_answer():
            return BLUESKY.account_ids.normal(str(body["did"]), _refuse)

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the author feed, each with the metrics of those of its posts that are not stored yet.

        Raises:
            AccountUnreachable: the account is suspended, deactivated or deleted.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        self._profile(ask, access)
        yield from Posts(ask, access, wanted, AccountReading(Reading(utcnow())), tally).past()

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return no days: Bluesky has none. It is never called, because `days` is None."""
        del access, days, tally, budget
        return DaysReading({})

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new session; None if the account has none, or if it is refused."""
        return None if is_public(access) else self._sessions.renew(access, tally)

    def _calls(self, access: Access, tally: Tally) -> XrpcCalls:
        """Return the calls of an account, at the public host or with its session.

        Raises:
            NeedsReauth: the account has an app password with which no session has been opened yet.
        """
        if is_public(access):
            return XrpcCalls(self._public, access, tally, public=True)
        if not is_open(access) and app_password(access) is not None:
            raise NeedsReauth("no session has been opened with the app password yet")
        return XrpcCalls(self._pds, access, tally, public=False)

    @staticmethod
    def _profile(ask: XrpcCalls, access: Access) -> Mapping[str, Any]:
        try:
            profile = ask("app.bsky.actor.getProfile", {"actor": access.platform_account_id})
        except PermissionMissing as error:
            raise AccountUnreachable(str(error)) from None
        with parsing_answer():
            if profile["did"] != access.platform_account_id:
                raise WrongIdentity(f"the answer is about {profile['did']}: connect the right account again")
        return profile


def _refuse(reason: str) -> Any:
    raise ValueError(reason)
