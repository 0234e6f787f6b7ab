"""Periods as dates, without time zones: where each begins, which ones are next to it, and what it is called."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from metrics.calendars.fiscal import FiscalPattern, fiscal_year, month_starts
from metrics.periods import DAY, WEEK

CalendarPeriod = Literal[
    "daily", "weekly", "monthly", "quarterly", "yearly", "fiscal-month", "fiscal-quarter", "fiscal-year",
    "rolling-7", "rolling-28", "rolling-90",
]  # fmt: skip
CALENDAR_PERIODS: tuple[CalendarPeriod, ...] = get_args(CalendarPeriod)
_ROLLING = {"rolling-7": 7, "rolling-28": 28, "rolling-90": 90}
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12, "fiscal-month": 1, "fiscal-quarter": 3, "fiscal-year": 12}
"""The number of months in each kind of period that is made of months."""


def rolling_days(period: CalendarPeriod) -> int | None:
    """Return the number of days of a rolling period, which ends with the date that names it; None for other kinds."""
    return _ROLLING.get(period)


@dataclass(frozen=True, slots=True)
class PeriodDates:
    """The dates of periods by one week start (0 is Monday) and one kind of fiscal year. Any date names its period."""

    week_start: int
    fiscal_year_start: str
    fiscal_pattern: FiscalPattern

    def first(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date of the period of `day`."""
        if period in _ROLLING:
            return day - timedelta(days=_ROLLING[period] - 1)
        if period == "daily":
            return day
        if period == "weekly":
            return day - timedelta(days=(day.weekday() - self.week_start) % 7)
        if period.startswith("fiscal"):
            return self._fiscal_month(*self._fiscal(period, day))
        return date(day.year, (day.month - 1) // _MONTHS[period] * _MONTHS[period] + 1, 1)

    def following(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date after the period of `day`; for a rolling period, the date after `day`."""
        if period == "daily" or period in _ROLLING:
            return day + DAY
        first = self.first(period, day)
        if period == "weekly":
            return first + WEEK
        if period.startswith("fiscal"):
            year, month = self._fiscal(period, day)
            return self._fiscal_month(year, month + _MONTHS[period])
        month = first.month - 1 + _MONTHS[period]
        return date(first.year + month // 12, month % 12 + 1, 1)

    def preceding(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date of the preceding period.

        For a rolling period this is the last date of the preceding one of equal length, which does not overlap it.
        """
        before = self.first(period, day) - DAY
        return before if period in _ROLLING else self.first(period, before)

    def year_before(self, period: CalendarPeriod, day: date) -> date | None:
        """Return the first date (for rolling periods, the last date) of the same period a year before.

        Weeks are matched by their ISO week number. Return None where the year before has no such period: for a week 53
        (a year before it has 52 weeks, always), and for the day 29 February. A rolling period that ends on 29 February
        is matched with the one that ends on 28 February.
        """
        if period == "weekly":
            return self._same_week(day)
        if period.startswith("fiscal"):
            year, month = self._fiscal(period, day)
            return self._fiscal_month(year - 1, month)
        first = day if period in _ROLLING else self.first(period, day)
        if (first.month, first.day) == (2, 29):
            return None if period == "daily" else date(first.year - 1, 2, 28)
        return first.replace(year=first.year - 1)

    def label(self, period: CalendarPeriod, day: date) -> str:
        """Return the name of a period: `2026-11-28`, `2026-W48`, `2026-11`, `2026-Q4`, `2026`, `FY2026-P03`, ….

        A week has the ISO number of the ISO week that holds its fourth day, and so at least four of its days. A rolling
        period is named by its last date.
        """
        if period == "weekly":
            year, week, _ = self._iso_week(day)
            return f"{year:04}-W{week:02}"
        if period.startswith("fiscal"):
            year, month = self._fiscal(period, day)
            part = {"fiscal-month": f"-P{month + 1:02}", "fiscal-quarter": f"-Q{month // 3 + 1}", "fiscal-year": ""}
            return f"FY{year:04}{part[period]}"
        names = {"monthly": f"{day:%Y-%m}", "quarterly": f"{day:%Y}-Q{(day.month + 2) // 3}", "yearly": f"{day:%Y}"}
        return names.get(period, day.isoformat())

    def _iso_week(self, day: date) -> tuple[int, int, int]:
        fourth = self.first("weekly", day) + timedelta(days=3)
        return fourth.isocalendar()

    def _same_week(self, day: date) -> date | None:
        year, week, weekday = self._iso_week(day)
        try:
            fourth = date.fromisocalendar(year - 1, week, weekday)
        except ValueError:
            return None
        return fourth - timedelta(days=3)

    def _fiscal(self, period: CalendarPeriod, day: date) -> tuple[int, int]:
        """Return the fiscal year of a date, and the index (from 0) of the first fiscal month of its period."""
        year = fiscal_year(day, self.fiscal_year_start, self.fiscal_pattern, self.week_start)
        month = sum(start <= day for start in self._starts(year)) - 1
        return year, month // _MONTHS[period] * _MONTHS[period]

    def _fiscal_month(self, year: int, month: int) -> date:
        """Return the first date of a fiscal month, by its index from 0; index 12 is the next fiscal year."""
        return self._starts(year)[month]

    def _starts(self, year: int) -> tuple[date, ...]:
        return month_starts(year, self.fiscal_year_start, self.fiscal_pattern, self.week_start)
