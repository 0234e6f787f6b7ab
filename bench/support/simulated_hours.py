"""Forecasts of the hours of simulated accounts, said every six hours as the pipeline says them, and judged when due."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bench.support.simulated_forecasts import Point
from bench.support.true_series import Floats, hourly_levels, hourly_views
from metrics.forecasts import HOURS_AHEAD, WINDOW
from metrics.periods import HOUR
from pipelines.insights.forecasts.hourly import smoothed_series
from pipelines.insights.forecasts.hourly_series import HourlySeries
from pipelines.insights.forecasts.make_hours import say_hours
from simulator.registry import new_world
from simulator.world import FIRST_BAR_SEED

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
HISTORIES = (14 * 24, 56 * 24)
"""The hours before the first forecast: the fewest that are enough, and the most that are used."""
DAYS_SAID = 14
METRICS = ("views", "followers")


def judged_hours(accounts: int, history: int) -> Iterator[Point]:
    """Yield all hours of all forecasts that came due, said every six hours for two weeks.

    `said` counts windows, and `since_shift` is None.
    """
    world = new_world(FIRST_BAR_SEED)
    chosen = [world.account("instagram", index) for index in range(accounts)]
    hours = history + DAYS_SAID * 24 + HOURS_AHEAD
    views = hourly_views(world, chosen, BEGIN, hours)
    followers = hourly_levels(world, chosen, "followers_count", BEGIN, hours)[:, 1:]
    for metric, values in zip(METRICS, (views, followers), strict=True):
        yield from _of_metric(metric, values, history)


def _of_metric(metric: str, values: Floats, history: int) -> Iterator[Point]:
    earlier: list[list[dict[str, Any]]] = [[] for _ in values]
    for said, end in enumerate(range(history, history + DAYS_SAID * 24, WINDOW // HOUR)):
        series = [HourlySeries.of(BEGIN, row[max(end - HISTORIES[-1], 0) : end]) for row in values]
        known = [one for one in series if one is not None]
        smoothed = smoothed_series(known) if metric == "views" else [None] * len(known)
        instant = known[0].last + HOUR
        for row, (one, of_smoothing) in enumerate(zip(known, smoothed, strict=True)):
            found: dict[str, Any] = {**say_hours(one, earlier[row], instant, of_smoothing), "madeAt": instant}
            earlier[row] = [*earlier[row][-16:], found]
            for index, actual in enumerate(values[row, end : end + len(found.get("values", ()))]):
                inside_80, inside_95 = (
                    bool(found[f"lo{name}"][index] <= actual <= found[f"hi{name}"][index]) for name in (80, 95)
                )
                yield Point(metric, row, said, index + 1, inside_80, inside_95, since_shift=None)


def shares_of(points: list[Point]) -> tuple[float, float]:
    """Return the shares of hours inside the 80 % and the 95 % interval, in percent."""
    inside_80, inside_95 = 100 * np.mean([(one.inside_80, one.inside_95) for one in points], axis=0)
    return float(inside_80), float(inside_95)
