"""Fiscal years as dates: where each begins, and where its twelve fiscal months begin."""

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, get_args

from metrics.periods import WEEK

FiscalPattern = Literal["months", "445", "454", "544"]
FISCAL_PATTERNS: tuple[FiscalPattern, ...] = get_args(FiscalPattern)
_MONTHS = 12


def nearest_weekday(day: date, weekday: int) -> date:
    """Return the date with a weekday (0 is Monday) that is nearest to `day`: at most three days before or after it."""
    before = (day.weekday() - weekday) % 7
    return day - timedelta(days=before) if before <= 3 else day + timedelta(days=7 - before)


@lru_cache(maxsize=1024)
def month_starts(year: int, start: str, pattern: FiscalPattern, week_start: int) -> tuple[date, ...]:
    """Return the first dates of the twelve fiscal months of a fiscal year, and the first date of the next fiscal year.

    A fiscal year is named by the calendar year in which the day before the next `start` (`MM-DD`) lies: with `07-01`,
    fiscal year 2026 ends on 30 June 2026. With the pattern `months`, each fiscal month begins on the day of the month
    of `start`, or on the last day of a month that is too short. With a pattern of weeks, the year begins on the
    `week_start` (0 is Monday) nearest to `start`, and its last month has the 53rd week if there is one.
    """
    month, day = int(start[:2]), int(start[3:])
    calendar_year = year if (month, day) == (1, 1) else year - 1
    if pattern == "months":
        return tuple(_day_of_month(calendar_year, month + count, day) for count in range(_MONTHS + 1))
    starts = [nearest_weekday(date(calendar_year, month, day), week_start)]
    for weeks in [int(digit) for digit in pattern] * 4:
        starts.append(starts[-1] + weeks * WEEK)
    starts[_MONTHS] = nearest_weekday(date(calendar_year + 1, month, day), week_start)
    return tuple(starts)


def fiscal_year(day: date, start: str, pattern: FiscalPattern, week_start: int) -> int:
    """Return the fiscal year that holds a date."""
    year = day.year + 1
    while day < month_starts(year, start, pattern, week_start)[0]:
        year -= 1
    while day >= month_starts(year, start, pattern, week_start)[_MONTHS]:
        year += 1
    return year


def _day_of_month(year: int, month: int, day: int) -> date:
    """Return a day of a month, which counts on beyond December, or the last day of a shorter month."""
    year, month = year + (month - 1) // _MONTHS, (month - 1) % _MONTHS + 1
    return date(year, month, min(day, monthrange(year, month)[1]))
