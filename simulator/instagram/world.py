"""Definition of the simulated Instagram: ids, kinds of media, and true values.

Account n has the id 17841400000000000 + n; a media's id contains its account, its day and its place in the day.
"""

from datetime import datetime

from metrics.documents import Reason
from simulator.chance import unit
from simulator.truth import (
    all_of,
    followers,
    followers_gained,
    followers_lost,
    net_sum,
    post_count,
    post_value,
    share_of_followers,
    share_of_views,
    slow_level,
    times_one,
    times_views,
    views,
)
from simulator.world import ACCOUNTS, Kind, SimPlatform, SimPost, World, index_from

_BASE = 17_841_400_000_000_000


_account_index = index_from(_BASE)


def _post_id(index: int, day: int, place: int) -> str:
    return f"18{index:08d}{day:06d}{place}"


def _post_place(post_id: str) -> tuple[int, int, int] | None:
    if len(post_id) != 17 or not post_id.isdecimal() or not post_id.startswith("18"):
        return None
    return int(post_id[2:10]), int(post_id[10:16]), int(post_id[16])


def crossposted(post: SimPost) -> bool:
    """Tell whether a reel is also shared to Facebook; a third of the reels are."""
    return post.metric_type == "reel" and post.number % 3 == 0


CHILDREN = 2
"""Number of children of every album."""


def child_id(post_id: str, place: int) -> str:
    """Return the id of a child of an album."""
    return f"179{post_id[3:]}{place}"


def parent_id(object_id: str) -> str | None:
    """Return the id of the album that a child belongs to, or None if the id is of no child."""
    valid = len(object_id) == 18 and object_id.isdecimal() and object_id.startswith("179")
    return f"180{object_id[3:17]}" if valid and int(object_id[17]) < CHILDREN else None


def owner(object_id: str) -> int | None:
    """Return the index of the account that an object belongs to, or None if the id is none of Instagram."""
    if place := _post_place(parent_id(object_id) or object_id):
        return place[0]
    index = _account_index(object_id)
    return index if index is not None and 0 <= index < ACCOUNTS else None


MIN_STORY_VIEWERS = 5


def _withholds(world: World, post: SimPost, _field: str, now: datetime) -> Reason | None:
    """Withhold the insights of a story with very few viewers."""
    few = post.metric_type == "story" and post_value(world, post, "reach", now) < MIN_STORY_VIEWERS
    return "privacy_threshold" if few else None


_LIKES = share_of_views(0.03, 0.09, 0, falls=True)
_COMMENTS = share_of_views(0.001, 0.008, 1, falls=True)
_SHARES = share_of_views(0.002, 0.015, 2)
_SAVED = share_of_views(0.002, 0.02, 3, falls=True)
_ON_FACEBOOK = share_of_views(0.05, 0.5, 7)

_HIDDEN_LIKES = 0.1


def _hides(world: World, post: SimPost) -> tuple[str, ...]:
    """Hide the likes of some posts from others; their owner sees them."""
    return ("like_count",) if unit(world.seed, post.number, 71) < _HIDDEN_LIKES else ()


INSTAGRAM = SimPlatform(
    name="instagram",
    number=0,
    account_id=lambda index: str(_BASE + index),
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.40, Kind(("IMAGE", "FEED"), "post", "image")),
        (0.60, Kind(("CAROUSEL_ALBUM", "FEED"), "post", "carousel")),
        (0.65, Kind(("VIDEO", "FEED"), "post", "video")),
        (1.00, Kind(("VIDEO", "REELS"), "reel", "video")),
    ),
    stories=(
        (0.60, Kind(("IMAGE", "STORY"), "story", "image")),
        (1.00, Kind(("VIDEO", "STORY"), "story", "video")),
    ),
    standings=("personal", "private", "age_gated"),
    hides=_hides,
    levels={
        "followers_count": followers,
        "follows_count": slow_level(80, 900, 11),
        "media_count": post_count,
    },
    counters={
        "views": views,
        "reach": share_of_views(0.6, 0.9, 4),
        "likes": _LIKES,
        "like_count": _LIKES,
        "comments": _COMMENTS,
        "comments_count": _COMMENTS,
        "shares": _SHARES,
        "saved": _SAVED,
        "follows": share_of_views(0.0005, 0.003, 5),
        "profile_visits": share_of_views(0.005, 0.02, 6),
        "replies": share_of_views(0.002, 0.01, 7),
        "navigation": share_of_views(0.7, 1.1, 8),
        "total_interactions": net_sum((_LIKES, _COMMENTS, _SHARES, _SAVED)),
        "ig_reels_avg_watch_time": times_one(2_000, 14_000, 9),
        "profile_activity": share_of_views(0.0005, 0.004, 10),
        "ig_reels_video_view_total_time": times_views(2_000, 14_000, 9),
        "reels_skip_rate": times_one(15, 75, 8),
        "reposts": share_of_views(0.0005, 0.004, 11),
        "link_clicks": share_of_views(0.0, 0.01, 3),
        "total_views": all_of((views, share_of_views(0.0, 0.3, 5))),
        "total_likes": all_of((_LIKES, share_of_views(0.0, 0.01, 5))),
        "total_comments": all_of((_COMMENTS, share_of_views(0.0, 0.001, 5))),
        "facebook_views": _ON_FACEBOOK,
        "crossposted_views": all_of((views, _ON_FACEBOOK)),
    },
    withholds=_withholds,
    unique_days=frozenset(["reach", "accounts_engaged"]),
    days={
        "reach": share_of_followers(0.10, 0.35, 60),
        "views": share_of_followers(0.25, 0.80, 61),
        "accounts_engaged": share_of_followers(0.01, 0.05, 62),
        "total_interactions": share_of_followers(0.02, 0.08, 63),
        "profile_views": share_of_followers(0.01, 0.04, 64),
        "website_clicks": share_of_followers(0.0, 0.006, 65),
        "follower_count": followers_gained(0.0, 0.004, 66),
        "unfollows": followers_lost(0.0, 0.003, 67),
        "likes": share_of_followers(0.01, 0.06, 68),
        "comments": share_of_followers(0.0, 0.004, 69),
        "saves": share_of_followers(0.0, 0.006, 70),
        "shares": share_of_followers(0.0, 0.006, 71),
        "replies": share_of_followers(0.0, 0.001, 72),
        "profile_links_taps": share_of_followers(0.0, 0.002, 73),
        "reposts": share_of_followers(0.0, 0.003, 74),
    },
)
