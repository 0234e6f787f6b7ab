"""When an audience is active: the season of an account by hour and weekday, and its noise from hour to hour.

All times are UTC. Half of the accounts have no season: their audience is as active at any hour. Every account has gamma
noise in each hour. Both are pure functions of the seed, so that tables of four weeks can be thrown away and made again.
"""

from array import array
from functools import lru_cache
from hashlib import shake_256
from math import cos, exp, pi
from statistics import NormalDist
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.chance import draw, share

WEEK_HOURS = 168
BLOCK_HOURS = 4 * WEEK_HOURS
"""Hours of one table. The activity of a whole block is its number of hours, whatever the noise in it."""
STRONGEST = 0.8
"""How far the best hour of a week lies above the mean, at most."""
WIDEST = 0.3
"""How far the reach of the best or the worst weekday lies from the mean, at most."""
_NARROWEST = 0.1
_WITHOUT = 0.5
"""Share of accounts without a season."""
_PEAKEDNESS = 2.0
"""Concentration of the von Mises curve around a peak of the day; at 2, half of the peak is reached 3.3 hours off."""
_FIRST_WEEKDAY = 3
"""The world begins on a Thursday: 0 is Monday, as in `date.weekday`."""
_SHAPES = (4, 8, 16)
"""Shapes of the gamma distributions; the standard deviation of an hour is 1/2 to 1/4 of its mean."""
_STEPS = 4096
_SEED = Struct("<3q")


class Season(NamedTuple):
    """Season of an account. `hours` has a weight for each hour of the week, from Monday 00:00 UTC on, with mean 1.

    `strength` is the lift of the best hour over the mean, 0 without a season; `weekdays` has the factors of the daily
    reach, Monday first, with mean 1; `shape` is that of the gamma noise of an hour.
    """

    strength: float
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    shape: int


def season(*seed: int) -> Season:
    """Return the season of an account, by the integers that seed the account."""
    has, strength, first, apart, second, width, shape = draw(*seed, 35)[:7]
    noise = _SHAPES[shape % len(_SHAPES)]
    if share(has) < _WITHOUT:
        return Season(0.0, (1.0,) * WEEK_HOURS, (1.0,) * 7, noise)
    weekdays = _weekdays(draw(*seed, 36)[:7], _NARROWEST + (WIDEST - _NARROWEST) * share(width))
    best, other = 24 * share(first), 24 * share(first) + 6 + 6 * share(apart)
    day = [_bump(hour, best) + (0.2 + 0.4 * share(second)) * _bump(hour, other) for hour in range(24)]
    raw = [of_day * of_hour for of_day in weekdays for of_hour in day]
    mean, lift = sum(raw) / WEEK_HOURS, STRONGEST * share(strength)
    scale = lift / (max(raw) - mean)
    hours = tuple([1 + scale * (one - mean) for one in raw])
    return Season(lift, hours, weekdays, noise)


def weekday_factor(of: Season, ordinal: int) -> float:
    """Return the factor of the reach of a day, by the day's proleptic ordinal."""
    return of.weekdays[(ordinal - 1) % 7]


def hour_weight(of: Season, hour: int) -> float:
    """Return the weight of an hour, by its number since the world began."""
    return of.hours[(hour + 24 * _FIRST_WEEKDAY) % WEEK_HOURS]


def activity(of: Season, block: int, seed: int, number: int) -> "array[float]":
    """Return the activity from the start of a block to the start of each of its hours and to its end, in hours.

    `seed` and `number` seed the account. The 673 values grow from 0 to 672.
    """
    words = np.frombuffer(shake_256(_SEED.pack(seed, number, block)).digest(2 * BLOCK_HOURS), "<u2")
    # The world begins on a Thursday, and so does each block.
    begin = 24 * _FIRST_WEEKDAY
    weights = np.array(of.hours[begin:] + of.hours[:begin])
    grown = np.zeros(BLOCK_HOURS + 1)
    np.cumsum(_noise(of.shape)[words >> 4].reshape(-1, WEEK_HOURS) * weights, out=grown[1:])
    grown *= BLOCK_HOURS / grown[-1]
    grown[-1] = BLOCK_HOURS
    return array("f", grown.astype("=f4").tobytes())


@lru_cache
def _noise(shape: int) -> NDArray[np.float64]:
    """Return quantiles of the gamma distribution with mean 1, by Wilson and Hilferty's cube of a normal variable."""
    normal, part = NormalDist(), 1 / (9 * shape)
    found = np.array([(1 - part + normal.inv_cdf((n + 0.5) / _STEPS) * part**0.5) ** 3 for n in range(_STEPS)])
    scaled: NDArray[np.float64] = found / found.mean()
    return scaled


def _weekdays(numbers: tuple[int, ...], width: float) -> tuple[float, ...]:
    """Return factors of the weekdays with mean 1, of which the furthest lies `width` from it."""
    mean = sum(numbers) / 7
    furthest = max(abs(number - mean) for number in numbers) or 1.0
    return tuple(1 + width * (number - mean) / furthest for number in numbers)


def _bump(hour: int, peak: float) -> float:
    return exp(_PEAKEDNESS * (cos(2 * pi * (hour + 0.5 - peak) / 24) - 1))
