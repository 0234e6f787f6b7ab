"""Exponential smoothing with the seasons of a day and of a week, for many hourly series at once.

Source: J. W. Taylor, *Short-term electricity demand forecasting using double seasonal exponential smoothing*, Journal
of the Operational Research Society 54 (2003): a level, an effect of each hour of the day and one of each hour of the
week, and what is left follows an autoregression of first order. All works on z = log1p(y).
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY, WEEK = 24, 168
WEIGHTS = np.array(list(product((0.02, 0.1, 0.3), (0.05, 0.15, 0.3), (0.05, 0.15, 0.3))))
"""The weights of the newest hour in the level, the hour of the day and the hour of the week, among which it chooses."""
FORGETTING = 0.998
"""The weight of the squared error of the hour before, relative to the newest one, in that choice."""
_CORRELATED = 0.995
"""The same in the measurement of how alike errors of consecutive hours are."""
_MOST_ALIKE = 0.99
_WEEK_SHARE = 0.5
"""The share of what the hours of the first week are apart from their hour of the day that is taken for their effect."""


def smoothed(z: Floats, origins: Sequence[Ints], horizon: int) -> list[Floats]:
    """Return what is said of `horizon` hours from each origin of each series, of shape `(origins, hours ahead)`.

    `z` has shape `(series, hours)`, with NaN for hours without a value, and all hours of a column are the same hour. An
    origin is a column: what is said from it uses the columns before it, of which its series has at least a week. The
    weights are those whose errors of a day ahead were smallest until then.
    """
    series, hours = z.shape
    found = [np.full((len(some), horizon), np.nan) for some in origins]
    wanted = defaultdict(list)
    for row, some in enumerate(origins):
        for position, column in enumerate(some.tolist()):
            wanted[column].append((row, position))
    alpha, delta, omega = WEIGHTS.T
    of_day, of_week = delta * (1 - alpha), omega * (1 - alpha) * (1 - delta)
    level, day, week = _begun(z)
    shape = (series, len(WEIGHTS))
    last, alike, power, error = np.zeros(shape), np.zeros(shape), np.full(shape, 1e-9), np.zeros(shape)
    known, values = ~np.isnan(z), np.nan_to_num(z)
    # What was said a day before of the level, and of what is left of it.
    a_day_before = np.repeat(level[None], DAY, 0)
    for column in range(hours + 1):
        phi = np.clip(alike / power, 0.0, _MOST_ALIKE)
        if column in wanted:
            rows = np.array([row for row, _ in wanted[column]])
            best = error[rows].argmin(axis=1)
            ahead = column + np.arange(horizon)
            said = level[rows, best] + day[:, rows, best][ahead % DAY] + week[:, rows, best][ahead % WEEK]
            said += phi[rows, best] ** np.arange(1, horizon + 1)[:, None] * last[rows, best]
            for (row, position), one in zip(wanted[column], said.T, strict=True):
                found[row][position] = one
        if column == hours:
            break
        hour, hour_of_week, is_known = column % DAY, column % WEEK, known[:, column, None]
        off = np.where(is_known, values[:, column, None] - level - day[hour] - week[hour_of_week], 0.0)
        expected = phi * last
        missed = values[:, column, None] - a_day_before[hour] - day[hour] - week[hour_of_week]
        missed = np.where(is_known, missed, 0.0)
        alike = _CORRELATED * alike + off * last
        power = _CORRELATED * power + np.where(is_known, last * last, 0.0)
        error = FORGETTING * error + missed * missed
        level = level + alpha * off
        day[hour] += of_day * off
        week[hour_of_week] += of_week * off
        # What an unobserved hour is apart from the seasons fades.
        last = np.where(is_known, off, expected)
        a_day_before[hour] = level + phi**DAY * last
    return found


def _begun(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the level and the effects with which each series begins: a line through its first week, and means."""
    series = len(z)
    level, day, week = np.zeros(series), np.zeros((DAY, series)), np.zeros((WEEK, series))
    for row in range(series):
        known = np.flatnonzero(~np.isnan(z[row]))
        if not len(known):
            continue
        columns = known[known < known[0] + WEEK]
        # A level that grows would otherwise count as an effect of the later hours of the week.
        centre = columns.mean()
        apart = z[row, columns] - z[row, columns].mean()
        slope = (apart * (columns - centre)).sum() / max(((columns - centre) ** 2).sum(), 1.0)
        apart -= slope * (columns - centre)
        level[row] = z[row, columns].mean() + slope * (columns[0] - centre)
        counts = np.bincount(columns % DAY, minlength=DAY)
        day[:, row] = np.bincount(columns % DAY, apart, DAY) / np.maximum(counts, 1)
        week[columns % WEEK, row] = _WEEK_SHARE * (apart - day[columns % DAY, row])
    each = len(WEIGHTS)
    return np.repeat(level[:, None], each, 1), np.repeat(day[:, :, None], each, 2), np.repeat(week[:, :, None], each, 2)
