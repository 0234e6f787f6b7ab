"""A scorer of the Numenta Anomaly Benchmark (NAB) with its standard profile, and its series of tweets.

It follows Lavin and Ahmad, *Evaluating Real-time Anomaly Detection Algorithms* (2015), and what `nab/sweeper.py` of
numenta/NAB does. Within a labelled window only the best detection counts, and the earlier it is, the more. A detection
outside costs up to 0.11, less just after a window. 100 is every window at its first row and nothing else; 0 is nothing.
"""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FALSE_POSITIVE = 0.11
_FAR = 3.0
_PROBATION, _LONGEST_PROBATION = 0.15, 750


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """A series with its labelled windows, as first and last row; detections before row `probation` do not count."""

    name: str
    times: Sequence[datetime]
    values: Floats
    windows: Sequence[tuple[int, int]]

    @property
    def probation(self) -> int:
        """The rows from which a detector may learn before it is judged."""
        return min(math.floor(_PROBATION * len(self.times)), _LONGEST_PROBATION)

    def window_of(self, row: int) -> int | None:
        """Return the number of the window that holds a row."""
        return next((number for number, (first, last) in enumerate(self.windows) if first <= row <= last), None)


def tweets(data: Path) -> list[LabelledSeries]:
    """Return the ten series of `realTweets`; none if the folder is missing."""
    folder = data / "nab"
    if not folder.is_dir():
        return []
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    found = []
    for path in sorted((folder / "realTweets").glob("*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
        row_of = {time: number for number, time in enumerate(times)}
        windows = [
            (row_of[datetime.fromisoformat(first)], row_of[datetime.fromisoformat(last)])
            for first, last in labels[f"realTweets/{path.name}"]
        ]
        found.append(LabelledSeries(path.stem, times, np.array([float(row["value"]) for row in rows]), windows))
    return found


def sigmoid(position: float) -> float:
    """Return what a detection is worth: about 1 at -1, the beginning of a window, 0 at its end, -1 far behind it."""
    return -1.0 if position >= _FAR else 2 / (1 + math.exp(5 * position)) - 1


def worth(series: LabelledSeries, row: int) -> float:
    """Return what a detection in a row is worth."""
    number = series.window_of(row)
    if number is not None:
        first, last = series.windows[number]
        return sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1.0)
    before = [window for window in series.windows if window[1] < row]
    if not before:
        return -FALSE_POSITIVE
    first, last = before[-1]
    return FALSE_POSITIVE * sigmoid((row - last) / (last - first))


@dataclass(frozen=True, slots=True)
class Tally:
    """The score of detections, before it is brought to 0 to 100, with the windows found and the false detections."""

    score: float
    found: int
    false: int


def tally(series: LabelledSeries, detections: Sequence[int]) -> Tally:
    """Score the rows that a detector named; rows within the probation do not count."""
    best: dict[int, float] = {}
    outside = 0.0
    false = 0
    for row in detections:
        if row < series.probation:
            continue
        number = series.window_of(row)
        if number is None:
            outside += worth(series, row)
            false += 1
        elif number not in best:
            # Rows are in order: the first one in a window is worth most.
            best[number] = worth(series, row)
    missed = len(series.windows) - len(best)
    return Tally(sum(best.values()) + outside - missed, len(best), false)


def normalised(score: float, windows: int) -> float:
    """Return a sum of scores as 0 (nothing detected) to 100 (every window at its first row)."""
    return 100 * (score + windows) / (2 * windows)
