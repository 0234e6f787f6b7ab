"""Made-up hourly counts with a season, weekdays and noise, and events that are planted into them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WEEK = 168
NOISE = 0.2
"""The deviation of the audience from one hour to the next, beside that of counting."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event: for some hours, what the audience does is multiplied by a factor. `whole_day`: from midnight on."""

    name: str
    hours: int
    factor: float
    whole_day: bool = False


BY_HOUR = (Event("1 h x 3", 1, 3.0), Event("3 h of zero", 3, 0.0), Event("6 h -80 %", 6, 0.2))
BY_DAY = (Event("36 h +60 %", 36, 1.6), Event("24 h -40 %", 24, 0.6))


def rates(random: np.random.Generator, series: int, weeks: int) -> Floats:
    """Return what is to be expected in each hour of each series: 20 to 200 on average."""
    hours = np.arange(weeks * WEEK)
    size, phase = random.uniform(0, 0.6, (series, 1)), random.uniform(0, 24, (series, 1))
    by_hour = 1 + size * np.sin(2 * np.pi * (hours - phase) / 24)
    by_weekday = 1 + 0.2 * np.sin(2 * np.pi * hours / WEEK + phase)
    noise = random.gamma(1 / NOISE**2, NOISE**2, (series, weeks * WEEK))
    found: Floats = random.uniform(20, 200, (series, 1)) * by_hour * by_weekday * noise
    return found


def planted(random: np.random.Generator, rate: Floats, counts: Floats, event: Event) -> tuple[Floats, list[int]]:
    """Return counts with the event in each series, within the last two weeks, and the hour in which each begins."""
    changed, starts = counts.copy(), []
    for row, of_row in enumerate(rate):
        start = rate.shape[1] - int(random.integers(event.hours + 24, 2 * WEEK - 24))
        start = start // 24 * 24 if event.whole_day else start
        changed[row, start : start + event.hours] = random.poisson(of_row[start : start + event.hours] * event.factor)
        starts.append(start)
    return changed, starts
