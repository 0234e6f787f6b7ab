"""The calendar of a workspace: its periods as spans of UTC slots."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from metrics.calendars import days
from metrics.calendars.dates import CalendarPeriod, PeriodDates, rolling_days
from metrics.calendars.fiscal import FiscalPattern
from metrics.calendars.parsing import WEEKDAYS, parsed
from metrics.periods import DAY, HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """The slots of a period: `[start, end)` in UTC, both at full hours.

    `shift_minutes` says how much later `start` is than local midnight, in zones where midnight lies within a slot. The
    span of a date that the zone skipped is empty: `start` equals `end`.
    """

    start: datetime
    end: datetime
    label: str
    shift_minutes: int = 0

    @property
    def empty(self) -> bool:
        """Whether the zone skipped all dates of the period, so that there is no such period."""
        return self.start == self.end

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The pair of `start` and `end`."""
        return self.start, self.end

    @property
    def hours(self) -> int:
        """The number of slots."""
        return (self.end - self.start) // HOUR


@dataclass(frozen=True)
class Calendar:
    """Where the days, weeks and fiscal years of a workspace begin; its methods are functions of dates and instants.

    The constructor trusts its arguments; `Calendar.parse` checks those that come from outside. `version` counts the
    changes of the workspace's calendar; 0 is the UTC calendar that every workspace begins with.
    """

    time_zone: str = "UTC"
    week_start: str = "monday"
    fiscal_year_start: str = "01-01"
    fiscal_pattern: FiscalPattern = "months"
    version: int = 0

    @classmethod
    def parse(cls, fields: Mapping[str, Any], version: int = 0) -> Self:
        """Return the calendar of the fields `timeZone, weekStart, fiscalYearStart, fiscalPattern`; all are optional.

        Raises:
            InvalidInput: a field is unknown, or its value is not accepted; the message is one line.
        """
        return cls(**parsed(fields), version=version)

    def described(self) -> dict[str, str]:
        """Return the fields that `parse` takes."""
        named = asdict(self)
        names = {"timeZone": "time_zone", "weekStart": "week_start"}
        names |= {"fiscalYearStart": "fiscal_year_start", "fiscalPattern": "fiscal_pattern"}
        return {name: named[field] for name, field in names.items()}

    @cached_property
    def _dates(self) -> PeriodDates:
        return PeriodDates(WEEKDAYS.index(self.week_start), self.fiscal_year_start, self.fiscal_pattern)

    def date_of(self, instant: datetime) -> date:
        """Return the workspace's date of an instant: the date whose span includes the instant's slot."""
        return days.date_of(self.time_zone, instant)

    def span(self, period: CalendarPeriod, label_date: date) -> Span:
        """Return the slots of the period that holds a date; a rolling period ends with the date.

        The span of a date that the zone skipped is empty, which `Span.empty` tells.
        """
        first, following = self.first_date(period, label_date), self._dates.following(period, label_date)
        return self._between(first, following, self.label(period, label_date))

    def range_span(self, first_date: date, last_date: date) -> Span:
        """Return the slots of a range of dates, both included; its label is `2026-11-01/2026-11-28`."""
        return self._between(first_date, last_date + DAY, f"{first_date.isoformat()}/{last_date.isoformat()}")

    def spans_between(self, period: CalendarPeriod, first_date: date, last_date: date) -> Iterator[Span]:
        """Yield the span of every period that holds a date of the range, both bounds included, oldest first.

        A rolling period is yielded for each date of the range, and ends with it. Dates that the zone skipped have no
        span.
        """
        day = first_date if rolling_days(period) else self.first_date(period, first_date)
        while day <= last_date:
            span = self.span(period, day)
            if not span.empty:
                yield span
            day = self._dates.following(period, day)

    def label(self, period: CalendarPeriod, day: date) -> str:
        """Return the name of the period that holds a date: `2026-11-28`, `2026-W48`, `FY2026-P03`, …."""
        return self._dates.label(period, day)

    def first_date(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date of the period that holds a date, or of the rolling period that ends with it."""
        return self._dates.first(period, day)

    def next_date(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date of the next period that has slots; for a rolling period, the next such date."""
        following = self._dates.following(period, day)
        return self.next_date(period, following) if self.span(period, following).empty else following

    def previous_date(self, period: CalendarPeriod, day: date) -> date:
        """Return the first date of the preceding period that has slots.

        For a rolling period it is the last date of the preceding one, which has as many days and does not overlap.
        """
        before = self._dates.preceding(period, day)
        return self.previous_date(period, before) if self.span(period, before).empty else before

    def year_before(self, period: CalendarPeriod, day: date) -> date | None:
        """Return the first date (for rolling periods, the last date) of the same period a year before.

        Weeks are matched by their ISO week number. None means that the year before has no such period: it has no week
        53, no 29 February, or its zone skipped the date.
        """
        before = self._dates.year_before(period, day)
        return None if before is None or self.span(period, before).empty else before

    def _between(self, first: date, following: date, label: str) -> Span:
        start = days.day_start(self.time_zone, first)
        return Span(start.slot, days.day_start(self.time_zone, following).slot, label, start.shift_minutes)


UTC_CALENDAR = Calendar()
"""The calendar of a workspace that has chosen none; its days, weeks and months are those of `metrics.periods`."""
