"""Calendars by counting: clocks are read minute by minute, and periods are found by walking day by day.

It shares no code with `metrics.calendars`; only the data of time zones are the same.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@cache
def first_slot(zone: str, day: date) -> tuple[datetime, int]:
    """Return the first UTC hour of a date, and the minutes between the first minute of the date and that hour."""
    clock, midnight = ZoneInfo(zone), datetime(day.year, day.month, day.day)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - 15 * HOUR
    while instant.astimezone(clock).replace(tzinfo=None) < midnight:
        instant += MINUTE
    minutes = 0
    while instant.minute:
        instant, minutes = instant + MINUTE, minutes + 1
    return instant, minutes


def hours(zone: str, day: date) -> int:
    """Return the number of UTC hours of a date."""
    return (first_slot(zone, day + DAY)[0] - first_slot(zone, day)[0]) // HOUR


def iso_name_of_most(days: list[date]) -> str:
    """Return the ISO week that holds most of the days of a week."""
    names = [day.strftime("%G-W%V") for day in days]
    return max(names, key=names.count)


def retail_years(start: str, weekday: int, first_year: int, last_year: int) -> dict[int, date]:
    """Return where fiscal years of weeks begin: of the seven dates around `start`, the one with the weekday."""
    found = {}
    for year in range(first_year, last_year + 1):
        middle = date.fromisoformat(f"{year}-{start}")
        around = [middle + timedelta(days=count) for count in (-3, -2, -1, 0, 1, 2, 3)]
        (found[year],) = (day for day in around if day.weekday() == weekday)
    return found


def week_counts(starts: dict[int, date]) -> list[int]:
    """Return the number of weeks of each fiscal year but the last one."""
    days = [starts[year] for year in sorted(starts)]
    return [(after - before).days // 7 for before, after in pairwise(days)]
