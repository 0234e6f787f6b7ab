"""Point forecasts of the four members of the combination, for many origins of one daily series at once.

All functions work on z = log1p(y), with NaN for days without a value. An origin `o` is a number of days: a forecast
from it uses `z[:o]` and nothing else, and is of the days `o`, `o + 1`, …
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.forecasts import Method

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK = 7
WEEKS = 4
"""The weeks of which the fourth member takes the median, for each day of the week."""
WEEKDAY_WEEKS = 8
"""The weeks over which the effect of a day of the week is the mean."""
LEARNED_FROM = 2
"""The effect of a day of the week is 0 until it was seen this many times."""
ALPHAS = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
"""The weights of the newest day among which simple exponential smoothing chooses."""
FORGETTING = 0.99
"""The weight of yesterday's squared error, relative to today's, in that choice."""
DRIFT_DAYS = 28
"""The days over which the drift of the level is measured."""
DAMPING = 0.9
"""The drift of each day ahead, relative to that of the day before."""


@dataclass(frozen=True, slots=True)
class Members:
    """Forecasts in z, each of shape `(origins, days ahead)`; NaN where a member has none."""

    seasonal_naive: Floats
    smoothed: Floats
    drifting: Floats
    four_weeks: Floats

    @property
    def combination(self) -> Floats:
        """The median of the four members that have a forecast."""
        return median(np.stack([self.seasonal_naive, self.smoothed, self.drifting, self.four_weeks], axis=-1))

    @property
    def tried(self) -> dict[Method, Floats]:
        """What the combination and each member say, by the names of methods."""
        return {
            "combination": self.combination,
            "drift": self.drifting,
            "seasonal_naive": self.seasonal_naive,
            "smoothing": self.smoothed,
            "four_weeks": self.four_weeks,
        }


def members(z: Floats, origins: Ints, horizon: int) -> Members:
    """Return the forecasts of each member from each origin, for `horizon` days."""
    filled = filled_by_week(z)
    ahead = np.arange(horizon)
    effects = weekday_effects(z, origins)
    level, drift = _levels(z, weekday_effects(z, np.arange(len(z))), origins)
    weekday = effects[np.arange(len(origins))[:, None], (origins[:, None] + ahead) % WEEK]
    smoothed = level[:, None] + weekday
    damped = np.cumsum(DAMPING ** (ahead + 1.0))
    weeks_back = np.arange(1, WEEKS + 1) * WEEK
    of_weekday = origins[:, None, None] + (ahead % WEEK)[None, :, None] - weeks_back
    return Members(
        _at(filled, of_weekday[:, :, 0]),
        smoothed,
        smoothed + drift[:, None] * damped,
        median(_at(z, of_weekday)),
    )


def filled_by_week(z: Floats) -> Floats:
    """Return the series with each missing day replaced by the newest value of the same day of the week, if any."""
    filled = z.copy()
    for day in np.flatnonzero(np.isnan(z)):
        if day >= WEEK:
            filled[day] = filled[day - WEEK]
    return filled


def weekday_effects(z: Floats, origins: Ints) -> Floats:
    """Return what each day of the week adds to the level, as known at each origin; shape `(origins, 7)`.

    Column `r` is of the days whose index leaves the remainder `r`. An effect is the mean difference of a day from the
    mean of the seven days around it, over the last eight weeks. These means end three days before the origin.
    """
    deviation = z - _centred_mean(z)
    pad = -len(z) % WEEK
    by_week = np.append(deviation, np.full(pad, np.nan)).reshape(-1, WEEK)
    known = ~np.isnan(by_week)
    sums = _windowed(np.where(known, by_week, 0.0), WEEKDAY_WEEKS)
    counts = _windowed(known.astype(np.float64), WEEKDAY_WEEKS)
    means = np.where(counts >= LEARNED_FROM, sums / np.maximum(counts, 1.0), np.nan)
    # The newest row whose day of each remainder lies at least three days and a half before the origin.
    newest = (origins[:, None] - 1 - WEEK // 2 - np.arange(WEEK)) // WEEK
    effects = np.where(newest >= 0, means[np.maximum(newest, 0), np.arange(WEEK)], np.nan)
    whole = ~np.isnan(effects).any(axis=1, keepdims=True)
    centred = effects - np.where(whole, effects, 0.0).mean(axis=1, keepdims=True)
    return np.where(whole, centred, 0.0)


def _levels(z: Floats, effects: Floats, origins: Ints) -> tuple[Floats, Floats]:
    """Return the smoothed level at each origin, and its drift per day.

    Simple exponential smoothing of the series without its weekly pattern, as the pattern was known on each day. The
    weight is the one whose errors of one day were smallest until the origin.
    """
    days = len(z)
    flat = z - effects[np.arange(days), np.arange(days) % WEEK]
    levels = np.full((days + 1, len(ALPHAS)), np.nan)
    errors = np.zeros((days + 1, len(ALPHAS)))
    level: Floats | None = None
    error = np.zeros(len(ALPHAS))
    for day, value in enumerate(flat.tolist()):
        if value == value:  # not NaN
            if level is None:
                level = np.full(len(ALPHAS), value)
            else:
                miss = value - level
                error = FORGETTING * error + miss * miss
                level = level + ALPHAS * miss
        if level is not None:
            levels[day + 1] = level
        errors[day + 1] = error
    best = errors[origins].argmin(axis=1)
    now = levels[origins, best]
    span = np.minimum(DRIFT_DAYS, origins // 2)
    then = levels[origins - span, best]
    drift = np.where(np.isnan(then), 0.0, (now - then) / np.maximum(span, 1))
    return now, drift


def median(values: Floats) -> Floats:
    """Return the median over the last axis of the values that are no NaN; NaN if there are none."""
    ordered = np.sort(values, axis=-1)
    known = np.count_nonzero(~np.isnan(ordered), axis=-1)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, values.shape[-1] - 1)
    lower = np.take_along_axis(ordered, low[..., None], axis=-1)[..., 0]
    upper = np.take_along_axis(ordered, high[..., None], axis=-1)[..., 0]
    return np.where(known > 0, (lower + upper) / 2, np.nan)


def _at(values: Floats, index: Ints) -> Floats:
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def _windowed(rows: Floats, weeks: int) -> Floats:
    sums = np.cumsum(rows, axis=0)
    sums[weeks:] = sums[weeks:] - sums[:-weeks]
    return sums


def _centred_mean(z: Floats) -> Floats:
    """Return the mean of the seven days around each day; NaN at the ends, and where more than three are missing."""
    known = ~np.isnan(z)
    window = np.ones(WEEK)
    if len(z) < WEEK:
        return np.full(len(z), np.nan)
    counts = np.convolve(known, window, "valid")
    sums = np.convolve(np.where(known, z, 0.0), window, "valid")
    means = np.where(counts > WEEK // 2, sums / np.maximum(counts, 1.0), np.nan)
    edge = np.full(WEEK // 2, np.nan)
    return np.concatenate([edge, means, edge])
