"""Who exists and what they published: pure functions of a seed, so that thousands of accounts cost nothing.

How a platform names its accounts and posts and what kinds of posts it has, its `SimPlatform` says: nothing here knows
one.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from metrics.documents import ContentType, MetricType, Platform, Reason
from simulator.chance import between, mix, unit_after

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Nothing was published before; accounts are older than that."""

ACCOUNTS = 1_000_000
"""Accounts per platform."""

PLACES = 3
STORY_LIFE = timedelta(hours=24)
_BLOCK = 32
"""Days of posts that are drawn, and remembered, at once."""
_STEP = timedelta(days=_BLOCK)

_FIRST = ("north", "green", "harbour", "amber", "quiet", "little", "golden", "river", "maple", "cobalt")
_SECOND = ("bakery", "studio", "cycles", "records", "garden", "press", "coffee", "outdoors", "kitchen", "atelier")


@dataclass(frozen=True, slots=True)
class SimAccount:
    """One account. `token` is the only one that may read it, unless its platform gives out others."""

    platform: Platform
    index: int
    platform_account_id: str
    handle: str
    token: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of post: the platform's own words for it, and Tidemark's."""

    native: tuple[str, ...]
    metric_type: MetricType
    content_type: ContentType


@dataclass(frozen=True, slots=True)
class SimPost:
    """One post; a story lives for 24 hours, `deleted_at` is set where its owner took it down.

    `number` is its own over all platforms: the seed of all that is true of it.
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
        """Tidemark's type of it."""
        return self.kind.metric_type

    @property
    def content_type(self) -> ContentType:
        """What it shows."""
        return self.kind.content_type

    @property
    def native(self) -> tuple[str, ...]:
        """The platform's own words for its kind."""
        return self.kind.native

    def visible(self, now: datetime) -> bool:
        """Whether the platform still shows it."""
        if now < self.published_at or (self.deleted_at is not None and self.deleted_at <= now):
            return False
        return self.metric_type != "story" or now < self.published_at + STORY_LIFE


def _nothing(*_: object) -> None:
    """Withhold nothing."""


@dataclass(frozen=True)
class SimPlatform:
    """A platform: its ids, its kinds of posts, and what is true on it, by the provider's fields.

    `post_id` takes an account's index, a day and a place in it, `post_place` undoes it. `kinds` and `stories` are
    cumulative shares. Levels are of accounts at an instant, counters of posts at an instant, `days` amounts of the
    provider's own days. `withholds` says why a post's field is not told at an instant, `withholds_day` the same of an
    account's day.
    """

    name: Platform
    number: int
    account_id: Callable[[int], str]
    account_index: Callable[[str], int | None]
    post_id: Callable[[int, int, int], str]
    post_place: Callable[[str], tuple[int, int, int] | None]
    kinds: tuple[tuple[float, Kind], ...]
    levels: Mapping[str, "Callable[[World, SimAccount, datetime], int]"]
    counters: Mapping[str, "Callable[[World, SimPost, datetime], int]"]
    stories: tuple[tuple[float, Kind], ...] = ()
    days: Mapping[str, "Callable[[World, SimAccount, date], int]"] = field(default_factory=dict)
    withholds: "Callable[[World, SimPost, str, datetime], Reason | None]" = _nothing
    withholds_day: "Callable[[World, SimAccount, str, date], Reason | None]" = _nothing


