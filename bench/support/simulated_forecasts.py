"""Forecasts of simulated accounts, said each day as the pipeline says them, and judged when their days come due.

Half of the accounts have a planted shift of their audience in the middle of the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

import numpy as np

from bench.support.true_series import Floats, daily_amounts, daily_levels, hourly_views
from metrics.forecasts import FORECASTED, ForecastDocument
from metrics.periods import DAY, HOUR, midnight
from pipelines.insights.forecasts.make import say
from pipelines.insights.forecasts.series import DailySeries
from simulator.events import Event
from simulator.registry import new_world
from simulator.world import FIRST_BAR_SEED

FIRST = date(2026, 3, 1)
KNOWN, SAID, AHEAD = 120, 56, 28
"""Days before the first forecast, days on which a forecast is made, and days that the last of them is about."""
SHIFT_AFTER = 21
"""Days of forecasts before the planted shift."""
SHIFT = 1.6
METRICS = ("reach", "totalViews", "followers")


@dataclass(frozen=True, slots=True)
class Point:
    """One day of a forecast: the day on which it was said, how far ahead the day lies, and whether it lay inside.

    `since_shift` is the number of days from the planted shift to the day on which it was said; None if none is planted.
    """

    metric: str
    account: int
    said: int
    ahead: int
    inside_80: bool
    inside_95: bool
    since_shift: int | None


def judged(accounts: int) -> Iterator[Point]:
    """Yield all points of all forecasts that came due, of half shifted and half unshifted accounts."""
    world = new_world(FIRST_BAR_SEED)
    chosen = [world.account("instagram", index) for index in range(accounts)]
    shifted = FIRST + timedelta(days=KNOWN + SHIFT_AFTER)
    world.plant(
        Event.parse(
            {"kind": "shift", "start": midnight(shifted).isoformat(), "size": SHIFT, "account": one.platform_account_id}
        )
        for one in chosen[::2]
    )
    days = KNOWN + SAID + AHEAD
    views = hourly_views(world, chosen, midnight(FIRST), days * 24)
    values: dict[str, Floats] = {
        "reach": daily_amounts(world, chosen, "reach", FIRST, days),
        "totalViews": views.reshape(accounts, days, 24).sum(axis=2),
        "followers": daily_levels(world, chosen, "followers_count", FIRST, days),
    }
    for metric in METRICS:
        for row in range(accounts):
            # Followers have no shift: an audience that sees more does not follow more.
            is_shifted = row % 2 == 0 and metric != "followers"
            yield from _of_series(metric, row, values[metric][row], is_shifted)


def _of_series(metric: str, account: int, values: Floats, is_shifted: bool) -> Iterator[Point]:
    earlier: list[ForecastDocument] = []
    for said in range(SAID):
        end = KNOWN + said
        until = FIRST + timedelta(days=end - 1)
        series = DailySeries(FIRST, values[:end])
        found: dict[str, Any] = dict(say(FORECASTED[metric], series, earlier[-AHEAD - 8 :], until))
        made: datetime = midnight(until) + DAY + 6 * HOUR
        earlier.append(cast("ForecastDocument", {**found, "madeAt": made}))
        for index, actual in enumerate(values[end : end + len(found.get("values", ()))]):
            inside_80, inside_95 = (
                bool(found[f"lo{name}"][index] <= actual <= found[f"hi{name}"][index]) for name in ("80", "95")
            )
            since_shift = said - SHIFT_AFTER if is_shifted else None
            yield Point(metric, account, said, index + 1, inside_80, inside_95, since_shift)


def shares(points: list[Point]) -> tuple[float, float]:
    """Return the shares of points inside the 80 % and the 95 % interval, in percent."""
    inside = np.array([(one.inside_80, one.inside_95) for one in points], dtype=np.float64)
    return (float("nan"), float("nan")) if not len(inside) else tuple(100 * inside.mean(axis=0))
