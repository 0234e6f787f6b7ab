"""What answers of the Graph API have in common: times, insights, Pacific days (platforms.md, 1 and 2.4)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metrics.documents import Reason
from pipelines.platforms.base import Reading
from pipelines.platforms.errors import BadAnswer, MetricRefused, PlatformError
from pipelines.platforms.graph import Result

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Meta's days are Pacific days; their label is the day that ended at `end_time`."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected shape into `BadAnswer`: it concerns its account, not the run."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(
            f"the Graph API's answer has an unexpected form: {type(error).__name__}: {error}"[:300]
        ) from error


def parse_time(text: str) -> datetime:
    """Return the instant of a Graph timestamp, `2026-04-06T17:50:09+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def insights(edge: Mapping[str, Any] | None) -> dict[str, int | float]:
    """Return `{field: value}`; some answers have `values`, some only `total_value` (platforms.md, 2.3)."""
    found: dict[str, int | float] = {}
    for row in (edge or {}).get("data", ()):
        value = _value(row)
        if value is not None:
            found[row["name"]] = value
    return found


def _value(row: Mapping[str, Any]) -> int | float | None:
    values = row.get("values")
    value = values[0].get("value") if values else (row.get("total_value") or {}).get("value")
    return value if isinstance(value, int | float) else None


def window(first: date, last: date) -> dict[str, str]:
    """Return `since` and `until` of Pacific days, both included; `end_time` of the last is `until`."""
    start = datetime(first.year, first.month, first.day, tzinfo=PACIFIC)
    end = datetime(last.year, last.month, last.day, tzinfo=PACIFIC) + timedelta(days=1)
    return {"since": str(int(start.timestamp())), "until": str(int(end.timestamp()))}


def _reason(result: PlatformError) -> Reason:
    return "not_supported" if isinstance(result, MetricRefused) else result.reason


def take_series(readings: Mapping[date, Reading], name: str, field: str, result: Result) -> None:
    """Put the values of a series with the days that their `end_time` ends."""
    if isinstance(result, PlatformError):
        for reading in readings.values():
            reading.unavailable[name] = _reason(result)  # type: ignore[index]
        return
    rows = [row for row in result.get("data", ()) if row["name"] == field]
    found: dict[date, int | float] = {}
    for entry in (entry for row in rows for entry in row.get("values", ())):
        ended = parse_time(entry["end_time"]).astimezone(PACIFIC) - timedelta(minutes=1)
        found[ended.date()] = entry["value"]
    for day, reading in readings.items():
        if day in found:
            reading.metrics[name] = found[day]  # type: ignore[index]
        else:
            # Nothing at all is how small accounts are told; a missing day is still being counted.
            reading.unavailable[name] = "not_yet_available" if rows else "privacy_threshold"  # type: ignore[index]


def take_total(reading: Reading, name: str, field: str, result: Result) -> None:
    """Put the one number of a window with a reading, or why there is none."""
    if isinstance(result, PlatformError):
        reading.unavailable[name] = _reason(result)  # type: ignore[index]
        return
    rows = [row for row in result.get("data", ()) if row["name"] == field]
    value = _value(rows[0]) if rows else None
    if value is not None:
        reading.metrics[name] = value  # type: ignore[index]
    else:
        reading.unavailable[name] = "no_observation" if rows else "privacy_threshold"  # type: ignore[index]
