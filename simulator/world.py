"""Who exists and what they published: pure functions of a seed, so that thousands of accounts cost nothing.

Account n of Instagram has the id 17841400000000000 + n; a post's id holds its account, day and place in the day.
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from metrics.documents import ContentType, MetricType, Platform
from simulator.chance import between, unit

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Nothing was published before; accounts are older than that."""

_INSTAGRAM_BASE = 17_841_400_000_000_000
_ACCOUNTS = 1_000_000
_PLACES = 3
STORY_LIFE = timedelta(hours=24)

_FIRST = ("north", "green", "harbour", "amber", "quiet", "little", "golden", "river", "maple", "cobalt")
_SECOND = ("bakery", "studio", "cycles", "records", "garden", "press", "coffee", "outdoors", "kitchen", "atelier")


@dataclass(frozen=True, slots=True)
class SimAccount:
    """One account. `token` is the only one that may read it."""

    platform: Platform
    index: int
    platform_account_id: str
    handle: str
    token: str


@dataclass(frozen=True, slots=True)
class SimPost:
    """One post; a story lives for 24 hours, `deleted_at` is set where its owner took it down."""

    account_index: int
    platform_post_id: str
    media_type: str
    media_product_type: str
    metric_type: MetricType
    content_type: ContentType
    published_at: datetime
    deleted_at: datetime | None

    def visible(self, now: datetime) -> bool:
        """Whether the platform still shows it."""
        if now < self.published_at or (self.deleted_at is not None and self.deleted_at <= now):
            return False
        return self.metric_type != "story" or now < self.published_at + STORY_LIFE


_KINDS: tuple[tuple[float, str, str, MetricType, ContentType], ...] = (
    (0.40, "IMAGE", "FEED", "post", "image"),
    (0.60, "CAROUSEL_ALBUM", "FEED", "post", "carousel"),
    (0.65, "VIDEO", "FEED", "post", "video"),
    (1.00, "VIDEO", "REELS", "reel", "video"),
)


class World:
    """All accounts and posts of one seed."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        # Per world, so that two worlds in a process do not share what they remember.
        self.timeline = lru_cache(maxsize=4096)(self._timeline)

    def account(self, platform: Platform, index: int) -> SimAccount:
        """Return account `index` of a platform, 0 to 999,999."""
        account_id = str(_INSTAGRAM_BASE + index)
        digest = hashlib.sha256(f"{self.seed}:{platform}:{account_id}".encode()).hexdigest()[:24]
        first, second = _FIRST[index % 10], _SECOND[index // 10 % 10]
        handle = f"{first}.{second}" + (f".{index // 100}" if index >= 100 else "")
        return SimAccount(platform, index, account_id, handle, f"sim.{account_id}.{digest}")

    def find(self, platform_account_id: str) -> SimAccount | None:
        """Return the account of an id, or None where there is none."""
        if not platform_account_id.isdecimal():
            return None
        index = int(platform_account_id) - _INSTAGRAM_BASE
        return self.account("instagram", index) if 0 <= index < _ACCOUNTS else None

    def of_token(self, token: str) -> SimAccount | None:
        """Return the account that a token is for, or None where the token was never given out."""
        parts = token.split(".")
        account = self.find(parts[1]) if len(parts) == 3 else None
        return account if account is not None and account.token == token else None

    def posts(self, account: SimAccount, start: datetime, end: datetime) -> list[SimPost]:
        """Return what an account published in `[start, end)`, oldest first, whatever became of it."""
        first, last = max((start - EPOCH).days, 0), (end - EPOCH).days
        found = [
            post
            for day in range(first, last + 1)
            for place in range(_PLACES)
            if (post := self._post(account.index, day, place)) and start <= post.published_at < end
        ]
        return sorted(found, key=lambda post: post.published_at)

    def post(self, platform_post_id: str) -> SimPost | None:
        """Return the post of an id, or None where there is none."""
        if len(platform_post_id) != 17 or not platform_post_id.isdecimal() or not platform_post_id.startswith("18"):
            return None
        index, day, place = int(platform_post_id[2:10]), int(platform_post_id[10:16]), int(platform_post_id[16])
        return self._post(index, day, place) if index < _ACCOUNTS and place < _PLACES else None

    def media_count(self, account: SimAccount, now: datetime) -> int:
        """Count an account's posts and reels that are up."""
        published, deleted = self.timeline(account.index, (now - EPOCH).days // 32)
        before = int(between(40, 400, self.seed, account.index, 7))
        return before + bisect_right(published, now) - bisect_right(deleted, now)

    def _timeline(self, index: int, month: int) -> tuple[list[datetime], list[datetime]]:
        days = range((month + 1) * 32 + 1)
        posts = [p for d in days for place in range(_PLACES) if (p := self._post(index, d, place))]
        lasting = [post for post in posts if post.metric_type != "story"]
        return sorted(p.published_at for p in lasting), sorted(p.deleted_at for p in lasting if p.deleted_at)

    def _post(self, index: int, day: int, place: int) -> SimPost | None:
        """Return the post of one place in a day: 0 the usual one, 1 a second one at times, 2 a story."""
        words = (self.seed, index, day, place)
        if unit(*words, 1) >= (0.75, 0.15, 0.5)[place]:
            return None
        minute = int(between(6 * 60, 22 * 60, *words, 2))
        published = EPOCH + timedelta(days=day, minutes=minute, seconds=int(between(0, 60, *words, 3)))
        post_id = f"18{index:08d}{day:06d}{place}"
        if place == 2:
            kind = ("IMAGE", "image") if unit(*words, 4) < 0.6 else ("VIDEO", "video")
            return SimPost(index, post_id, kind[0], "STORY", "story", kind[1], published, None)  # type: ignore[arg-type]
        share = unit(*words, 4)
        _, media, product, metric_type, content = next(kind for kind in _KINDS if share < kind[0])
        deleted = None
        if unit(*words, 5) < 0.03:
            deleted = published + timedelta(minutes=int(between(8 * 60, 20 * 24 * 60, *words, 6)))
        return SimPost(index, post_id, media, product, metric_type, content, published, deleted)
