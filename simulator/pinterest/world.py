"""Definition of the simulated Pinterest: ids, kinds of pins, and true values (docs/platform-facts.md#pinterest).

The amounts of an account's days are those of its pins that are not advertised.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from metrics.documents import Reason
from simulator.chance import draw, share
from simulator.truth import (
    Amount,
    followers,
    post_count,
    reached_on,
    share_of_views,
    slow_level,
    times_followers,
    views,
)
from simulator.world import EPOCH, Kind, SimAccount, SimPlatform, World, account_seed, index_from

_FIRST_ACCOUNT = 1_099_300_000_000_000_000
_PIN_DIGITS = 18
CREATED, SAVED, SECRET = "6", "5", "4"
"""First digit of the id of a pin: created by the account, saved by it, or on a secret board."""

BUSINESS_SINCE = EPOCH.date() + timedelta(days=200)
"""Day on which every seventh account became a business account; it has no analytics of the days before."""

SAVED_PINS = 120
"""Pins that an account saved before the world began; they count in `pin_count`."""


_account_index = index_from(_FIRST_ACCOUNT)


def _pin_id(index: int, day: int, place: int) -> str:
    return f"{CREATED}{day:05d}{place}{index:07d}4813"


def _pin_place(pin_id: str) -> tuple[int, int, int] | None:
    if len(pin_id) != _PIN_DIGITS or not pin_id.isdecimal() or pin_id[0] != CREATED or pin_id[14:] != "4813":
        return None
    return int(pin_id[7:14]), int(pin_id[1:6]), int(pin_id[6])


def _pin_count(world: World, account: SimAccount, now: datetime) -> int:
    """Return the created and saved pins of an account."""
    return post_count(world, account, now) + SAVED_PINS


def is_new(account: SimAccount) -> bool:
    """Tell whether an account is new: Pinterest does not know its monthly views yet, and says -1."""
    return account.index % 11 == 10


def business_since(account: SimAccount) -> date:
    """Return the first day of which an account has analytics."""
    return BUSINESS_SINCE if account.index % 7 == 6 else date.min


def _withholds_day(_world: World, account: SimAccount, _field: str, day: date) -> Reason | None:
    return "not_recoverable" if day < business_since(account) else None


_SHARES = {
    "IMPRESSION": (0.5, 2.0),
    "PIN_CLICK": (0.01, 0.08),
    "SAVE": (0.005, 0.05),
    "OUTBOUND_CLICK": (0.002, 0.02),
}
"""Amounts of a day as shares of the followers, each from a lowest to a highest one."""


def amounts(world: World, account: SimAccount, day: date) -> Mapping[str, int]:
    """Return all amounts of a day; engagements are clicks and saves. They are computed once, and shared."""
    key = ("pinterest amounts", account.index, day)
    known: dict[str, int] | None = world.remembered(key)
    if known is None:
        known = _computed(world, account, day)
        world.remember(key, known)
    return known


def _computed(world: World, account: SimAccount, day: date) -> dict[str, int]:
    base = reached_on(world, account, day)
    drawn = draw(*account_seed(world, account), day.toordinal(), 611)
    found = {
        name: int(base * (low + (high - low) * share(number)))
        for (name, (low, high)), number in zip(_SHARES.items(), drawn, strict=False)
    }
    return {**found, "ENGAGEMENT": found["PIN_CLICK"] + found["SAVE"]}


_STARTS = share_of_views(0.3, 0.7, 5)
WATCHED_MS = 2508
"""Milliseconds for which a video is watched, on the average over its starts."""


def _amount(name: str) -> Amount:
    return lambda world, account, day: amounts(world, account, day)[name]


PINTEREST = SimPlatform(
    name="pinterest",
    number=6,
    account_id=lambda index: str(_FIRST_ACCOUNT + index),
    account_index=_account_index,
    post_id=_pin_id,
    post_place=_pin_place,
    kinds=(
        (0.55, Kind(("REGULAR", "image"), "post", "image")),
        (0.65, Kind(("SHOPPING", "image"), "post", "image")),
        (0.85, Kind(("VIDEO", "video"), "post", "video")),
        (0.95, Kind(("CAROUSEL", "multiple_images"), "post", "carousel")),
        (1.00, Kind(("IDEA", "multiple_mixed"), "post", "carousel")),
    ),
    levels={
        "follower_count": followers,
        "following_count": slow_level(20, 900, 620),
        "pin_count": _pin_count,
        "board_count": slow_level(3, 60, 622),
        "monthly_views": times_followers(11),
    },
    counters={
        "impression": views,
        "pin_click": share_of_views(0.01, 0.07, 0),
        "clickthrough": share_of_views(0.002, 0.02, 1),
        "save": share_of_views(0.005, 0.04, 2, falls=True),
        "reaction": share_of_views(0.002, 0.02, 3, falls=True),
        "comment": share_of_views(0.0002, 0.003, 4, falls=True),
        "VIDEO_START": _STARTS,
        "VIDEO_V50_WATCH_TIME": lambda curve: _STARTS(curve) * WATCHED_MS,
        "video_mrc_view": share_of_views(0.2, 0.3, 6),
        "video_10s_view": share_of_views(0.05, 0.2, 7),
        "quartile_95_percent_view": share_of_views(0.02, 0.05, 8),
        "USER_FOLLOW": share_of_views(0.0001, 0.001, 9),
        "PROFILE_VISIT": share_of_views(0.001, 0.01, 10),
    },
    withholds_day=_withholds_day,
    days={name: _amount(name) for name in (*_SHARES, "ENGAGEMENT")},
)
