"""The calendars of one workspace: the one that answers reads, one that is being prepared, and former ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from metrics.calendars.calendar import UTC_CALENDAR, Calendar, Span
from metrics.calendars.dates import CalendarPeriod, rolling_days
from metrics.periods import HOUR, PERIODS, Period, midnight

FARTHEST_AHEAD: dict[Period, timedelta] = {
    "daily": timedelta(hours=15),
    "weekly": timedelta(days=6, hours=15),
    "monthly": timedelta(hours=15),
}
"""How much earlier than its partition a period of a workspace begins at most: a date begins in Kiribati fourteen hours
before it does in UTC, and a week from Tuesday begins six days before the Monday in it."""


@dataclass(frozen=True, slots=True)
class Former:
    """A calendar of the past, whose rollups answer for the instants before `until`: they can no longer be derived."""

    calendar: Calendar
    until: datetime


@dataclass(frozen=True, slots=True)
class WorkspaceCalendar:
    """The calendars of a workspace.

    `current` answers reads. `upcoming`, if there is one, is being prepared: roll-ups keep both up to date until the
    upcoming one takes over as a whole. `former` are older calendars, oldest first.
    """

    current: Calendar = UTC_CALENDAR
    upcoming: Calendar | None = None
    former: tuple[Former, ...] = ()

    @property
    def kept(self) -> tuple[Calendar, ...]:
        """The calendars whose rollups are kept up to date, the current one last."""
        return (self.current,) if self.upcoming is None else (self.upcoming, self.current)

    def spans_between(self, period: CalendarPeriod, first_date: date, last_date: date) -> Iterator[Span]:
        """Yield the span of every period that holds a date of the range, oldest first, by the calendar of its time.

        At the end of a former calendar, its last day is the last one that ended before; its last week, month and so on
        is the one that began before.
        """
        begins = [None, *(former.until for former in self.former), None]
        calendars = [*(former.calendar for former in self.former), self.current]
        for calendar, (first, end) in zip(calendars, pairwise(begins), strict=True):
            for span in calendar.spans_between(period, first_date, last_date):
                last = span.end if period == "daily" or rolling_days(period) else span.start + HOUR
                if (first is None or span.start >= first) and (end is None or last <= end):
                    yield span


UTC_WORKSPACE = WorkspaceCalendar()
"""The calendars of a workspace that has chosen none."""


def partition_start(calendar: Calendar, period: Period, day: date) -> datetime:
    """Return the start of the partition in which the period of a workspace that holds a date is rolled up.

    Partitions are UTC dates, whatever the calendar: a day has that of its own date, a week that of the Monday in it,
    and a month that of its first date.
    """
    if period == "daily":
        return midnight(day)
    if period == "monthly":
        return midnight(day.replace(day=1))
    first = calendar.first_date("weekly", day)
    return midnight(date.fromordinal(first.toordinal() + -first.weekday() % 7))


@lru_cache(maxsize=10_000)
def periods_of(calendar: Calendar, day: date) -> tuple[tuple[Period, datetime, Span], ...]:
    """Return the day, the week and the month that hold a date, each with its partition and its slots."""
    starts = [(one, partition_start(calendar, one, day)) for one in PERIODS]
    return tuple((period, start, calendar.span(period, start.date())) for period, start in starts)


def last_date(calendar: Calendar, end: datetime) -> date:
    """Return the last date of a span that ends at `end`."""
    return calendar.date_of(end - HOUR)
