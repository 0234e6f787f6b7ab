"""When an account is connected, ask the platform whether its credentials belong to it, before they are stored."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, cast

from metrics.documents import Platform
from metrics.settings import Settings
from pipelines.platforms.base import Access, NameResolver, PlatformApi, Tally
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PlatformError, WrongIdentity
from pipelines.platforms.registry import open_platform

_AT_ONCE = 8

Verdict = Literal["right", "wrong", "unknown"]
"""`wrong`: the platform says that these credentials cannot read this account; `unknown`: it did not answer that."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An account that a user connects, and the credentials that are meant to read it."""

    platform: Platform
    platform_account_id: str
    credentials: Mapping[str, str | float] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """The platform's answer to a claim: a verdict, the reason if it is not `right`, and the account's handle."""

    verdict: Verdict
    reason: str = ""
    handle: str | None = None


def check(settings: Settings, claims: Sequence[Claim]) -> list[Checked]:
    """Return the answers to claims, in order. Each takes one call, which is not retried.

    After a platform failed to answer one claim, it is not called for the others: those are `unknown`.
    """
    checkers = {platform: _Checker(open_platform(platform, settings)) for platform in {one.platform for one in claims}}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identity") as pool:
        return list(pool.map(lambda claim: checkers[claim.platform].check(claim), claims))


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


class _Checker:
    """Checks claims of one platform."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        self._away: str | None = None

    def check(self, claim: Claim) -> Checked:
        if self._away is not None:
            return Checked("unknown", self._away)
        access = Access(claim.platform_account_id, claim.credentials)
        try:
            identity = self._api.identify(access, Tally(tries=1))
        except (NeedsReauth, AccountUnreachable) as error:
            if not isinstance(error, WrongIdentity | AccountUnreachable) and "refresh_token" in claim.credentials:
                return Checked("unknown", f"{error}; the refresh token is tried at the first collection")
            return Checked("wrong", str(error))
        except PlatformError as error:
            self._away = str(error)
            return Checked("unknown", self._away)
        return Checked("right", handle=identity.handle)
