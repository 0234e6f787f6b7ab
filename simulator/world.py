"""Simulated accounts and posts: pure functions of a seed, so that thousands of accounts cost nothing.

A `SimPlatform` defines the ids and the kinds of posts of one platform; this module depends on no particular platform.
"""

import hashlib
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from metrics.documents import ContentType, MetricType, Platform, Reason
from simulator.captions import caption
from simulator.chance import ONE, between, draw
from simulator.events import MOST_EVENTS, Event, Events
from simulator.season import activity, season

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""No post was published before; accounts are older."""

ACCOUNTS = 1_000_000
"""Accounts per platform."""

FURTHEST = 1_000_000_000
"""Greatest list position that is accepted; every list is shorter."""

FIRST_BAR_SEED = 1_000
"""Worlds of tests and of the demo have seeds below it. Worlds on which a method is judged against a bar have this seed
or a higher one, so that no constant of a method is chosen on the numbers that judge it."""

PLACES = 3
_REMEMBERED = 65_536
STORY_LIFE = timedelta(hours=24)
_BLOCK = 8
"""Days whose posts are drawn and cached together."""
_THERE = tuple(int(chance * 2**32) for chance in (0.75, 0.15, 0.5))
"""Probability of a post in each place of a day, scaled to 32 bits like the drawn numbers."""
_DELETED = int(0.03 * 2**32)
"""Probability that a post is deleted later, scaled likewise."""

_FIRST = ("north", "green", "harbour", "amber", "quiet", "little", "golden", "river", "maple", "cobalt")
_SECOND = ("bakery", "studio", "cycles", "records", "garden", "press", "coffee", "outdoors", "kitchen", "atelier")


@dataclass(frozen=True, slots=True)
class SimAccount:
    """One account. Only `token` may read it, unless its platform issues other tokens."""

    platform: Platform
    index: int
    platform_account_id: str
    handle: str
    token: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of post, in the platform's own terms (`native`) and in Tidemark's."""

    native: tuple[str, ...]
    metric_type: MetricType
    content_type: ContentType


class SimPost(NamedTuple):
    """One post. A story lives for 24 hours; `deleted_at` is set if the owner deletes the post.

    `number` is unique over all platforms and seeds all values of the post.
    """

    platform: Platform
    account_index: int
    number: int
    platform_post_id: str
    kind: Kind
    published_at: datetime
    deleted_at: datetime | None

    @property
    def metric_type(self) -> MetricType:
        """Tidemark's metric type of the post."""
        return self.kind.metric_type

    @property
    def content_type(self) -> ContentType:
        """Tidemark's content type of the post."""
        return self.kind.content_type

    @property
    def native(self) -> tuple[str, ...]:
        """The platform's own terms for the kind."""
        return self.kind.native

    @property
    def text(self) -> str | None:
        """The text of the post; None if it has none."""
        return caption(self.number, self.published_at.date())

    def visible(self, now: datetime) -> bool:
        """Tell whether the platform shows the post at an instant."""
        if now < self.published_at or (self.deleted_at is not None and self.deleted_at <= now):
            return False
        return self.kind.metric_type != "story" or now < self.published_at + STORY_LIFE


def _nothing(*_: object) -> None:
    """Withhold nothing."""


def _no_credentials(_: SimAccount) -> Mapping[str, str]:
    """Return no credentials beside the token."""
    return {}


def _hides_nothing(*_: object) -> tuple[str, ...]:
    """Hide no field of a post."""
    return ()


def _lists_all(*_: object) -> bool:
    """List every post."""
    return True


@dataclass(frozen=True)
class SimPlatform:
    """Definition of a platform: its ids, its kinds of posts, and its true values, by the provider's fields.

    `post_id` takes an account's index, a day and a place in that day; `post_place` is its inverse. `kinds` and
    `stories` have cumulative shares. `levels` are values of accounts at an instant, `counters` values of a post's
    curve, `days` amounts of the provider's own days, of which `unique_days` count unique people. `withholds` returns
    the reason why the API does not report a post's field at an instant, `withholds_day` the same for an account's day.
    `further_credentials` are those of a second grant, in the names of Tidemark's credentials.

    The last three tell what others see: `standings` are the reasons why some accounts are not shown
    (`simulator.standing`), `hides` returns the fields that the owner of a post hides from others, and `lists` whether
    the list that others read contains a post.
    """

    name: Platform
    number: int
    account_id: Callable[[int], str]
    account_index: Callable[[str], int | None]
    post_id: Callable[[int, int, int], str]
    post_place: Callable[[str], tuple[int, int, int] | None]
    kinds: tuple[tuple[float, Kind], ...]
    levels: Mapping[str, "Callable[[World, SimAccount, datetime], int]"]
    counters: Mapping[str, "Callable[[Any], int]"]
    stories: tuple[tuple[float, Kind], ...] = ()
    days: Mapping[str, "Callable[[World, SimAccount, date], int]"] = field(default_factory=dict)
    unique_days: frozenset[str] = frozenset()
    withholds: "Callable[[World, SimPost, str, datetime], Reason | None]" = _nothing
    withholds_day: "Callable[[World, SimAccount, str, date], Reason | None]" = _nothing
    further_credentials: Callable[[SimAccount], Mapping[str, str]] = _no_credentials
    standings: tuple[Any, ...] = ()
    hides: "Callable[[World, SimPost], tuple[str, ...]]" = _hides_nothing
    lists: "Callable[[World, SimPost], bool]" = _lists_all


