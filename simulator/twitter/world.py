"""Definition of the simulated X: ids, kinds of posts, and true values.

Account n has the id 700000000 + n; a post's id begins with its day, so that ids grow with time as real ones do.
"""

from datetime import date, datetime, timedelta

from metrics.documents import Reason
from simulator.truth import (
    Counter,
    followers,
    net_sum,
    post_count,
    share_of_views,
    slow_level,
    views,
    views_at,
)
from simulator.world import EPOCH, Kind, SimAccount, SimPlatform, SimPost, World, index_from

_BASE = 700_000_000
PRIVATE_DAYS = timedelta(days=30)
_FIRST_DAY, _OF_A_DAY, _LONG_AGO = 19_000_000, 10**10, 100_000
"""An id is (number of the first day + day) times the range of numbers for the posts of one day."""


_account_index = index_from(_BASE)


def _post_id(index: int, day: int, place: int) -> str:
    return f"19{day:06d}{place}{index:07d}00"


def moment_of(world: World, post_id: str) -> datetime:
    """Return when a post was published, or would have been: ids grow with time, so any number has an instant."""
    post = world.post("twitter", post_id)
    if post is not None:
        return post.published_at
    day = int(post_id) // _OF_A_DAY - _FIRST_DAY
    return EPOCH + timedelta(days=min(max(day, -_LONG_AGO), _LONG_AGO))


def _post_place(post_id: str) -> tuple[int, int, int] | None:
    if len(post_id) != 18 or not post_id.isdecimal() or not post_id.startswith("19") or not post_id.endswith("00"):
        return None
    return int(post_id[9:16]), int(post_id[2:8]), int(post_id[8])


_LIKES = share_of_views(0.01, 0.05, 0, falls=True)
_REPLIES = share_of_views(0.001, 0.006, 1, falls=True)
_REPOSTS = share_of_views(0.001, 0.01, 2, falls=True)
_QUOTES = share_of_views(0.0002, 0.002, 3)
_BOOKMARKS = share_of_views(0.0005, 0.004, 4, falls=True)
_LINKS = share_of_views(0.003, 0.02, 5)
_PROFILES = share_of_views(0.002, 0.008, 6)

PUBLIC: dict[str, Counter] = {
    "retweet_count": _REPOSTS,
    "reply_count": _REPLIES,
    "like_count": _LIKES,
    "quote_count": _QUOTES,
    "bookmark_count": _BOOKMARKS,
    "impression_count": views,
}
PRIVATE: dict[str, Counter] = {
    "url_link_clicks": _LINKS,
    "user_profile_clicks": _PROFILES,
    "engagements": net_sum((_LIKES, _REPLIES, _REPOSTS, _QUOTES, _LINKS, _PROFILES)),
}


def _withholds(_world: World, post: SimPost, field: str, now: datetime) -> Reason | None:
    """Report views only for videos, clicks only for posts with a link, and private metrics only for 30 days."""
    if field == "view_count":
        return None if "video" in post.native else "not_supported"
    if field not in PRIVATE:
        return None
    if post.published_at < now - PRIVATE_DAYS:
        return "not_recoverable"
    return "not_supported" if field == "url_link_clicks" and "urls" not in post.native else None


def _media_count(world: World, account: SimAccount, now: datetime) -> int:
    """Return the number of photos and videos of an account; some of its posts have one or two."""
    return post_count(world, account, now) * 13 // 20


def _impressions(world: World, account: SimAccount, day: date) -> int:
    """Return the impressions on a day of the posts of the last 90 days that exist at its end."""
    start = EPOCH + timedelta(days=(day - EPOCH.date()).days)
    end = start + timedelta(days=1)
    posts = world.posts(account, start - timedelta(days=90), end)
    return sum(shown(world, post, start, end) for post in posts if post.visible(end))


def shown(world: World, post: SimPost, start: datetime, end: datetime) -> int:
    """Return the impressions of a post in a time range."""
    return views_at(world, post, end) - views_at(world, post, max(start, post.published_at))


TWITTER = SimPlatform(
    name="twitter",
    number=2,
    account_id=lambda index: str(_BASE + index),
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.35, Kind((), "post", "text")),
        (0.55, Kind(("urls",), "post", "link")),
        (0.75, Kind(("photo",), "post", "image")),
        (0.85, Kind(("photo", "photo"), "post", "carousel")),
        (1.00, Kind(("video",), "post", "video")),
    ),
    levels={
        "followers_count": followers,
        "following_count": slow_level(50, 700, 21),
        "tweet_count": post_count,
        "listed_count": slow_level(7, 60, 23),
        "like_count": slow_level(500, 9_000, 25),
        "media_count": _media_count,
    },
    standings=("private",),
    withholds=_withholds,
    days={"impressions": _impressions},
    counters={**PUBLIC, **PRIVATE, "view_count": share_of_views(0.3, 0.7, 7)},
)
