"""The detector of hourly series: which hours lie farther from what was expected than a series' own past allows.

Weeks begin at fixed instants. The judgement of an hour follows from the weeks before its own, which give the rates of
the smoothing, and from the hours of its own week before it. So it is the same whenever it is computed, and no later
hour changes it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.insights.anomalies.smoothing import Bools, Floats, counted, medians, smooth, stabilised

DAY = 24
WEEK = 7 * DAY
HISTORY_WEEKS = 10
"""The weeks before the week of an hour that are read: six for the quantile, and four for the first scale of these."""
SCALE_HOURS = 4 * WEEK
QUANTILE_HOURS = 6 * WEEK
LEAST_SCALE = 0.25
"""In units of the transformation, in which the noise of counts by chance has a deviation of about 1."""
NORMAL_MAD = 1.4826
"""A standard deviation of normal noise is this many times the median absolute residual."""
LEAST_SCORE = 4.0
GAP_HOURS = 3
AFTER_GAP = 1.1
"""The threshold is higher by this factor where `GAP_HOURS` of the 24 hours before have no value: what is
expected of an hour was then not corrected for a day."""
BUDGET = 0.25
"""How many alarms a week a series may give by its own past."""
MERGE_HOURS = 12
"""Alarms that are fewer hours apart are one."""
COOL_DOWN_HOURS = 24
"""After the end of an anomaly, a series has no new one for so long, unless it is in the other direction."""
_SHARE = 0.5
"""The share of the budget by which the past is ranked: new hours exceed a rank of the past more often than old ones."""
_LOUDEST = 2.0
"""The threshold is at most this many times the peak of the middle rank, so that events of the past do not blind it."""
_MIDDLE_RANKS = 3.0


_TAIL = 0.9
"""The quantile of past scores from which on their tail is taken as exponential."""


@dataclass(frozen=True, slots=True)
class HourScores:
    """What was said of each hour of each series; NaN where nothing was.

    `expected`, `lo` and `hi` are counts: an hour outside of the bounds is an alarm. `score` is the residual in scales,
    and `chance` how often the series has an hour with at least such a score, by the tail of its own past.
    """

    expected: Floats
    lo: Floats
    hi: Floats
    score: Floats
    threshold: Floats
    chance: Floats

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """The hours with an alarm, by series and hour."""
        return np.abs(self.score) >= self.threshold


def judge_weeks(
    counts: Floats, weeks: int, budgets: Floats | float = BUDGET, left_out: Bools | None = None
) -> HourScores:
    """Judge the hours of the newest weeks of series of nets, each from the weeks before its own.

    `counts` has a row per series and a column per hour, NaN where nothing is known. Its last column is the newest hour;
    its first is the beginning of a week. `budgets` are alarms a week, one for all series or one for each. Hours of
    earlier weeks get NaN. Hours that are `left_out` are judged, but no hour is judged by them.
    """
    series, hours = counts.shape
    z = stabilised(counts)
    found = [np.full((series, hours), np.nan) for _ in range(6)]
    last_week = (hours - 1) // WEEK
    for week in range(max(last_week - weeks + 1, 0), last_week + 1):
        start, end = week * WEEK, min((week + 1) * WEEK, hours)
        begin = max(start - HISTORY_WEEKS * WEEK, 0)
        without = None if left_out is None else left_out[:, begin:end]
        for whole, part in zip(found, _judge_week(z[:, begin:end], start - begin, budgets, without), strict=True):
            whole[:, start:end] = part
    return HourScores(*found)


def _judge_week(z: Floats, start: int, budgets: Floats | float, left_out: Bools | None) -> tuple[Floats, ...]:
    smoothed = smooth(z, start, left_out)
    scale = _scales(smoothed.residuals if left_out is None else np.where(left_out, np.nan, smoothed.residuals))
    score = smoothed.residuals / scale
    past = score if left_out is None else np.where(left_out, np.nan, score)
    threshold = np.where(_after_gap(z)[:, start:], AFTER_GAP, 1.0) * _thresholds(past, start, budgets)
    chance = _chances(np.abs(score), np.abs(past), start)
    expected, width = smoothed.expected[:, start:], (threshold * scale[:, start:])
    lo, hi = counted(expected - width), counted(expected + width)
    return counted(expected), lo, hi, score[:, start:], threshold, chance


def _after_gap(z: Floats) -> Bools:
    """Tell which hours have a gap in the day before them."""
    missing = np.cumsum(np.isnan(z), axis=1)
    before = np.concatenate([np.zeros((len(z), DAY + 1), dtype=missing.dtype), missing[:, :-1]], axis=1)
    found: Bools = before[:, DAY:] - before[:, :-DAY] >= GAP_HOURS
    return found


def _scales(residuals: Floats) -> Floats:
    """Return, for each hour, the usual size of residuals in the four weeks before its day."""
    size = np.abs(residuals)
    scale = np.full_like(size, np.nan)
    for day in range(DAY, size.shape[1], DAY):
        past = size[:, max(day - SCALE_HOURS, 0) : day]
        scale[:, day : day + DAY] = np.maximum(NORMAL_MAD * medians(past), LEAST_SCALE)[:, None]
    return scale


def _thresholds(score: Floats, start: int, budgets: Floats | float) -> Floats:
    """Return, for each hour from `start` on, the score of an alarm: by the six weeks before its day."""
    size = np.abs(score)
    peaks = _peaks(size)
    found = np.full((len(size), size.shape[1] - start), LEAST_SCORE)
    for day in range(start, size.shape[1], DAY):
        first = max(day - QUANTILE_HOURS, 0)
        known = np.count_nonzero(~np.isnan(size[:, first:day]), axis=1)
        allowed = known / WEEK * _SHARE * budgets
        ordered = -np.sort(-np.nan_to_num(peaks[:, first:day]), axis=1)
        middle = _at_rank(ordered, _MIDDLE_RANKS * allowed + 1)
        wanted = np.minimum(_at_rank(ordered, allowed + 1), _LOUDEST * middle)
        found[:, day - start : day - start + DAY] = np.maximum(wanted, LEAST_SCORE)[:, None]
    return found


def _chances(size: Floats, past: Floats, start: int) -> Floats:
    """Return how often each series has such a score: an exponential tail by the median excess in the past six weeks."""
    found = np.full((len(size), size.shape[1] - start), np.nan)
    for day in range(start, size.shape[1], DAY):
        ordered = np.sort(past[:, max(day - QUANTILE_HOURS, 0) : day], axis=1)
        known = np.count_nonzero(~np.isnan(ordered), axis=1)
        if not ordered.shape[1]:
            continue
        rows, last = np.arange(len(size)), np.maximum(known - 1, 0)
        beyond = ordered[rows, (_TAIL * last).astype(np.int64)]
        excess = ordered[rows, ((1 + _TAIL) / 2 * last).astype(np.int64)] - beyond
        rate = np.log(2) / np.maximum(excess, 1e-9)
        of_day = size[:, day : day + DAY] - beyond[:, None]
        tail = (1 - _TAIL) * np.exp(-rate[:, None] * np.maximum(of_day, 0.0))
        found[:, day - start : day - start + DAY] = tail
    return found


def _at_rank(ordered: Floats, rank: Floats) -> Floats:
    """Return the value at a rank (1 is the largest) of each row, between two ranks a mixture of both."""
    last = ordered.shape[1] - 1
    if last < 0:
        return np.zeros(len(ordered))
    position = np.minimum(rank - 1, last)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, last)
    rows, part = np.arange(len(ordered)), position - low
    mixed: Floats = ordered[rows, low] * (1 - part) + ordered[rows, high] * part
    return mixed


def _peaks(size: Floats) -> Floats:
    """Return scores of which each is the largest of its block of twelve hours; the others are 0.

    An event of many hours counts so often as it would give anomalies, and not for each of its hours.
    """
    known = np.nan_to_num(size)
    blocks = -(-known.shape[1] // MERGE_HOURS)
    padded = np.zeros((len(known), blocks * MERGE_HOURS))
    padded[:, : known.shape[1]] = known
    of_block = padded.reshape(len(known), blocks, MERGE_HOURS)
    highest = of_block.max(axis=2, keepdims=True)
    kept = np.where(of_block == highest, of_block, 0.0).reshape(len(known), -1)
    found: Floats = kept[:, : known.shape[1]]
    return found
