"""Sets of days as ranges of dates, and the choice of days that fit into one request."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta

_DAY = timedelta(days=1)


def days_of(ranges: Iterable[Sequence[str]]) -> set[date]:
    """Return the days of ranges of ISO 8601 dates, both ends included.

    >>> sorted(days_of([["2026-01-01", "2026-01-02"]]))
    [datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)]
    """
    return {day for first, last in ranges for day in between(date.fromisoformat(first), date.fromisoformat(last))}


def ranges_of(days: Iterable[date]) -> list[list[str]]:
    """Return days as ranges, oldest first, consecutive days joined."""
    ranges: list[list[date]] = []
    for day in sorted(set(days)):
        if ranges and ranges[-1][1] + _DAY == day:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    return [[first.isoformat(), last.isoformat()] for first, last in ranges]


def between(first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the last, both included; none if they are reversed."""
    for number in range((last - first).days + 1):
        yield first + number * _DAY


def newest_window(days: Collection[date], span: int) -> list[date]:
    """Return the newest of some days that lie within `span` days, newest first."""
    if not days:
        return []
    newest = max(days)
    return sorted((day for day in days if newest - day < span * _DAY), reverse=True)
