"""Definition of the simulated YouTube: ids, kinds of videos, and true values.

Facts: docs/platform-facts.md#youtube-data-api, #youtube-analytics-api.
"""

from datetime import date, datetime
from typing import NamedTuple

from metrics.documents import Reason
from simulator.chance import ONE, draw, unit
from simulator.truth import (
    followers,
    followers_gained,
    followers_lost,
    net_of,
    post_count,
    share_of_followers,
    share_of_views,
    times_followers,
    views,
)
from simulator.world import Kind, SimAccount, SimPlatform, SimPost, World, account_seed
from simulator.youtube.ids import channel_id, channel_index, video_id, video_place

SHORTS_CHANGE, VIEWS_CHANGE = date(2025, 3, 31), date(2026, 8, 24)
"""Days on which the meaning of a view changed: of Shorts, and of all videos. Engaged views kept the earlier meaning."""

_BEFORE, _SHORTS, _ALL = 1.0, 1.15, 1.4
"""Views of a day for each engaged view, by these days."""
_REMOVED_DAYS, _REMOVED_VIEWS = 0.01, 400
"""Share of days on which views of a removed video are taken back, and how many they are at most."""
_HIDDEN_LIKES, _WITHOUT_COMMENTS, _MADE_FOR_KIDS = 0.04, 0.06, 0.03


def subscribers(world: World, account: SimAccount, now: datetime) -> int:
    """Return the subscribers that YouTube shows: above 1,000 rounded down to three significant digits."""
    exact = followers(world, account, now)
    step = int(10 ** max(len(str(exact)) - 3, 0))
    return exact // step * step


class Traits(NamedTuple):
    """Whether the channel hides the likes of a video, whether it is made for children, and allows comments."""

    hides_likes: bool
    made_for_kids: bool
    has_comments: bool


def traits_of(world: World, post: SimPost) -> Traits:
    """Return the traits of a video; one that is made for children has no comments."""
    key = ("youtube traits", post.number)
    traits: Traits | None = world.remembered(key)
    if traits is None:
        hidden, kids, comments = (number * ONE for number in draw(world.seed, post.number, 51)[:3])
        made_for_kids = kids < _MADE_FOR_KIDS
        traits = Traits(hidden < _HIDDEN_LIKES, made_for_kids, comments >= _WITHOUT_COMMENTS and not made_for_kids)
        world.remember(key, traits)
    return traits


def _withholds(world: World, post: SimPost, field: str, _now: datetime) -> Reason | None:
    traits = traits_of(world, post)
    if field == "likeCount" and traits.hides_likes:
        return "permission_missing"
    return "not_supported" if field == "commentCount" and not traits.has_comments else None


def _hides(world: World, post: SimPost) -> tuple[str, ...]:
    """Hide the likes of some videos; YouTube hides them from their owner's API as well."""
    return ("likeCount",) if traits_of(world, post).hides_likes else ()


_ENGAGED = share_of_followers(0.2, 0.9, 510)
_SHOWN = share_of_followers(1.0, 9.0, 522)
IMPRESSIONS = "video_thumbnail_impressions"
"""Daily field that only files of the Reporting API have."""
_QUIET_DAYS = 0.06
"""Share of days on which no picture of a video was shown."""


def _impressions(world: World, account: SimAccount, day: date) -> int:
    """Return how often pictures of videos were shown on a day."""
    quiet = unit(*account_seed(world, account), day.toordinal(), 523) < _QUIET_DAYS
    return 0 if quiet else _SHOWN(world, account, day)


def _views(world: World, account: SimAccount, day: date) -> int:
    """Return the views of a day, which are negative if more views of a removed video are taken back."""
    ratio = _BEFORE if day < SHORTS_CHANGE else _SHORTS if day < VIEWS_CHANGE else _ALL
    seed = (*account_seed(world, account), day.toordinal())
    removed = _REMOVED_VIEWS if unit(*seed, 511) < _REMOVED_DAYS else 0
    return int(_ENGAGED(world, account, day) * ratio) - removed


YOUTUBE = SimPlatform(
    name="youtube",
    number=5,
    account_id=channel_id,
    account_index=channel_index,
    post_id=video_id,
    post_place=video_place,
    kinds=(
        (0.40, Kind(("short",), "post", "video")),
        (0.95, Kind(("video",), "post", "video")),
        (1.00, Kind(("live",), "post", "video")),
    ),
    levels={"subscriberCount": subscribers, "videoCount": post_count, "viewCount": times_followers(90)},
    counters={
        "viewCount": views,
        "likeCount": share_of_views(0.01, 0.06, 0, falls=True),
        "commentCount": share_of_views(0.0005, 0.006, 1, falls=True),
        "dislikeCount": share_of_views(0.0002, 0.002, 2),
    },
    withholds=_withholds,
    hides=_hides,
    days={
        "views": _views,
        "engagedViews": _ENGAGED,
        "estimatedMinutesWatched": share_of_followers(0.5, 3.0, 512),
        "likes": net_of(share_of_followers(0.0, 0.03, 513), share_of_followers(0.0, 0.004, 514)),
        "dislikes": share_of_followers(0.0, 0.002, 515),
        "comments": share_of_followers(0.0, 0.004, 516),
        "shares": share_of_followers(0.0, 0.003, 517),
        "subscribersGained": followers_gained(0.0, 0.006, 518),
        "subscribersLost": followers_lost(0.0, 0.003, 519),
        "videosAddedToPlaylists": share_of_followers(0.0, 0.002, 520),
        "videosRemovedFromPlaylists": share_of_followers(0.0, 0.001, 521),
        IMPRESSIONS: _impressions,
    },
)
