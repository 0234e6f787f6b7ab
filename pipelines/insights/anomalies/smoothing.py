"""Additive Holt-Winters smoothing of many hourly series at once, and the transformation of counts that precedes it.

`z = 2 * sqrt(y + 3/8)` gives counts of any size about the same noise (Anscombe, *The Transformation of Poisson,
Binomial and Negative-Binomial Data*, Biometrika 1948). The smoothing is that of Winters (*Forecasting Sales by
Exponentially Weighted Moving Averages*, Management Science 1960) without a trend, with a season of 24 hours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SEASON = 24
FIRST_HOURS = 2 * SEASON
"""The first hours of a series, which give the level and the season to begin with."""
LEVEL_RATES = (0.01, 0.02)
SEASON_RATES = (0.1, 0.2)
"""The rates among which each series has its own. A faster level would follow an event within hours."""
DEFAULT_RATES = (0.02, 0.1)
"""The rates of a series that is shorter than a week."""
_CLIP = 8.0
"""A residual moves level and season by at most this many times the usual size of residuals."""
_SIZE_RATE = 0.02
_LEAST_SIZE = 0.1
_SHRINK = 0.7
"""The share of a season of two days that is believed."""
_ZERO = np.sqrt(3 / 8)

RATES = tuple((level, season) for level in LEVEL_RATES for season in SEASON_RATES)


def stabilised(counts: Floats) -> Floats:
    """Return counts with about the same noise at every size: 0 stays 0, and numbers below it are mirrored."""
    found: Floats = np.sign(counts) * 2 * (np.sqrt(np.abs(counts) + 3 / 8) - _ZERO)
    return found


def counted(z: Floats) -> Floats:
    """Return the counts of stabilised values: the inverse of `stabilised`."""
    found: Floats = np.sign(z) * ((np.abs(z) / 2 + _ZERO) ** 2 - 3 / 8)
    return found


@dataclass(frozen=True, slots=True)
class Smoothed:
    """What was expected in each hour from the hours before it, and how far the value lay from it; by series and hour.

    Hours without a value have no residual (NaN). The first two days of a series have neither.
    """

    expected: Floats
    residuals: Floats


def smooth(z: Floats, fitted_until: int, left_out: Bools | None = None) -> Smoothed:
    """Smooth series (rows) of consecutive hours (columns), NaN where nothing is known.

    The rates of each series are those with the smallest mean absolute residual in the hours before `fitted_until`. What
    is said of an hour depends on no later hour after `fitted_until`. Nothing is learned from hours that are `left_out`.
    """
    learned = z if left_out is None else np.where(left_out, np.nan, z)
    expected = _run(learned, _first_hours(learned), RATES)
    residuals = z[:, :, None] - expected
    of_learned = residuals[:, :fitted_until]
    if left_out is not None:
        of_learned = np.where(left_out[:, :fitted_until, None], np.nan, of_learned)
    known = ~np.isnan(of_learned[:, :, 0])
    sums = np.nansum(np.abs(of_learned), axis=1)
    default = RATES.index(DEFAULT_RATES)
    chosen = np.where(known.sum(axis=1) >= 7 * SEASON - FIRST_HOURS, np.argmin(sums, axis=1), default)
    index = chosen[:, None, None]
    return Smoothed(
        np.take_along_axis(expected, index, axis=2)[:, :, 0], np.take_along_axis(residuals, index, axis=2)[:, :, 0]
    )


def _first_hours(z: Floats) -> Ints:
    """Return the column of the first value of each series; the number of columns if it has none."""
    known = ~np.isnan(z)
    found: Ints = np.where(known.any(axis=1), known.argmax(axis=1), z.shape[1])
    return found


def _run(z: Floats, first: Ints, rates: tuple[tuple[float, float], ...]) -> Floats:
    """Return what is expected in each hour, by series, hour and pair of rates."""
    series, hours = z.shape
    level_rates, season_rates = (np.array(column) for column in zip(*rates, strict=True))
    season_rates = season_rates * (1 - level_rates)
    level, season, size = _beginning(z, first)
    level = np.repeat(level[:, None], len(rates), axis=1)
    seasons = np.repeat(season[:, :, None], len(rates), axis=2)
    size = np.repeat(size[:, None], len(rates), axis=1)
    said = np.full((hours, series, len(rates)), np.nan)
    begun = first
    for hour in range(int(first.min()) if series else 0, hours):
        of_hour = seasons[hour % SEASON]
        expected = level + of_hour
        said[hour] = np.where((hour >= begun)[:, None], expected, np.nan)
        residual = z[:, hour, None] - expected
        limit = _CLIP * size
        moved = np.clip(np.nan_to_num(residual), -limit, limit)
        level = level + level_rates * moved
        seasons[hour % SEASON] = of_hour + season_rates * moved
        known = ~np.isnan(residual)
        size = np.maximum(np.where(known, size + _SIZE_RATE * (np.abs(moved) - size), size), _LEAST_SIZE)
    found: Floats = np.moveaxis(said, 0, 1)
    return found


def _beginning(z: Floats, first: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the level, the season by hour of the day and series, and the size of residuals in the first two days."""
    series, hours = z.shape
    columns = np.minimum(first[:, None] + np.arange(FIRST_HOURS), hours - 1)
    head = np.take_along_axis(z, columns, axis=1)
    head[(first[:, None] + np.arange(FIRST_HOURS)) >= hours] = np.nan
    level = _median(head)
    known = ~np.isnan(head)
    seasons = np.zeros((SEASON, series))
    counts = np.zeros((SEASON, series))
    rows = np.broadcast_to(np.arange(series)[:, None], head.shape)
    np.add.at(seasons, (columns[known] % SEASON, rows[known]), (head - level[:, None])[known])
    np.add.at(counts, (columns[known] % SEASON, rows[known]), 1.0)
    seasons /= np.maximum(counts, 1.0)
    seasons = _SHRINK * (seasons - seasons.mean(axis=0))
    spread = _median(np.abs(head - level[:, None]))
    return level, seasons, np.maximum(spread, _LEAST_SIZE)


def _median(values: Floats) -> Floats:
    """Return the median of the known values of each row; 0 for a row without any."""
    return medians(values, 0.0)


def medians(values: Floats, nothing: float = np.nan) -> Floats:
    """Return the median of the known values of each row; `nothing` for a row without any."""
    ordered = np.sort(values, axis=1)
    count = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, max(values.shape[1] - 1, 0))
    middle: Floats = np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, nothing)
    return middle
