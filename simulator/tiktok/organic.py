"""True values that only the API for Business tells: further counters of videos, and an account's UTC days.

Facts: docs/platform-facts.md#tiktok-api-for-business.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from metrics.documents import Reason
from metrics.periods import midnight
from simulator.chance import between, share
from simulator.curves import Curve
from simulator.truth import (
    Amount,
    Counter,
    followers_gained,
    followers_lost,
    share_of_followers,
    share_of_views,
    times_views,
    views_at,
)
from simulator.world import SimAccount, SimPost, World, account_seed

IDLE = timedelta(days=7)
FROZEN = timedelta(days=365)
ENDING = frozenset(["reach", "total_time_watched"])
"""Counters that are empty once nobody has seen a video for seven days."""
_PAID = 0.4


def _plays(curve: Curve) -> int:
    """Return organic and paid plays: more than the views that the Display API tells."""
    return curve.seen + int(curve.seen * _PAID * share(curve.shares[8]))


COUNTERS: Mapping[str, Counter] = {
    "video_views": _plays,
    "favorites": share_of_views(0.002, 0.02, 3, falls=True),
    "reach": share_of_views(0.6, 0.9, 4),
    "total_time_watched": times_views(2_000, 15_000, 5),  # in milliseconds; answers have seconds
    "new_followers": share_of_views(0.0001, 0.002, 6),
    "profile_views": share_of_views(0.0005, 0.006, 7),
}
_VIEWS = share_of_followers(0.2, 1.5, 410)
DAYS: Mapping[str, Amount] = {
    "video_views": _VIEWS,
    "unique_video_views": share_of_followers(0.2, 1.5, 410, of=0.72),
    "engaged_audience": share_of_followers(0.01, 0.06, 411),
    "profile_views": share_of_followers(0.002, 0.02, 412),
    "likes": share_of_followers(0.01, 0.08, 413),
    "comments": share_of_followers(0.0005, 0.006, 414),
    "shares": share_of_followers(0.0005, 0.008, 415),
    "bio_link_clicks": share_of_followers(0.0, 0.003, 416),
    "daily_new_followers": followers_gained(0.0, 0.006, 417),
    "daily_lost_followers": followers_lost(0.0, 0.003, 418),
}
UNIQUE_DAYS = frozenset(["unique_video_views", "engaged_audience"])


def is_idle(world: World, post: SimPost, now: datetime) -> bool:
    """Tell whether nobody has seen a video for seven days."""
    if now - post.published_at <= IDLE:
        return False
    return views_at(world, post, now) == views_at(world, post, now - IDLE)


def withholds(world: World, post: SimPost, field: str, now: datetime) -> Reason | None:
    """Return why the API does not tell a counter of a video."""
    return "not_recoverable" if field in ENDING and is_idle(world, post, now) else None


def counted_at(world: World, account: SimAccount, day: date) -> datetime:
    """Return when a UTC day is in the answers: 24 to 48 hours after its end."""
    hours = between(24, 48, *account_seed(world, account), day.toordinal(), 419)
    return midnight(day) + timedelta(days=1, hours=hours)
