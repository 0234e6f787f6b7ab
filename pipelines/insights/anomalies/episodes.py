"""Anomalies of one series: its alarms, merged where they are close, with their kind, bounds and severity."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.anomalies import Direction, Kind
from pipelines.insights.anomalies.days import Scores
from pipelines.insights.anomalies.hours import COOL_DOWN_HOURS, MERGE_HOURS, HourScores
from pipelines.insights.anomalies.smoothing import Floats

_NOTHING = 0.02
"""A series that gives at most this share of what was expected has stopped."""
_SHIFT_DAYS = 2
"""Alarms on so many days in a row, all in one direction, are a shift."""
_PER_DECADE = 2
_MOST_USUAL = 4
"""Severity: two steps for each power of ten by which the score is rarer, from one hour or day in a hundred on."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Alarms of one series that are one anomaly: the positions `[first, end)`, with sums over them.

    `peak` is the position of the largest score.
    """

    first: int
    end: int
    peak: int
    kind: Kind
    direction: Direction
    observed: float
    expected: float
    lo: float
    hi: float
    score: float
    severity: int


def merged(alarms: Sequence[int], signs: Sequence[int], merge: int, cool_down: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last position of each anomaly.

    Alarms that are fewer than `merge` positions apart, with the same sign, are one. An alarm within `cool_down` after
    the end of the last anomaly opens none, if it has its sign.
    """
    current: tuple[int, int, int] | None = None
    for position, sign in zip(alarms, signs, strict=True):
        if current is None:
            current = (position, position, sign)
        elif sign == current[2] and position - current[1] < merge:
            current = (current[0], position, sign)
        elif sign != current[2] or position - current[1] > cool_down:
            yield current[:2]
            current = (position, position, sign)
    if current is not None:
        yield current[:2]


def of_hours(scores: HourScores, counts: Floats, row: int) -> list[Episode]:
    """Return the anomalies of a series of hours, oldest first; positions are columns of `counts`."""
    of_row = Scores(
        scores.expected[row],
        scores.lo[row],
        scores.hi[row],
        scores.score[row],
        np.abs(scores.score[row]) >= scores.threshold[row],
        scores.chance[row],
    )
    return list(_episodes(of_row, counts[row], MERGE_HOURS, COOL_DOWN_HOURS, daily=False))


def of_days(scores: Scores, values: Floats) -> list[Episode]:
    """Return the anomalies of the newest days of a series, oldest first; `values` are these days' own.

    Only neighbouring days are one anomaly. A day between two of them is longer than the cool-down.
    """
    return list(_episodes(scores, values, 2, 1, daily=True))


def _episodes(
    scores: Scores,
    values: Floats,
    merge: int,
    cool_down: int,
    *,
    daily: bool,
) -> Iterator[Episode]:
    expected, score = scores.expected, scores.score
    positions = np.flatnonzero(scores.alarms)
    signs = np.sign(score[positions]).astype(np.int64)
    for first, last in merged(positions.tolist(), signs.tolist(), merge, cool_down):
        span = np.arange(first, last + 1)
        span = span[~np.isnan(values[span]) & ~np.isnan(expected[span])]
        peak = int(span[np.argmax(np.abs(score[span]))])
        observed, wanted = float(values[span].sum()), float(expected[span].sum())
        up = score[peak] > 0
        count = int(np.count_nonzero(scores.alarms[span]))
        yield Episode(
            first,
            last + 1,
            peak,
            _kind(observed, wanted, up=bool(up), shifted=daily and count >= _SHIFT_DAYS),
            "up" if up else "down",
            round(observed, 2),
            round(wanted, 2),
            round(float(scores.lo[span].sum()), 2),
            round(float(scores.hi[span].sum()), 2),
            round(float(score[peak]), 2),
            severity(float(scores.chance[peak])),
        )


def _kind(observed: float, expected: float, *, up: bool, shifted: bool) -> Kind:
    if not up and expected > 0 and observed <= _NOTHING * expected:
        return "outage"
    if shifted:
        return "shift"
    return "spike" if up else "drop"


def severity(chance: float) -> int:
    """Return 1 to 10 for how rarely a series has such an hour or day: 1 for one in 100, 10 for one in ten million."""
    if np.isnan(chance):
        return 1
    rare = -np.log10(max(chance, 1e-300))
    return int(np.clip(round(_PER_DECADE * rare) - _MOST_USUAL, 1, 10))
