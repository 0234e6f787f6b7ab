"""Definition of the simulated Facebook: ids, kinds of posts, and true values.

Page n has the id 100000000000000 + n. A post's id begins with that of its Page; a reel is a video with its own id. A
reel has a post, too, and a post with a photo or a video also has the id of that photo or video.
"""

from datetime import UTC, date, datetime, timedelta

from metrics.documents import Reason
from simulator.chance import unit
from simulator.truth import (
    account_value,
    all_of,
    followers,
    followers_gained,
    followers_lost,
    share_of_followers,
    share_of_views,
    slow_level,
    times_one,
    times_views,
    views,
)
from simulator.world import Kind, SimAccount, SimPlatform, SimPost, World, index_from

_BASE = 100_000_000_000_000
_REEL_PLACE = 2
PHOTO, VIDEO = "14", "15"
"""First digits of the ids of photos and of videos."""

PAGE_REACTIONS = ("like", "love", "wow", "haha", "sorry", "anger")
MIN_FANS = 100


_account_index = index_from(_BASE)


def _post_id(index: int, day: int, place: int) -> str:
    if place == _REEL_PLACE:
        return f"13{index:08d}{day:06d}"
    return _story_id(index, day, place)


def _story_id(index: int, day: int, place: int) -> str:
    return f"{_BASE + index}_12{day:06d}{place}"


def _post_place(post_id: str) -> tuple[int, int, int] | None:
    page, _, number = post_id.partition("_")
    if not page.isdecimal():
        return None
    if not number:
        is_reel = len(page) == 16 and page.startswith("13")
        return (int(page[2:10]), int(page[10:]), _REEL_PLACE) if is_reel else None
    index = _account_index(page)
    valid = index is not None and len(number) == 9 and number.isdecimal() and number.startswith("12")
    return (index or 0, int(number[2:8]), int(number[8])) if valid else None


def story_id(post: SimPost) -> str:
    """Return the id of a post on its Page; a reel has such an id, too."""
    return _story_id(*_where(post))


def photo_id(post: SimPost) -> str:
    """Return the id of the photo of a post, which publishing returns."""
    return _media_id(PHOTO, post)


def video_id(post: SimPost) -> str:
    """Return the id of the video of a post; for a reel this is its own id."""
    return post.platform_post_id if post.metric_type == "reel" else _media_id(VIDEO, post)


def media_place(object_id: str) -> tuple[int, int, int, str] | None:
    """Return account, day and place of the post of a photo or video, and its kind; None if an id is neither."""
    if len(object_id) != 17 or not object_id.isdecimal() or object_id[:2] not in (PHOTO, VIDEO):
        return None
    return int(object_id[2:10]), int(object_id[10:16]), int(object_id[16]), object_id[:2]


def _media_id(kind: str, post: SimPost) -> str:
    index, day, place = _where(post)
    return f"{kind}{index:08d}{day:06d}{place}"


def _where(post: SimPost) -> tuple[int, int, int]:
    return post.account_index, post.number // 10 % 1_000_000, post.number % 10


def owner(object_id: str) -> int | None:
    """Return the index of the Page that an object belongs to, or None if the id is none of Facebook."""
    place = _post_place(object_id) or media_place(object_id)
    return place[0] if place else _account_index(object_id)


def _withholds_day(world: World, account: SimAccount, _field: str, day: date) -> Reason | None:
    """Withhold all daily amounts of a Page with few likes."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=2)
    return "privacy_threshold" if account_value(world, account, "fan_count", end) < MIN_FANS else None


_REPLAYS = share_of_views(0.05, 0.3, 7)
_REACTION_SHARES = dict(zip(PAGE_REACTIONS, (0.01, 0.004, 0.001, 0.001, 0.0005, 0.0005), strict=True))

_LEFT_OUT = 0.15


def _lists(world: World, post: SimPost) -> bool:
    """Tell whether the feed that others read contains a post: it is a selection, and has no reels."""
    return post.metric_type == "post" and unit(world.seed, post.number, 72) >= _LEFT_OUT


FACEBOOK = SimPlatform(
    name="facebook",
    number=1,
    account_id=lambda index: str(_BASE + index),
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.45, Kind(("photo", "added_photos"), "post", "image")),
        (0.60, Kind(("album", "added_photos"), "post", "carousel")),
        (0.75, Kind(("link", "shared_story"), "post", "link")),
        (0.90, Kind(("video", "added_video"), "post", "video")),
        (1.00, Kind(("", "mobile_status_update"), "post", "text")),
    ),
    stories=((1.0, Kind(("reel",), "reel", "video")),),
    standings=("age_gated",),
    lists=_lists,
    levels={
        "followers_count": followers,
        "fan_count": slow_level(60, 900, 401),
        "talking_about_count": slow_level(9, 90, 403),
    },
    counters={
        "post_media_view": views,
        "post_total_media_view_unique": share_of_views(0.5, 0.85, 0),
        "post_clicks": share_of_views(0.005, 0.04, 1),
        "blue_reels_play_count": views,
        "reactions": share_of_views(0.01, 0.05, 2, falls=True),
        "comments": share_of_views(0.001, 0.006, 3, falls=True),
        "shares": share_of_views(0.0, 0.004, 4),
        "post_video_followers": share_of_views(0.0, 0.002, 5),
        "post_video_avg_time_watched": times_one(2_000, 14_000, 6),
        "post_video_view_time": times_views(2_000, 14_000, 6),
        "fb_reels_replay_count": _REPLAYS,
        "fb_reels_total_plays": all_of((views, _REPLAYS)),
    },
    withholds_day=_withholds_day,
    unique_days=frozenset(["page_total_media_view_unique", "page_daily_follows_unique", "page_daily_unfollows_unique"]),
    days={
        "page_media_view": share_of_followers(0.2, 0.9, 420),
        "page_total_media_view_unique": share_of_followers(0.05, 0.2, 421),
        "page_post_engagements": share_of_followers(0.01, 0.06, 422),
        "page_views_total": share_of_followers(0.005, 0.03, 423),
        "page_daily_follows": followers_gained(0.0, 0.004, 424),
        "page_video_views": share_of_followers(0.02, 0.2, 425),
        "page_video_complete_views_30s": share_of_followers(0.005, 0.02, 426),
        "page_video_view_time": share_of_followers(100.0, 2_000.0, 427),
        "page_total_actions": share_of_followers(0.0, 0.01, 428),
        "page_daily_follows_unique": followers_gained(0.0, 0.004, 424, of=0.97),
        "page_daily_unfollows_unique": followers_lost(0.0, 0.003, 429),
        **{
            f"page_actions_post_reactions_{kind}_total": share_of_followers(0.0, most, 430 + number)
            for number, (kind, most) in enumerate(_REACTION_SHARES.items())
        },
    },
)
