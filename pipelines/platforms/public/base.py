"""The interface between collection and the readers of public numbers: the protocol `PublicReader` and its data classes.

Each reader is in the package of its platform (`pipelines/platforms/<platform>/public.py`) and shares the calls, the
parsers and the errors of the client of own accounts.

Facts: docs/platform-facts.md#public-numbers-of-others.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from metrics.catalog import shown_of_others
from metrics.documents import Platform
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    RequestRefused,
)
from pipelines.platforms.pool import Loaded, Pool, Readers

RefusedState = Literal["not_found", "personal", "private", "age_gated", "off"]
"""Why a platform does not show an account. `off` means that the route itself is closed: a token is missing, or the app
lacks a permission. Platforms that do not tell why they show nothing have `not_found`; its reason says so."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An account that the platform shows: its stable id and its present handle, without `@`.

    Threads shows no id of others: there, `platform_account_id` is `@` and the handle.
    """

    platform_account_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An account that the platform does not show; `reason` is one sentence for a person."""

    state: RefusedState
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An account that was not read this time, because of a limit or a failure that may pass."""

    error: PlatformError

    @property
    def reason(self) -> str:
        """What happened, in the words of the platform."""
        return str(self.error)

    @property
    def until(self) -> datetime | None:
        """When the next call may be sent; None if nothing but the next run has to be waited for."""
        return self.error.until if isinstance(self.error, RateLimited) else None


@dataclass(frozen=True, slots=True)
class PublicAccount:
    """A watched account to read: the key of its result, its stable id, the handle that it had last, and its posts.

    `wanted` has what is known of its posts, as for an own account. Posts published before `wanted.since` are not read.
    """

    key: str
    platform_account_id: str
    handle: str
    wanted: Wanted

    @property
    def access(self) -> Access:
        """The account in the form in which the readers of posts take it, without credentials."""
        return Access(self.platform_account_id, {})


@dataclass(frozen=True, slots=True)
class PublicSnapshot:
    """What a platform shows of an account now.

    `reading` has the numbers that are public, in the form of an own account's reading, and no content of posts; its
    `failures`, `gone` and `odd` are those of an own account, too. `last_week` has activity on all posts together within
    the last seven days, by the names that the counters of posts have: a window that slides, neither a counter nor the
    sum of a day. `usd` is what the platform bills for the reading, in US dollars.
    """

    platform_account_id: str
    handle: str
    reading: AccountReading
    last_week: Mapping[str, int | float] = field(default_factory=dict)
    usd: float = 0.0

    @property
    def levels(self) -> Mapping[str, int | float]:
        """The levels of the account by canonical name."""
        return self.reading.account.metrics

    @property
    def posts(self) -> Sequence[tuple[Post, Reading]]:
        """The posts, each with its counters by canonical name."""
        return self.reading.posts

    @property
    def hidden(self) -> Mapping[str, frozenset[str]]:
        """The names of the counters that the owner hides, by the platform's id of the post; others are left out."""
        found = {post.platform_post_id: _denied(numbers) for post, numbers in self.reading.posts}
        return {name: counters for name, counters in found.items() if counters}


Outcome = Resolved | Refusal | Skipped
Result = PublicSnapshot | Refusal | Skipped


class PublicReader(Protocol):
    """Reads accounts of others on one platform.

    No method raises an error of the platform: each account has a result of its own, and none takes another with it.
    `lender` is the connected account of the workspace whose token is lent (`PublicNumbers.lends`), None for the other
    platforms, or if the workspace has none. Calls and what they cost are counted in `tally`.
    """

    @property
    def name(self) -> Platform:
        """The platform's name."""
        ...

    @property
    def api_version(self) -> str:
        """The API version that is called."""
        ...

    def resolve(self, keys: Sequence[str], lender: Access | None, tally: Tally, /) -> Mapping[str, Outcome]:
        """Return, for each key, the account that has it now. A key is `@` and a handle, or the platform's id."""
        ...

    def read(self, accounts: Sequence[PublicAccount], lender: Access | None, tally: Tally, /) -> Mapping[str, Result]:
        """Return, by the accounts' keys, what the platform shows of them now.

        Accounts are found by their stable id where the platform has one, so that a renaming changes nothing but the
        handle of the snapshot. The `memory` of `wanted` is updated: the caller saves it after the result is stored.
        """
        ...


