"""Definition of the simulated LinkedIn: ids, kinds of posts, and true values.

Organization n has the id 90000000 + n; a post's URN is that of a share or, in every third place, of a ugcPost.
"""

from datetime import date

from metrics.documents import Reason
from simulator.chance import between, unit
from simulator.truth import (
    followers,
    followers_gained,
    followers_lost,
    net_of,
    share_of_followers,
    share_of_views,
    slow_level,
    views,
)
from simulator.world import Kind, SimAccount, SimPlatform, World, account_seed, index_from

_BASE = 90_000_000
_SHARE, _UGC = "urn:li:share:", "urn:li:ugcPost:"
MIN_DAILY_UNIQUES = 0.1
"""Share of days whose unique impressions are not reported."""


_account_index = index_from(_BASE)


def _post_id(index: int, day: int, place: int) -> str:
    return f"{_UGC if place == 1 else _SHARE}7{day:05d}{place}{index:07d}00000"


def _post_place(post_id: str) -> tuple[int, int, int] | None:
    kind, _, number = post_id.rpartition(":")
    if len(number) != 19 or not number.isdecimal() or number[0] != "7":
        return None
    place = int(number[6])
    return (int(number[7:14]), int(number[1:6]), place) if (kind == _UGC[:-1]) == (place == 1) else None


def _new_followers_of_member(world: World, account: SimAccount, day: date) -> int:
    """Return the number of new followers of the person behind the token."""
    return int(between(0, 6, *account_seed(world, account), day.toordinal(), 332))


def tells_uniques(world: World, account: SimAccount, day: date) -> bool:
    """Tell whether a day reports its number of unique people; some days do not."""
    return unit(*account_seed(world, account), day.toordinal(), 399) >= MIN_DAILY_UNIQUES


def _withholds_day(world: World, account: SimAccount, field: str, day: date) -> Reason | None:
    """Withhold the number of unique people on some days."""
    hidden = field == "uniqueImpressionsCount" and not tells_uniques(world, account, day)
    return "no_observation" if hidden else None


LINKEDIN = SimPlatform(
    name="linkedin",
    number=3,
    account_id=lambda index: str(_BASE + index),
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.25, Kind(("text",), "post", "text")),
        (0.55, Kind(("image",), "post", "image")),
        (0.70, Kind(("article",), "post", "link")),
        (0.80, Kind(("multiImage",), "post", "carousel")),
        (0.90, Kind(("document",), "post", "document")),
        (1.00, Kind(("video",), "post", "video")),
    ),
    levels={"firstDegreeSize": followers, "memberFollowersCount": slow_level(150, 2_000, 330)},
    counters={
        "impressionCount": views,
        "uniqueImpressionsCount": share_of_views(0.5, 0.8, 0),
        "clickCount": share_of_views(0.01, 0.06, 1, falls=True),
        "likeCount": share_of_views(0.01, 0.04, 2, falls=True),
        "commentCount": share_of_views(0.001, 0.006, 3, falls=True),
        "shareCount": share_of_views(0.0005, 0.004, 4),
    },
    withholds_day=_withholds_day,
    days={
        "organicFollowerGain": net_of(followers_gained(0.0, 0.004, 310), followers_lost(0.0, 0.0027, 311)),
        "paidFollowerGain": followers_gained(0.0, 0.0008, 312, with_events=False),
        "allPageViews": share_of_followers(0.01, 0.05, 313),
        "impressionCount": share_of_followers(0.2, 0.9, 314),
        "uniqueImpressionsCount": share_of_followers(0.1, 0.4, 315),
        "clickCount": share_of_followers(0.0, 0.02, 316),
        "likeCount": net_of(share_of_followers(0.0, 0.01, 317), share_of_followers(0.0, 0.0067, 318)),
        "commentCount": share_of_followers(0.0, 0.002, 319),
        "shareCount": share_of_followers(0.0, 0.001, 320),
        "memberFollowersCount": _new_followers_of_member,
    },
)
