"""When an account is connected, ask the platform whether its credentials belong to it, before they are stored."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from pipelines.platforms.base import NameResolver, PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    WrongIdentity,
)
from pipelines.platforms.registry import open_platform

_AT_ONCE = 8

Verdict = Literal["right", "wrong", "unknown", "ended"]
"""`wrong`: the platform says that these credentials cannot read this account; `unknown`: it did not answer that;
`ended`: the access token is refused, and the refresh token was not tried yet."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An account that a user connects, and the credentials that are meant to read it."""

    platform: Platform
    platform_account_id: str
    credentials: Mapping[str, str | float] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """The platform's answer to a claim: a verdict, the reason if it is not `right`, and the account's handle.

    `credentials` are those that a renewal returned, None if the given ones are to be stored. The caller has to store
    them: where a refresh token works once, the given one has ended.
    """

    verdict: Verdict
    reason: str = ""
    handle: str | None = None
    credentials: Mapping[str, Any] | None = field(default=None, repr=False)


def check(settings: Settings, claims: Sequence[Claim]) -> list[Checked]:
    """Return the answers to claims, in order. Each takes one call, which is not retried, or two with a refresh token.

    A refresh token is tried too, unless it works only once: then it is left for `renew`. After a platform failed to
    answer one claim, it is not called for the others: those are `unknown`.
    """
    checkers = {platform: _Checker(open_platform(platform, settings)) for platform in {one.platform for one in claims}}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identity") as pool:
        return list(pool.map(lambda claim: checkers[claim.platform].check(claim), claims))


def renew(settings: Settings, claims: Sequence[Claim]) -> list[Checked]:
    """Return the answers to claims whose access tokens have ended: renew them, and ask whose the new ones are.

    The caller stores the credentials of the answers at once, whatever the others say.
    """
    checkers = {platform: _Checker(open_platform(platform, settings)) for platform in {one.platform for one in claims}}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identity") as pool:
        return list(pool.map(lambda claim: checkers[claim.platform].renew(claim), claims))


def resolve_names(
    settings: Settings, names: Collection[tuple[Platform, str]]
) -> dict[tuple[Platform, str], tuple[str | None, str]]:
    """Return, for pairs of a platform and an account's name, the account's id, or None and why it was not found."""
    apis = {platform: open_platform(platform, settings) for platform in {platform for platform, _ in names}}

    def ask(pair: tuple[Platform, str]) -> tuple[str | None, str]:
        api = apis[pair[0]]
        try:
            return cast("NameResolver", api).resolve_name(pair[1], Tally()), ""
        except PlatformError as error:
            return None, str(error)

    asked = list(dict.fromkeys(names))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="names") as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


def _refused(claim: Claim, error: PlatformError) -> str:
    """Return what a refused access token means: the platforms' own words often say no more than «Unauthorized»."""
    facts = FACTS[claim.platform]
    login = f", or let a person log in with `tidemark accounts authorize --platform {facts.name}`"
    return (
        f"{facts.title} refuses the access token: it is mistyped, has ended, was revoked, or belongs to another "
        f"platform; get a new one{login if facts.login is not None else ''} ({error})"
    )


def _refused_refresh(claim: Claim) -> str:
    app = ", with the client id and the client secret of the app that got it" if FACTS[claim.platform].login else ""
    return f"the refresh token is refused: give a newer one{app}"


def _denied(claim: Claim, error: PlatformError) -> str:
    """Return what it means that a valid token cannot read an account."""
    if not claim.credentials:
        return str(error)
    return (
        "the token cannot read this account: compare its id, and the token's permissions with those in "
        f"docs/connecting.md ({error})"
    )


class _Checker:
    """Checks claims of one platform."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        self._away: str | None = None

    def check(self, claim: Claim) -> Checked:
        if self._away is not None:
            return Checked("unknown", self._away)
        renewable = "refresh_token" in claim.credentials
        found = self._identify(claim)
        if found.verdict == "ended" and not renewable:
            return replace(found, verdict="wrong")
        login = FACTS[claim.platform].login
        if not renewable or found.verdict in ("wrong", "unknown") or login is None or login.refresh_works_once:
            return found
        return self.renew(claim) if found.verdict == "ended" else self._tried(claim, found)

    def renew(self, claim: Claim) -> Checked:
        """Renew the credentials of a claim, and ask whose the new ones are."""
        try:
            renewed = self._api.refresh(self._access(claim), Tally(tries=1))
        except (NeedsReauth, AccountUnreachable) as error:
            return Checked("wrong", str(error))
        except PlatformError as error:
            return Checked("unknown", str(error))
        if renewed is None:
            return Checked("wrong", _refused_refresh(claim))
        found = self._identify(replace(claim, credentials=renewed))
        verdict: Verdict = "wrong" if found.verdict == "ended" else found.verdict
        return replace(found, verdict=verdict, credentials=renewed)

    def _tried(self, claim: Claim, found: Checked) -> Checked:
        """Return the answer about a valid access token, after its refresh token was tried too."""
        try:
            renewed = self._api.refresh(self._access(claim), Tally(tries=1))
        except PlatformError as error:
            return replace(found, verdict="unknown", reason=f"the refresh token could not be tried: {error}")
        if renewed is None:
            return Checked("wrong", _refused_refresh(claim))
        # Most such refresh tokens stay the same. If a new one came, the given one may have ended.
        is_new = renewed.get("refresh_token") != claim.credentials["refresh_token"]
        return replace(found, credentials=renewed) if is_new else found

    def _identify(self, claim: Claim) -> Checked:
        try:
            identity = self._api.identify(self._access(claim), Tally(tries=1))
        except WrongIdentity as error:
            return Checked("wrong", str(error))
        except (AccountUnreachable, PermissionMissing) as error:
            return Checked("wrong", _denied(claim, error))
        except NeedsReauth as error:
            return Checked("ended", _refused(claim, error))
        except PlatformError as error:
            self._away = str(error)
            return Checked("unknown", self._away)
        return Checked("right", handle=identity.handle)

    @staticmethod
    def _access(claim: Claim) -> Access:
        return Access(claim.platform_account_id, claim.credentials)
