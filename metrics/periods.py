"""Slots and periods: the UTC calendar of partitions, rollups and the API.

A slot is one UTC hour. A period is a UTC day, a week from Monday, or a calendar month. Both include their start and
exclude their end.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Period = Literal["daily", "weekly", "monthly"]
PERIODS: tuple[Period, ...] = get_args(Period)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def slot_of(instant: datetime) -> datetime:
    """Return the start of the hour that holds `instant`."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def midnight(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def next_midnight(instant: datetime, zone: str) -> datetime:
    """Return the first midnight after an instant in a time zone (an IANA name), in UTC."""
    local = ZoneInfo(zone)
    tomorrow = instant.astimezone(local).date() + DAY
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=local).astimezone(UTC)


def period_start(period: Period, instant: datetime) -> datetime:
    """Return the start of the period that holds `instant`."""
    day = midnight(instant.astimezone(UTC).date())
    if period == "daily":
        return day
    if period == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1)


def period_end(period: Period, start: datetime) -> datetime:
    """Return the first instant after the period that starts at `start`."""
    if period == "daily":
        return start + DAY
    if period == "weekly":
        return start + WEEK
    return (start + timedelta(days=31)).replace(day=1)


def previous_start(period: Period, start: datetime) -> datetime:
    """Return the start of the period before the one that starts at `start`."""
    return period_start(period, start - HOUR)


def starts_between(period: Period, first: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the start of every period that overlaps `[first, end)`, oldest first."""
    start = period_start(period, first)
    while start < end:
        yield start
        start = period_end(period, start)