def snapshot(
    platform: Platform, account: PublicAccount, reading: AccountReading, usd: float = 0.0, **last_week: float
) -> PublicSnapshot:
    """Return the snapshot of a reading, with nothing but the numbers that the platform shows of others."""
    reading.account = _only(reading.account, shown_of_others(platform, "account"))
    reading.posts = [(replace(post, content=None), _shown(platform, post, read)) for post, read in reading.posts]
    reading.listed = {name: replace(post, content=None) for name, post in reading.listed.items()}
    handle = reading.handle or account.handle
    return PublicSnapshot(account.platform_account_id, handle, reading, last_week, usd)


def _shown(platform: Platform, post: Post, read: Reading) -> Reading:
    return _only(read, shown_of_others(platform, post.metric_type, post.content_type))


def _only(read: Reading, names: Collection[str]) -> Reading:
    return replace(
        read,
        metrics={name: value for name, value in read.metrics.items() if name in names},
        unavailable={name: reason for name, reason in read.unavailable.items() if name in names},
    )


def _denied(read: Reading) -> frozenset[str]:
    return frozenset(name for name, reason in read.unavailable.items() if reason == "permission_missing")


_Key = TypeVar("_Key")
_Found = TypeVar("_Found")
_Value = TypeVar("_Value")


def look_up(
    keys: Iterable[str], size: int, fetch: Callable[[Sequence[str]], Mapping[str, _Value | PlatformError]], tally: Tally
) -> Loaded[_Value]:
    """Return what `fetch` finds for keys, in calls of at most `size` of them.

    A refused call is sent again in halves, until the refused key is alone. After a limit, no more calls are sent.
    """

    def limited(some: Sequence[str], _access: Access, _tally: Tally) -> Mapping[str, _Value | PlatformError]:
        if tally.limited is not None:
            raise tally.limited
        try:
            return fetch(some)
        except RateLimited as error:
            tally.note_limit(error)
            raise
        except BadAnswer as error:
            raise RequestRefused(str(error)) from None

    return Pool[_Value](limited, Readers(), size).load(keys, Access("", {}), tally)


def found_in(loaded: Loaded[_Value], key: str) -> _Value | None:
    """Return what was found for a key; None if the answer does not contain it.

    Raises:
        Exception: it could not be read; an error of the platform, unless there is a mistake in Tidemark.
    """
    if key in loaded.errors:
        raise loaded.errors[key]
    return loaded.values.get(key)


def each(
    keys: Iterable[_Key], read: Callable[[_Key], _Found], tally: Tally, off: Callable[[PlatformError], str | None]
) -> dict[_Key, _Found | Refusal | Skipped]:
    """Return the result of `read` for each key, or what its error means for this key.

    After a limit, and after an error for which `off` returns the reason why the whole route is closed, nothing more is
    read: the other keys have the same result.
    """
    found: dict[_Key, _Found | Refusal | Skipped] = {}
    stop: Refusal | Skipped | None = None if tally.limited is None else Skipped(tally.limited)
    for key in keys:
        if stop is not None:
            found[key] = stop
            continue
        try:
            found[key] = read(key)
        except PlatformError as error:
            found[key], stop = failed(error, tally, off)
            continue
        if tally.limited is not None:
            stop = Skipped(tally.limited)
    return found


def failed(
    error: PlatformError, tally: Tally, off: Callable[[PlatformError], str | None]
) -> tuple[Refusal | Skipped, Refusal | Skipped | None]:
    """Return what an error means for one account, and for all that come after it: None if it is of this one alone."""
    if (reason := off(error)) is not None:
        closed = Refusal("off", reason)
        return closed, closed
    if isinstance(error, RateLimited):
        tally.note_limit(error)
        return Skipped(error), None if tally.limited is None else Skipped(error)
    if isinstance(error, NeedsReauth):
        return Skipped(error), Skipped(error)
    if isinstance(error, AccountUnreachable | PostGone | PermissionMissing):
        return Refusal("not_found", f"The platform does not show it: {str(error).rstrip('.')}."), None
    return Skipped(error), None


def never_off(_error: PlatformError) -> str | None:
    """Return None: no error of the platform closes the route."""
    return None
