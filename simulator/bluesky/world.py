"""Definition of the simulated Bluesky: ids, kinds of posts, and true values.

Account n has a DID with n in base 32; the key of a post's record is a TID, which holds microseconds since 1970.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from simulator.truth import Counter, followers, post_count, share_of_views, slow_level
from simulator.world import EPOCH, Kind, SimAccount, SimPlatform, SimPost, World, slug

POSTS = "app.bsky.feed.post"
LONGEST_TEXT = 300
"""Maximum number of characters of a post; the lexicon counts graphemes, of which there are never more."""
DOMAIN = ".bsky.social"
_PLC = "did:plc:simbluesky"
_IN_DIDS = "abcdefghijklmnopqrstuvwxyz234567"
_IN_TIDS = "234567abcdefghijklmnopqrstuvwxyz"
_DID_DIGITS, _TID_DIGITS, _CLOCK_BITS = 14, 13, 10
_DAY = 86_400_000_000
"""Microseconds of a day."""
_URI = re.compile(rf"at://(did:plc:[a-z2-7]{{24}})/{re.escape(POSTS)}/([2-7a-z]{{13}})")


def _written(number: int, digits: str, length: int) -> str:
    found = ""
    for _ in range(length):
        number, digit = divmod(number, 32)
        found = digits[digit] + found
    return found


def _read(text: str, digits: str) -> int:
    found = 0
    for letter in text:
        found = found * 32 + digits.index(letter)
    return found


def did_of(index: int) -> str:
    """Return the DID of an account."""
    return _PLC + _written(index, _IN_DIDS, _DID_DIGITS)


def _account_index(did: str) -> int | None:
    digits = did.removeprefix(_PLC)
    is_ours = did.startswith(_PLC) and len(digits) == _DID_DIGITS and set(digits) <= set(_IN_DIDS)
    return _read(digits, _IN_DIDS) if is_ours else None


def _post_id(index: int, day: int, place: int) -> str:
    microseconds = int(EPOCH.timestamp()) * 1_000_000 + day * _DAY + place
    return f"at://{did_of(index)}/{POSTS}/{_written(microseconds << _CLOCK_BITS, _IN_TIDS, _TID_DIGITS)}"


@lru_cache(maxsize=65_536)
def _post_place(uri: str) -> tuple[int, int, int] | None:
    found = _URI.fullmatch(uri)
    index = _account_index(found[1]) if found else None
    if found is None or index is None:
        return None
    since = datetime.fromtimestamp((_read(found[2], _IN_TIDS) >> _CLOCK_BITS) // 1_000_000, UTC) - EPOCH
    return index, since // timedelta(days=1), (_read(found[2], _IN_TIDS) >> _CLOCK_BITS) % 10


def handle_of(name: str) -> str:
    """Return the handle that goes with an account's name, `north-bakery.bsky.social`; a broken one stays as it is."""
    return name if name == "handle.invalid" else f"{slug(name, '-').replace('_', '-').lower()}{DOMAIN}"


def is_misdated(post: SimPost) -> bool:
    """Tell whether the client of a post stated a time of creation far from the truth."""
    return post.number // 10 % 11 == 3


def created_at(post: SimPost) -> datetime:
    """Return the time of creation that the client of a post stated: the truth, weeks ahead of it, or days before."""
    if not is_misdated(post):
        return post.published_at
    return post.published_at + (timedelta(days=40) if post.number // 10 % 2 else timedelta(days=-3))


def _posts(world: World, account: SimAccount, now: datetime) -> int:
    return post_count(world, account, now)


COUNTERS: dict[str, Counter] = {
    "likeCount": share_of_views(0.01, 0.05, 0, falls=True),
    "replyCount": share_of_views(0.001, 0.006, 1, falls=True),
    "repostCount": share_of_views(0.001, 0.01, 2, falls=True),
    "quoteCount": share_of_views(0.0002, 0.002, 3),
    "bookmarkCount": share_of_views(0.0005, 0.004, 4, falls=True),
}

BLUESKY = SimPlatform(
    name="bluesky",
    number=8,
    account_id=did_of,
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.35, Kind((), "post", "text")),
        (0.40, Kind(("record",), "post", "text")),
        (0.55, Kind(("external",), "post", "link")),
        (0.75, Kind(("image",), "post", "image")),
        (0.85, Kind(("image", "image"), "post", "carousel")),
        (0.95, Kind(("video",), "post", "video")),
        (1.00, Kind(("record", "image"), "post", "image")),
    ),
    levels={"followersCount": followers, "followsCount": slow_level(50, 700, 21), "postsCount": _posts},
    counters=COUNTERS,
)