class World:
    """All accounts and posts of one seed. `events` are the events in their audiences: none until some are planted.

    With a `posting` below 1, accounts publish that share of their usual posts: the others were never written.
    """

    def __init__(self, platforms: Iterable[SimPlatform], seed: int = 1, posting: float = 1.0) -> None:
        self.seed = seed
        self._there = tuple(int(chance * posting) for chance in _THERE)
        self.platforms: Mapping[Platform, SimPlatform] = {platform.name: platform for platform in platforms}
        # Caches belong to the world, so that two worlds in a process do not share them.
        self._timelines = lru_cache(maxsize=4096)(self._timeline)
        self._accounts = lru_cache(maxsize=4096)(self._account)
        self._remembered: dict[Any, Any] = {}
        self._blocks = lru_cache(maxsize=32_768)(self._block)
        self.season = lru_cache(maxsize=4096)(season)
        self.activity = lru_cache(maxsize=16_384)(self._activity)
        self.events = Events()

    def account(self, platform: Platform, index: int) -> SimAccount:
        """Return account `index` of a platform, 0 to 999,999."""
        return self._accounts(platform, index)

    def _account(self, platform: Platform, index: int) -> SimAccount:
        account_id = self.platforms[platform].account_id(index)
        digest = hashlib.sha256(f"{self.seed}:{platform}:{account_id}".encode()).hexdigest()[:24]
        first, second = _FIRST[index % 10], _SECOND[index // 10 % 10]
        handle = f"{first}.{second}" + (f".{index // 100}" if index >= 100 else "")
        return SimAccount(platform, index, account_id, handle, f"sim.{platform}.{index}.{digest}")

    def _activity(self, seed: int, number: int, block: int) -> "array[float]":
        return activity(self.season(seed, number), seed, number, block)

    def plant(self, events: Iterable[Event]) -> list[Event]:
        """Make events part of the truth, and return them with their ids.

        Raises:
            ValueError: these would be too many; then none is planted.
        """
        found = [replace(event, id=self.events.new_id()) for event in events]
        if len(self.events.planted) + len(found) > MOST_EVENTS:
            raise ValueError(f"a world has at most {MOST_EVENTS} events")
        self.events.planted.update((event.id, event) for event in found)
        self._remembered.clear()
        return found

    def remove_events(self, ids: Iterable[str]) -> None:
        """Remove events, after which the truth is as if they had never been; unknown ids change nothing."""
        for one in tuple(ids):
            self.events.planted.pop(one, None)
        self._remembered.clear()

    def remembered(self, what: Any) -> Any:
        """Return a cached result of `truth` for an account or a post, or None."""
        return self._remembered.get(what)

    def remember(self, what: Any, value: Any) -> None:
        """Cache a result of `truth`; the full cache is cleared."""
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[what] = value

    def find(self, platform: Platform, platform_account_id: str) -> SimAccount | None:
        """Return the account with an id, or None."""
        index = self.platforms[platform].account_index(platform_account_id)
        return self.account(platform, index) if index is not None and 0 <= index < ACCOUNTS else None

    def named(self, platform: Platform, handle: str) -> SimAccount | None:
        """Return the account with a handle, or None."""
        first, _, rest = handle.partition(".")
        second, _, number = rest.partition(".")
        if first not in _FIRST or second not in _SECOND or (number and not number.isdecimal()):
            return None
        index = _FIRST.index(first) + 10 * _SECOND.index(second) + 100 * int(number or 0)
        account = self.account(platform, index) if index < ACCOUNTS else None
        return account if account is not None and account.handle == handle else None

    def of_token(self, token: str) -> SimAccount | None:
        """Return the account that a token is for, or None if the token was never issued.

        A token of a login has the account's own token before a tilde; the returned account has it as its token.
        """
        base, _, login = token.partition("~")
        parts = base.split(".")
        if len(parts) != 4 or not parts[2].isdecimal() or int(parts[2]) >= ACCOUNTS:
            return None
        platform = next((name for name in self.platforms if name == parts[1]), None)
        account = self.account(platform, int(parts[2])) if platform else None
        if account is None or account.token != base or (login and not login.isalnum()):
            return None
        return replace(account, token=token) if login else account

    def posts(self, account: SimAccount, start: datetime, end: datetime) -> list[SimPost]:
        """Return the posts that an account published in `[start, end)`, oldest first, deleted ones included."""
        first, last = max((start - EPOCH).days, 0) // _BLOCK, (end - EPOCH).days // _BLOCK
        blocks = (self._blocks(account.platform, account.index, block) for block in range(first, last + 1))
        return [post for block in blocks for post in block.values() if start <= post.published_at < end]

    def _block(self, platform: Platform, index: int, block: int) -> dict[tuple[int, int], SimPost]:
        """Return the posts of one block of days by day and place, oldest first."""
        of, number = self.platforms[platform], self._words(platform, index) * 1_000_000
        found = [
            (published, (day, place), SimPost(
                platform, index, (number + day) * 10 + place, of.post_id(index, day, place), kind,
                EPOCH + timedelta(0, published), EPOCH + timedelta(0, deleted) if deleted else None,
            ))
            for day in range(block * _BLOCK, (block + 1) * _BLOCK)
            for place, kind, published, deleted in self._drawn(of, index, day)
        ]  # fmt: skip
        found.sort()
        return {where: post for _, where, post in found}

    def newest(self, account: SimAccount, start: datetime, end: datetime) -> Iterator[SimPost]:
        """Yield the posts that an account published in `[start, end)`, newest first, drawing only what is read."""
        for block in range((end - EPOCH).days // _BLOCK, max((start - EPOCH).days, 0) // _BLOCK - 1, -1):
            for post in reversed(self._blocks(account.platform, account.index, block).values()):
                if start <= post.published_at < end:
                    yield post

    def post(self, platform: Platform, platform_post_id: str) -> SimPost | None:
        """Return the post with an id, or None."""
        where = self.platforms[platform].post_place(platform_post_id)
        if where is None:
            return None
        index, day, place = where
        valid = 0 <= index < ACCOUNTS and day >= 0
        return self._blocks(platform, index, day // _BLOCK).get((day, place)) if valid else None

    def post_count(self, account: SimAccount, now: datetime) -> int:
        """Count an account's visible posts, without stories."""
        seconds = int((now - EPOCH).total_seconds())
        published, deleted = self._timelines(account.platform, account.index, (now - EPOCH).days // _BLOCK)
        before = int(between(40, 400, self.seed, self._words(account.platform, account.index), 7))
        return before + bisect_right(published, seconds) - bisect_right(deleted, seconds)

    def _timeline(self, platform: Platform, index: int, month: int) -> tuple[list[int], list[int]]:
        """Return when posts were published and when posts were deleted, in seconds since the epoch."""
        of = self.platforms[platform]
        drawn = [one for day in range((month + 2) * _BLOCK) for one in self._drawn(of, index, day)]
        lasting = [(published, deleted) for _, kind, published, deleted in drawn if kind.metric_type != "story"]
        return sorted(at for at, _ in lasting), sorted(gone for _, gone in lasting if gone)

    def _words(self, platform: Platform, index: int) -> int:
        return self.platforms[platform].number * ACCOUNTS + index

    def _drawn(self, of: SimPlatform, index: int, day: int) -> list[tuple[int, Kind, int, int]]:
        """Return a day's posts: place, kind, seconds of publication and deletion since the epoch, 0 for never.

        Place 0 is the usual post, 1 an occasional second post, 2 a story.
        """
        numbers = draw(self.seed, of.number * ACCOUNTS + index, day)
        drawn: list[tuple[int, Kind, int, int]] = []
        for place in range(PLACES if of.stories else PLACES - 1):
            if numbers[5 * place] >= self._there[place]:
                continue
            _, at, kind_of, fate, when = numbers[5 * place : 5 * place + 5]
            published = day * 86_400 + 6 * 3600 + (16 * 3600 * at >> 32)
            kind = _kind(of.stories if place == 2 else of.kinds, kind_of * ONE)
            deleted = 0
            if fate < _DELETED and kind.metric_type != "story":
                deleted = published + 60 * (8 * 60 + ((20 * 24 - 8) * 60 * when >> 32))
            drawn.append((place, kind, published, deleted))
        return drawn


def _kind(kinds: tuple[tuple[float, Kind], ...], where: float) -> Kind:
    for limit, kind in kinds:
        if where < limit:
            return kind
    raise AssertionError("shares of kinds end at 1")


def index_from(first: int) -> Callable[[str], int | None]:
    """Return a function that takes the id of an account and returns the account's index: the id is `first` plus it."""
    digits = len(str(first))

    def index_of(account_id: str) -> int | None:
        return int(account_id) - first if len(account_id) == digits and account_id.isdecimal() else None

    return index_of


def slug(handle: str, separator: str) -> str:
    """Return a handle with the separator of a platform, `quiet-studio`."""
    return re.sub(r"[._-]+", separator, handle)


def display_name(handle: str) -> str:
    """Return the name that goes with a handle, `Quiet Studio`."""
    return slug(handle, " ").title()


def account_seed(world: World, account: SimAccount) -> tuple[int, int]:
    """Return the integers that seed all random numbers of an account."""
    return world.seed, world.platforms[account.platform].number * ACCOUNTS + account.index
