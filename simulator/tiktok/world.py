"""Definition of the simulated TikTok: ids, videos, and true values.

An `open_id` has the number of its account in base 32; a video's id is a number above 2^53 that grows with the time.
"""

import re

from simulator.tiktok import organic
from simulator.tiktok.grants import further_credentials
from simulator.truth import followers, post_count, share_of_views, slow_level, times_followers, views
from simulator.world import ACCOUNTS, Kind, SimPlatform

_PREFIX, _SUFFIX = "-000", "SimTikTokOpenId"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_LENGTH = 6
_FIRST_VIDEO = 7_400_000_000_000_000_000
_PLACES = 10
_OPEN_ID = re.compile(rf"{_PREFIX}([0-9A-V]{{{_LENGTH}}}){_SUFFIX}")


def open_id(index: int) -> str:
    """Return the `open_id` of an account, such as `-000000003SimTikTokOpenId`."""
    found = ""
    for _ in range(_LENGTH):
        index, digit = divmod(index, len(_DIGITS))
        found = _DIGITS[digit] + found
    return f"{_PREFIX}{found}{_SUFFIX}"


def _account_index(text: str) -> int | None:
    found = _OPEN_ID.fullmatch(text)
    return int(found[1], len(_DIGITS)) if found else None


def _video_id(index: int, day: int, place: int) -> str:
    return str(_FIRST_VIDEO + (day * _PLACES + place) * ACCOUNTS + index)


def _video_place(text: str) -> tuple[int, int, int] | None:
    if not (text.isascii() and text.isdecimal()) or not _FIRST_VIDEO <= int(text) < 2**63:
        return None
    when, index = divmod(int(text) - _FIRST_VIDEO, ACCOUNTS)
    return index, *divmod(when, _PLACES)


TIKTOK = SimPlatform(
    name="tiktok",
    number=4,
    account_id=open_id,
    account_index=_account_index,
    post_id=_video_id,
    post_place=_video_place,
    kinds=((1.0, Kind(("video",), "post", "video")),),
    levels={
        "follower_count": followers,
        "following_count": slow_level(20, 600, 61),
        "likes_count": times_followers(23),
        "video_count": post_count,
    },
    counters={
        "view_count": views,
        "like_count": share_of_views(0.02, 0.12, 0, falls=True),
        "comment_count": share_of_views(0.001, 0.008, 1, falls=True),
        "share_count": share_of_views(0.001, 0.012, 2),
        **organic.COUNTERS,
    },
    days=organic.DAYS,
    unique_days=organic.UNIQUE_DAYS,
    withholds=organic.withholds,
    further_credentials=further_credentials,
)