class World:
    """All accounts and posts of one seed."""

    def __init__(self, platforms: Iterable[SimPlatform], seed: int = 1) -> None:
        self.seed = seed
        self.platforms: Mapping[Platform, SimPlatform] = {platform.name: platform for platform in platforms}
        # Per world, so that two worlds in a process do not share what they remember.
        self._timelines = lru_cache(maxsize=4096)(self._timeline)
        self._accounts = lru_cache(maxsize=4096)(self._account)
        self.curves: dict[int, Any] = {}  # what `truth` remembers of posts, by their numbers
        self._blocks = lru_cache(maxsize=8192)(self._block)

    def account(self, platform: Platform, index: int) -> SimAccount:
        """Return account `index` of a platform, 0 to 999,999."""
        return self._accounts(platform, index)

    def _account(self, platform: Platform, index: int) -> SimAccount:
        account_id = self.platforms[platform].account_id(index)
        digest = hashlib.sha256(f"{self.seed}:{platform}:{account_id}".encode()).hexdigest()[:24]
        first, second = _FIRST[index % 10], _SECOND[index // 10 % 10]
        handle = f"{first}.{second}" + (f".{index // 100}" if index >= 100 else "")
        return SimAccount(platform, index, account_id, handle, f"sim.{platform}.{index}.{digest}")

    def find(self, platform: Platform, platform_account_id: str) -> SimAccount | None:
        """Return the account of an id, or None where there is none."""
        index = self.platforms[platform].account_index(platform_account_id)
        return self.account(platform, index) if index is not None and 0 <= index < ACCOUNTS else None

    def of_token(self, token: str) -> SimAccount | None:
        """Return the account that a token is for, or None where the token was never given out."""
        parts = token.split(".")
        if len(parts) != 4 or not parts[2].isdecimal() or int(parts[2]) >= ACCOUNTS:
            return None
        platform = next((name for name in self.platforms if name == parts[1]), None)
        account = self.account(platform, int(parts[2])) if platform else None
        return account if account is not None and account.token == token else None

    def posts(self, account: SimAccount, start: datetime, end: datetime) -> list[SimPost]:
        """Return what an account published in `[start, end)`, oldest first, whatever became of it."""
        first, last = max((start - EPOCH).days, 0) // _BLOCK, (end - EPOCH).days // _BLOCK
        blocks = (self._blocks(account.platform, account.index, block) for block in range(first, last + 1))
        return [post for block in blocks for post in block if start <= post.published_at < end]

    def _block(self, platform: Platform, index: int, block: int) -> list[SimPost]:
        """Return the posts of some days, oldest first."""
        days = range(block * _BLOCK, (block + 1) * _BLOCK)
        found = [p for day in days for place in range(PLACES) if (p := self._post(platform, index, day, place))]
        return sorted(found, key=lambda post: post.published_at)

    def newest(self, account: SimAccount, start: datetime, end: datetime) -> Iterator[SimPost]:
        """Yield what an account published in `[start, end)`, newest first; history is not drawn in vain."""
        high = end
        while high > start:
            low = max(start, high - _STEP)
            yield from reversed(self.posts(account, low, high))
            high = low

    def post(self, platform: Platform, platform_post_id: str) -> SimPost | None:
        """Return the post of an id, or None where there is none."""
        where = self.platforms[platform].post_place(platform_post_id)
        if where is None:
            return None
        index, day, place = where
        valid = 0 <= index < ACCOUNTS and 0 <= place < PLACES and day >= 0
        return self._post(platform, index, day, place) if valid else None

    def post_count(self, account: SimAccount, now: datetime) -> int:
        """Count an account's posts that are up; stories are none."""
        published, deleted = self._timelines(account.platform, account.index, (now - EPOCH).days // _BLOCK)
        before = int(between(40, 400, self.seed, self._words(account.platform, account.index), 7))
        return before + bisect_right(published, now) - bisect_right(deleted, now)

    def _timeline(self, platform: Platform, index: int, month: int) -> tuple[list[datetime], list[datetime]]:
        blocks = (self._block(platform, index, block) for block in range(month + 2))
        posts = [post for block in blocks for post in block]
        lasting = [post for post in posts if post.metric_type != "story"]
        return sorted(p.published_at for p in lasting), sorted(p.deleted_at for p in lasting if p.deleted_at)

    def _words(self, platform: Platform, index: int) -> int:
        return self.platforms[platform].number * ACCOUNTS + index

    def _post(self, platform: Platform, index: int, day: int, place: int) -> SimPost | None:
        """Return the post of one place in a day: 0 the usual one, 1 a second one at times, 2 a story."""
        of = self.platforms[platform]
        if place == 2 and not of.stories:
            return None
        state = mix(self.seed, self._words(platform, index), day, place)
        if unit_after(state, 1) >= (0.75, 0.15, 0.5)[place]:
            return None
        minute = int(6 * 60 + 16 * 60 * unit_after(state, 2))
        published = EPOCH + timedelta(days=day, minutes=minute, seconds=int(60 * unit_after(state, 3)))
        share = unit_after(state, 4)
        kind = next(kind for limit, kind in (of.stories if place == 2 else of.kinds) if share < limit)
        deleted = None
        if kind.metric_type != "story" and unit_after(state, 5) < 0.03:
            deleted = published + timedelta(minutes=int(8 * 60 + (20 * 24 - 8) * 60 * unit_after(state, 6)))
        number = (self._words(platform, index) * 1_000_000 + day) * 10 + place
        return SimPost(platform, index, number, of.post_id(index, day, place), kind, published, deleted)


def account_seed(world: World, account: SimAccount) -> tuple[int, int]:
    """Return the words that all chance about an account begins with."""
    return world.seed, world.platforms[account.platform].number * ACCOUNTS + account.index
