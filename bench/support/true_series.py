"""Hourly and daily series of many simulated accounts, straight from the truth, to judge detectors and forecasts.

Nothing is collected and nothing is rounded by a platform. Events that are planted in the world are in the series.
Worlds for bars have seeds of their own (`simulator.world.FIRST_BAR_SEED`).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from metrics.periods import DAY, HOUR, midnight
from simulator import truth
from simulator.audience import audience_of
from simulator.curves import Curve, curve_of
from simulator.world import SimAccount, World

Floats = NDArray[np.float64]
GROWS_FOR = timedelta(days=60)
"""Older posts have all of their views, second waves included."""


def hourly_views(world: World, accounts: Sequence[SimAccount], start: datetime, hours: int) -> Floats:
    """Return the views that all posts of each account got in each hour: accounts by hours.

    Posts that are deleted later count all along, as nobody takes back what they got.
    """
    found = np.zeros((len(accounts), hours))
    for row, account in enumerate(accounts):
        audience = audience_of(world, account.platform, account.index)
        reached = np.array([audience.at(start + n * HOUR) for n in range(hours + 1)])
        seen = np.zeros(hours + 1)
        for post in world.posts(account, start - GROWS_FOR, start + hours * HOUR):
            curve = curve_of(world, post)
            born = int(np.searchsorted(reached, curve.began))
            seen[born:] += _seen(curve, reached[born:] - curve.began)
        found[row] = np.diff(seen)
    return found


def _seen(curve: Curve, age: Floats) -> Floats:
    """Return the views of a post at ages in activity, as the truth counts them."""
    grown = _grown(curve, age)
    if not curve.changes:
        return np.floor(grown)
    found, factor, lived, before = grown, 1.0, 0.0, 0.0
    for begin, following in curve.changes:
        if begin > 0:
            until = float(_grown(curve, np.array([begin]))[0])
            lived, before = lived + factor * (until - before), until
        factor = following
        found = np.where(age > begin, lived + factor * (grown - before), found)
    return np.floor(found)


def _grown(curve: Curve, age: Floats) -> Floats:
    grown = curve.final * (1 - np.exp(-age / curve.hours))
    if curve.wave is not None:
        late = np.maximum(age - curve.wave.begin, 0.0)
        grown = grown + curve.wave.views * (1 - np.exp(-late / curve.wave.hours))
    return grown


def daily_amounts(world: World, accounts: Sequence[SimAccount], field: str, first: date, days: int) -> Floats:
    """Return the provider's amounts of consecutive days: accounts by days."""
    return np.array([
        [truth.day_value(world, account, field, first + timedelta(days=n)) for n in range(days)] for account in accounts
    ], dtype=np.float64)  # fmt: skip


def daily_levels(world: World, accounts: Sequence[SimAccount], field: str, first: date, days: int) -> Floats:
    """Return a level at the end of consecutive UTC days: accounts by days."""
    ends = [midnight(first) + (n + 1) * DAY for n in range(days)]
    return np.array(
        [[truth.account_value(world, account, field, end) for end in ends] for account in accounts], dtype=np.float64
    )


def hourly_levels(world: World, accounts: Sequence[SimAccount], field: str, start: datetime, hours: int) -> Floats:
    """Return a level at the start of each hour and at the end of the last: accounts by hours + 1."""
    ends = [start + n * HOUR for n in range(hours + 1)]
    return np.array(
        [[truth.account_value(world, account, field, end) for end in ends] for account in accounts], dtype=np.float64
    )
