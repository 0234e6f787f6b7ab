"""Facebook's ids, kinds of posts, and what is true of them.

Page n has the id 100000000000000 + n; a post's id begins with its page's, a reel is a video with an id of its own.
"""

from datetime import UTC, date, datetime, timedelta

from metrics.documents import Reason
from simulator.truth import account_value, followers, share_of_followers, share_of_views, slow_level, views
from simulator.world import Kind, SimAccount, SimPlatform, World

_BASE = 100_000_000_000_000
_REEL_PLACE = 2
MIN_FANS = 100


def _account_index(account_id: str) -> int | None:
    return int(account_id) - _BASE if len(account_id) == 15 and account_id.isdecimal() else None


def _post_id(index: int, day: int, place: int) -> str:
    if place == _REEL_PLACE:
        return f"13{index:08d}{day:06d}"
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
    return (index or 0, int(number[2:8]), int(number[8])) if valid and number[8] != str(_REEL_PLACE) else None


def owner(object_id: str) -> int | None:
    """Return which page an object belongs to by its id, or None where it is none of Facebook."""
    place = _post_place(object_id)
    return place[0] if place else _account_index(object_id)


def _withholds_day(world: World, account: SimAccount, _field: str, day: date) -> Reason | None:
    """Tell nothing of the days of a page with few likes."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=2)
    return "privacy_threshold" if account_value(world, account, "fan_count", end) < MIN_FANS else None


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
    },
    withholds_day=_withholds_day,
    unique_days=frozenset(["page_total_media_view_unique"]),
    days={
        "page_media_view": share_of_followers(0.2, 0.9, 420),
        "page_total_media_view_unique": share_of_followers(0.1, 0.4, 421),
        "page_post_engagements": share_of_followers(0.01, 0.06, 422),
        "page_views_total": share_of_followers(0.005, 0.03, 423),
        "page_daily_follows": share_of_followers(0.0, 0.004, 424),
        "page_video_views": share_of_followers(0.02, 0.2, 425),
    },
)
