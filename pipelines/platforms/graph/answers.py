"""What answers of the Graph API have in common: times, insights, Pacific days (platforms.md, 1 and 2.4)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metrics.documents import Reason
from pipelines.platforms import answers
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
)
from pipelines.platforms.graph.client import Result
from pipelines.platforms.numbers import ABSENT, Numbers, part

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Meta's days are Pacific days; their label is the day that ended at `end_time`."""

NO_EDGE = "the Graph API's answer has an unexpected form: it is no list of insights"


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.understood("the Graph API"):
        yield


def parse_time(text: str, *founded: datetime) -> datetime:
    """Return the instant of a Graph timestamp, `2026-04-06T17:50:09+0000`; `founded` is when the platform began.

    Raises:
        ValueError: it is none, or one that no post can have.
    """
    return answers.published(datetime.fromisoformat(text), *founded)


def insights(edge: object) -> dict[str, object]:
    """Return `{field: value}` of an edge of insights, `ABSENT` where a row has no value.

    Some rows have `values`, some only `total_value` (platforms.md, 2.3). A field may come once per period: the value of
    the whole life of the object counts, whatever the order (platforms.md, 3.3).
    """
    found: dict[str, object] = {}
    lifetime: set[str] = set()
    for row in rows(edge):
        name = row.get("name")
        if not isinstance(name, str) or name in lifetime:
            continue
        if row.get("period") == "lifetime":
            lifetime.add(name)
        if name in lifetime or name not in found:
            found[name] = _value(row)
    return found


def is_edge(answer: object) -> bool:
    """Tell whether an answer has the documented shape of an edge of insights: `{"data": [{…}, …]}`, which may be empty.

    An answer of another shape tells nothing, not even that there is no value.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


def rows(edge: object) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of an edge of insights; what is no row is passed over."""
    data = edge.get("data") if isinstance(edge, dict) else None
    return (row for row in (data if isinstance(data, list) else ()) if isinstance(row, dict))


def _value(row: Mapping[str, Any]) -> object:
    values = row.get("values")
    if values:
        return part(values[0] if isinstance(values, list) else None, "value")
    return part(row["total_value"], "value") if "total_value" in row else ABSENT


def window(first: date, last: date) -> dict[str, str]:
    """Return `since` and `until` of Pacific days, both included; `end_time` of the last is `until`."""
    start = datetime(first.year, first.month, first.day, tzinfo=PACIFIC)
    end = datetime(last.year, last.month, last.day, tzinfo=PACIFIC) + timedelta(days=1)
    return {"since": str(int(start.timestamp())), "until": str(int(end.timestamp()))}


def _reason(result: PlatformError) -> Reason:
    return "not_supported" if isinstance(result, MetricRefused) else result.reason


def failure(result: Result) -> PlatformError | None:
    """Return the error that kept a number from being read; what the platform says of the number itself is none."""
    said = MetricRefused | PermissionMissing | PostGone | PostUnavailable
    if not isinstance(result, PlatformError) and not is_edge(result):
        return BadAnswer(NO_EDGE)
    return result if isinstance(result, PlatformError) and not isinstance(result, said) else None


def take_series(days: Mapping[date, Numbers], name: str, field: str, result: Result) -> None:
    """Put the values of a series with the days that their `end_time` ends."""
    if isinstance(result, PlatformError):
        for numbers in days.values():
            numbers.miss(name, _reason(result))
        return
    series = [row for row in rows(result) if row.get("name") == field]
    found = answers.of_days(entry for row in series for entry in _entries(row))
    # A missing day is still being counted.
    otherwise: Reason = "not_yet_available" if series else _without_row(result)
    for day, numbers in days.items():
        numbers.take(name, found.get(day, ABSENT), otherwise)


def _entries(row: Mapping[str, Any]) -> Iterator[tuple[date, object]]:
    """Yield the values of a series by the Pacific day that they are of.

    An entry that names no day is of none, and so is one whose end has no offset: it may be in any zone.
    """
    values = row.get("values")
    for entry in values if isinstance(values, list) else ():
        try:
            end = datetime.fromisoformat(entry["end_time"])
            ended = end.astimezone(PACIFIC) - timedelta(minutes=1)
        except UNEXPECTED:
            continue
        if end.tzinfo is not None:
            yield ended.date(), part(entry, "value")


def take_total(numbers: Numbers, name: str, field: str, result: Result) -> None:
    """Put the one number of a window with a reading, or why there is none."""
    if isinstance(result, PlatformError):
        numbers.miss(name, _reason(result))
        return
    found = [row for row in rows(result) if row.get("name") == field]
    numbers.take(name, _value(found[0]) if found else ABSENT, "no_observation" if found else _without_row(result))


def _without_row(edge: Mapping[str, Any]) -> Reason:
    """Return why an answer has no row of the metric: small accounts are told nothing by an empty list."""
    return "privacy_threshold" if edge.get("data") == [] else "provider_error"
