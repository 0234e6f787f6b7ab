"""Definition of the simulated Threads: ids, kinds of posts, reposts and replies, and true values.

Account n has the id 23000000000000000 + n. The id of a post contains its account, its day and its place in the day. Two
further places of a day are for items that are no posts of the account: a repost, and a reply to someone else.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from metrics.documents import Reason
from simulator.chance import draw, share
from simulator.truth import Amount, day_value, followers, share_of_followers, share_of_views, views
from simulator.world import ACCOUNTS, EPOCH, Kind, SimAccount, SimPlatform, World, account_seed, index_from

_BASE = 23_000_000_000_000_000
_LENGTH = 17
REPOST, REPLY = 8, 9
"""Places in a day of a repost, and of a reply of the account."""
_SHARES = {REPOST: 0.2, REPLY: 0.3}
"""Share of days that have such an item."""
_DAY_SECONDS = 86_400


class Extra(NamedTuple):
    """An item of an account that is no post of its own: a repost (`REPOST_FACADE`) or a reply."""

    item_id: str
    place: int
    published_at: datetime


_account_index = index_from(_BASE)


def _post_id(index: int, day: int, place: int) -> str:
    return f"17{index:08d}{day:06d}{place}"


def _place(item_id: str) -> tuple[int, int, int] | None:
    """Return account, day and place of an id, or None if it is of no item of Threads."""
    if len(item_id) != _LENGTH or not item_id.isdecimal() or not item_id.startswith("17"):
        return None
    index = int(item_id[2:10])
    return (index, int(item_id[10:16]), int(item_id[16])) if index < ACCOUNTS else None


def _post_place(post_id: str) -> tuple[int, int, int] | None:
    found = _place(post_id)
    return found if found is not None and found[2] not in _SHARES else None


def extra(world: World, item_id: str) -> tuple[int, Extra] | None:
    """Return the index of the account and the repost or reply with an id, or None."""
    found = _place(item_id)
    if found is None or found[2] not in _SHARES:
        return None
    index, day, place = found
    item = _extra(world, world.account("threads", index), day, place)
    return (index, item) if item is not None else None


def extras(world: World, account: SimAccount, place: int, start: datetime, end: datetime) -> Iterator[Extra]:
    """Yield the reposts or the replies of an account in `[start, end)`, newest first."""
    for day in range((end - EPOCH).days, max((start - EPOCH).days, 0) - 1, -1):
        item = _extra(world, account, day, place)
        if item is not None and start <= item.published_at < end:
            yield item


def _extra(world: World, account: SimAccount, day: int, place: int) -> Extra | None:
    """Return the item in a place of a day, if there is one; days are drawn once, because lists ask for many."""
    key = ("threads", account.index, day, place)
    known = world.remembered(key)
    if known is None:
        known = (_drawn(world, account, day, place),)
        world.remember(key, known)
    item: Extra | None = known[0]
    return item


def _drawn(world: World, account: SimAccount, day: int, place: int) -> Extra | None:
    numbers = draw(*account_seed(world, account), day, place)
    if share(numbers[0]) >= _SHARES[place]:
        return None
    second = int(share(numbers[1]) * _DAY_SECONDS)
    return Extra(_post_id(account.index, day, place), place, EPOCH + timedelta(days=day, seconds=second))


def link_clicks(world: World, account: SimAccount, day: date) -> dict[str, int]:
    """Return the clicks on each link of an account on a Pacific day; links without clicks are left out."""
    whole = day_value(world, account, "clicks", day)
    handle = account.handle.replace(".", "-")
    parts = {f"https://{handle}.example/": whole - whole // 3, f"https://shop.example/{handle}": whole // 3}
    return {url: clicks for url, clicks in parts.items() if clicks}


def _few_clicks() -> Amount:
    """Return the clicks of a day: none on about a quarter of the days."""
    clicked = share_of_followers(0.0, 0.01, 76)

    def amount(world: World, account: SimAccount, day: date) -> int:
        none = share(draw(*account_seed(world, account), day.toordinal(), 77)[0]) < 0.25
        return 0 if none else clicked(world, account, day)

    return amount


def _withholds_day(world: World, account: SimAccount, field: str, day: date) -> Reason | None:
    """Withhold the clicks of a day without any: the answer then names no link, and no number."""
    return "no_observation" if field == "clicks" and not day_value(world, account, "clicks", day) else None


THREADS = SimPlatform(
    name="threads",
    number=7,
    account_id=lambda index: str(_BASE + index),
    account_index=_account_index,
    post_id=_post_id,
    post_place=_post_place,
    kinds=(
        (0.40, Kind(("TEXT_POST",), "post", "text")),
        (0.65, Kind(("IMAGE",), "post", "image")),
        (0.80, Kind(("VIDEO",), "post", "video")),
        (0.95, Kind(("CAROUSEL_ALBUM",), "post", "carousel")),
        (1.00, Kind(("AUDIO",), "post", "other")),
    ),
    standings=("private", "age_gated"),
    levels={"followers_count": followers},
    counters={
        "views": views,
        "likes": share_of_views(0.01, 0.06, 0, falls=True),
        "replies": share_of_views(0.001, 0.01, 1, falls=True),
        "reposts": share_of_views(0.0005, 0.006, 2, falls=True),
        "quotes": share_of_views(0.0, 0.002, 3),
        "shares": share_of_views(0.0, 0.004, 4),
    },
    withholds_day=_withholds_day,
    days={
        "views": share_of_followers(0.02, 0.12, 71),
        "likes": share_of_followers(0.01, 0.06, 72),
        "replies": share_of_followers(0.0, 0.008, 73),
        "reposts": share_of_followers(0.0, 0.005, 74),
        "quotes": share_of_followers(0.0, 0.002, 75),
        "clicks": _few_clicks(),
    },
)
