"""Parsers for Graph API answers of both platforms: times, insights, Pacific days.

Facts: docs/platform-facts.md#meta, #meta-days.
"""

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
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

PACIFIC = ZoneInfo("America/Los_Angeles")
"""The time zone of Meta's days. A value belongs to the Pacific day that ended at its `end_time`."""

NOT_AN_EDGE = "the Graph API's answer has an unexpected form: it is not a list of insights"


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("the Graph API"):
        yield


def parse_time(text: str, *founded: datetime) -> datetime:
    """Return the instant of a Graph timestamp, `2026-04-06T17:50:09+0000`; `founded` is when the platform began.

    Raises:
        ValueError: the text is not a timestamp, or not a possible time of publication.
    """
    return answers.publication_time(datetime.fromisoformat(text), *founded)


def insights(edge: object) -> dict[str, object]:
    """Return `{field: value}` of an edge of insights, `ABSENT` if a row has no value.

    Some rows have `values`, some only `total_value`. A field may come once per period: its row with the period
    `lifetime` takes precedence, wherever it stands.

    Facts: docs/platform-facts.md#instagram-media-insights, #facebook-insights.
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
            found[name] = row_value(row)
    return found


def is_insights_edge(answer: object) -> bool:
    """Tell whether an answer has the documented shape of an edge of insights: `{"data": [{…}, …]}`, possibly empty.

    From an answer of another shape nothing may be concluded, not even that there is no value.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


def rows(edge: object) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of an edge of insights; entries that are not objects are ignored."""
    data = edge.get("data") if isinstance(edge, dict) else None
    return (row for row in (data if isinstance(data, list) else ()) if isinstance(row, dict))


def row_value(row: Mapping[str, Any]) -> object:
    """Return the value of a row of insights: the first of its `values`, else its total; `ABSENT` if it has neither."""
    values = row.get("values")
    if values:
        return field_of(values[0] if isinstance(values, list) else None, "value")
    return field_of(row["total_value"], "value") if "total_value" in row else ABSENT


def day_window(first: date, last: date) -> dict[str, str]:
    """Return the parameters `since` and `until` for Pacific days from `first` to `last`, both included."""
    start = datetime(first.year, first.month, first.day, tzinfo=PACIFIC)
    end = datetime(last.year, last.month, last.day, tzinfo=PACIFIC) + timedelta(days=1)
    return {"since": str(int(start.timestamp())), "until": str(int(end.timestamp()))}


def _reason(result: PlatformError) -> Reason:
    return "not_supported" if isinstance(result, MetricRefused) else result.reason


def read_error(result: Result) -> PlatformError | None:
    """Return the error that prevented reading a number; a refusal of the number itself does not count as one."""
    refusals = MetricRefused | PermissionMissing | PostGone | PostUnavailable
    if not isinstance(result, PlatformError) and not is_insights_edge(result):
        return BadAnswer(NOT_AN_EDGE)
    return result if isinstance(result, PlatformError) and not isinstance(result, refusals) else None


def take_series(days: Mapping[date, Numbers], name: str, field: str, result: Result) -> None:
    """Store the values of a series in the Pacific days that ended at their `end_time`."""
    if isinstance(result, PlatformError):
        for numbers in days.values():
            numbers.miss(name, _reason(result))
        return
    series = [row for row in rows(result) if row.get("name") == field]
    found = answers.values_by_day(entry for row in series for entry in series_entries(row))
    # A day that is missing from the series is still being counted.
    otherwise: Reason = "not_yet_available" if series else _without_row(result)
    for day, numbers in days.items():
        numbers.take(name, found.get(day, ABSENT), otherwise)


def series_entries(row: Mapping[str, Any]) -> Iterator[tuple[date, object]]:
    """Yield the values of a series with their Pacific days.

    Entries without `end_time` are left out, and so are those whose `end_time` has no UTC offset: its zone is unknown.
    """
    values = row.get("values")
    for entry in values if isinstance(values, list) else ():
        try:
            end = datetime.fromisoformat(entry["end_time"])
            ended = end.astimezone(PACIFIC) - timedelta(minutes=1)
        except UNEXPECTED:
            continue
        if end.tzinfo is not None:
            yield ended.date(), field_of(entry, "value")


def take_total(numbers: Numbers, name: str, field: str, result: Result) -> None:
    """Store the single number of a time window in `numbers`, or the reason why it is missing."""
    if isinstance(result, PlatformError):
        numbers.miss(name, _reason(result))
        return
    found = [row for row in rows(result) if row.get("name") == field]
    numbers.take(name, row_value(found[0]) if found else ABSENT, "no_observation" if found else _without_row(result))


def _without_row(edge: Mapping[str, Any]) -> Reason:
    """Return why an answer has no row of the metric: for small accounts, Meta returns an empty list."""
    return "privacy_threshold" if edge.get("data") == [] else "provider_error"
