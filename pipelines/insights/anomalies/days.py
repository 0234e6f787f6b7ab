"""The detectors of daily series: sums by weekday, which find shifts and slow drops, and the daily gain of followers."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipelines.insights.anomalies.hours import NORMAL_MAD
from pipelines.insights.anomalies.smoothing import Bools, Floats, medians

HISTORY_DAYS = 56
LEAST_DAYS = 21
"""A day is judged by at least this many days with a value."""
LEAST_SCORE = 3.5
RAREST = 0.005
"""A sum of a day is an anomaly if the series has at most one day in 200 so far on that side, by its own past. What an
account gains may often fall to nothing between two posts: a large score in logarithms, and nothing unusual."""
LEAST_SCALE = 0.05
"""In logarithms: a day that is 5 % off is nothing for any series."""
FOLLOWERS_SCORE = 5.0
FOLLOWERS_SHARE = 0.001
"""A gain of followers counts if it is this share of the followers off."""
_LEVEL_DAYS = 14
"""The newest days whose median is the level."""
_WEEK = 7
_TAIL = 0.8
_LEAST_OF_WEEKDAY = 3


@dataclass(frozen=True, slots=True)
class Scores:
    """What was said of each hour, or each of the newest days, of a series; NaN where nothing was.

    `score` is the residual in scales. `chance` is how often the series has at least such a score.
    """

    expected: Floats
    lo: Floats
    hi: Floats
    score: Floats
    alarms: NDArray[np.bool_]
    chance: Floats


def judge_sums(values: Floats, newest: int, left_out: Bools | None = None) -> Scores:
    """Judge the newest days of a series of daily sums, each by the 56 days before it; NaN is a day without a value.

    The logarithm of a day is compared with the median of the 14 days before it, after the median of each weekday was
    taken out. The scale is that of the history's own residuals, and at least that of chance for so many events. Days
    that are `left_out` are judged, but no day is judged by them.
    """
    z = np.log1p(np.maximum(values, 0.0))
    history, today, newest_days = _windows(z, newest, left_out)
    effects = _weekdays(history)
    # Column 0 of a history of 56 days has the weekday of the day that is judged.
    calm = history - np.take(effects, np.arange(HISTORY_DAYS) % _WEEK, axis=1)
    level = medians(np.where(newest_days, calm, np.nan))
    expected = level + effects[:, 0]
    residual = today - expected
    off = calm - medians(calm)[:, None]
    of_counting = 1 / np.sqrt(np.maximum(np.expm1(level), 1.0))
    scale = np.maximum(np.maximum(NORMAL_MAD * medians(np.abs(off)), of_counting), LEAST_SCALE)
    score = np.where(_enough(history), residual / scale, np.nan)
    width = LEAST_SCORE * scale
    same_side = np.maximum(off * np.sign(residual)[:, None], 0.0)
    chance = _chances(np.abs(score), same_side / scale[:, None])
    return Scores(
        np.expm1(expected),
        np.maximum(np.expm1(expected - width), 0.0),
        np.expm1(expected + width),
        score,
        (np.abs(score) >= LEAST_SCORE) & (chance <= RAREST),
        chance,
    )


def judge_followers(levels: Floats, newest: int, left_out: Bools | None = None) -> Scores:
    """Judge the gains of followers of the newest days, from the followers at the end of each day (NaN: unknown).

    A gain over a day without a value is of several days, and is left out. The scale is at least what chance gives. No
    day is judged by the gains of days that are `left_out`.
    """
    gains = np.full_like(levels, np.nan)
    gains[1:] = levels[1:] - levels[:-1]
    history, today, _ = _windows(gains, newest, left_out)
    expected = medians(history)
    size = np.abs(history - expected[:, None])
    scale = np.maximum(np.maximum(NORMAL_MAD * medians(size), np.sqrt(np.abs(expected))), 1.0)
    score = np.where(_enough(history), (today - expected) / scale, np.nan)
    before = np.concatenate([np.full(newest, np.nan), levels])[-newest - 1 : -1]
    large = np.abs(today - expected) >= FOLLOWERS_SHARE * before
    width = np.maximum(FOLLOWERS_SCORE * scale, FOLLOWERS_SHARE * np.nan_to_num(before))
    alarms = (np.abs(score) >= FOLLOWERS_SCORE) & large
    chance = _chances(np.abs(score), size / scale[:, None])
    return Scores(expected, expected - width, expected + width, score, alarms, chance)


def _windows(values: Floats, newest: int, left_out: Bools | None) -> tuple[Floats, Floats, Bools]:
    """Return the history of each of the newest days, a row per day, and the values of these days.

    The third array tells which days of the history are the newest fourteen that are not left out.
    """
    before = np.full(HISTORY_DAYS + newest, np.nan)
    without = np.zeros(len(values), dtype=np.bool_) if left_out is None else left_out
    usual = np.where(without, np.nan, values)
    history = sliding_window_view(np.concatenate([before, usual]), HISTORY_DAYS)[-newest - 1 : -1]
    padded = np.concatenate([np.zeros(len(before), dtype=np.bool_), without])
    counted = ~sliding_window_view(padded, HISTORY_DAYS)[-newest - 1 : -1]
    back = np.cumsum(counted[:, ::-1], axis=1)[:, ::-1]
    return history, np.concatenate([before, values])[-newest:], counted & (back <= _LEVEL_DAYS)


def _weekdays(history: Floats) -> Floats:
    """Return the effect of each weekday, that of the day that is judged first: medians around the overall one."""
    by_weekday = history.reshape(len(history), -1, _WEEK)
    level = medians(history)
    effects = np.stack([medians(by_weekday[:, :, weekday], 0.0) for weekday in range(_WEEK)], axis=1)
    counts = np.count_nonzero(~np.isnan(by_weekday), axis=1)
    found: Floats = np.where(counts >= _LEAST_OF_WEEKDAY, effects - level[:, None], 0.0)
    return found


def _enough(history: Floats) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.count_nonzero(~np.isnan(history), axis=1) >= LEAST_DAYS
    return found


def _chances(size: Floats, history: Floats) -> Floats:
    """Return how often a series has such a score: an exponential tail by the mean excess in its history."""
    ordered = np.sort(history, axis=1)
    known = np.maximum(np.count_nonzero(~np.isnan(ordered), axis=1) - 1, 0)
    rows = np.arange(len(ordered))
    beyond = ordered[rows, (_TAIL * known).astype(np.int64)]
    excess = ordered[rows, ((1 + _TAIL) / 2 * known).astype(np.int64)] - beyond
    rate = np.log(2) / np.maximum(excess, 0.1)
    found: Floats = (1 - _TAIL) * np.exp(-rate * np.maximum(size - beyond, 0.0))
    return found
