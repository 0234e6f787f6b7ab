"""Choose the two spans that a comparison is made of (docs/metrics.md, 6): functions over instants."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from metrics.calendars import Calendar, CalendarPeriod
from metrics.expected import Span
from metrics.periods import DAY, HOUR, PERIODS

Compare = Literal["previous", "yoy", "elapsed"]
COMPARES: tuple[Compare, ...] = get_args(Compare)
Kind = CalendarPeriod | Literal["custom"]
NotCompared = Literal["no_such_period", "no_whole_day", "not_kept"]


@dataclass(frozen=True, slots=True)
class Sides:
    """The two spans to compare, in whole days; if `reason` is given, they cannot be compared.

    `previous` is None if there is no such span: the year before has no such date or week, or no day is over yet.
    """

    current: Span
    previous: Span | None
    reason: NotCompared | None = None

    def described(self) -> dict[str, Any]:
        """Return the spans as the API shows them: `{current: {start, end, days}, previous: {…}}`."""
        found = {"current": _described(self.current)}
        return found if self.previous is None else {**found, "previous": _described(self.previous)}


def sides(compare: Compare, kind: Kind, span: Span, now: datetime, calendar: Calendar) -> Sides:
    """Return what is compared with what for a period of a calendar, or for a custom range of its days.

    `previous`: the period with the preceding one; a custom range with the range of equal length before it.
    `yoy`: the period with the same one a year before. `elapsed`: the whole days of an open period with as many days of
    the preceding one, or with all of them if it has fewer; an ended period as `previous` does.
    """
    if compare == "yoy":
        before = _year_before(kind, span, calendar)
        return Sides(span, before, "no_such_period" if before is None else None)
    preceding = _preceding(kind, span, calendar)
    if compare == "previous" or span[1] <= now:
        return Sides(span, preceding)
    return _elapsed(span, preceding, now, calendar)


def is_stored(kind: Kind, span: Span, calendar: Calendar) -> bool:
    """Tell whether a span is a whole period of a stored kind; other spans are merged from days when they are read."""
    return kind in PERIODS and calendar.span(kind, _dates(span, calendar)[1]).bounds == span


def _dates(span: Span, calendar: Calendar) -> tuple[date, date]:
    """Return the first and the last date of a span of whole days."""
    return calendar.date_of(span[0]), calendar.date_of(span[1] - HOUR)


def _preceding(kind: Kind, span: Span, calendar: Calendar) -> Span:
    first, last = _dates(span, calendar)
    if kind == "custom":
        return calendar.range_span(first - (last - first) - DAY, first - DAY).bounds
    return calendar.span(kind, calendar.previous_date(kind, last)).bounds


def _elapsed(span: Span, preceding: Span, now: datetime, calendar: Calendar) -> Sides:
    first, today = calendar.date_of(span[0]), calendar.date_of(now)
    if today <= first:
        return Sides((span[0], span[0]), None, "no_whole_day")
    before, before_last = _dates(preceding, calendar)
    last = min(before + (today - first) - DAY, before_last)
    return Sides(calendar.range_span(first, today - DAY).bounds, calendar.range_span(before, last).bounds)


def _year_before(kind: Kind, span: Span, calendar: Calendar) -> Span | None:
    """Return the same period a year before; None if that year has no such date, or no such ISO week."""
    first, last = _dates(span, calendar)
    if kind != "custom":
        same = calendar.year_before(kind, last)
        return None if same is None else calendar.span(kind, same).bounds
    # 29 February has no counterpart: a range loses that day, and the day alone has nothing to be compared with.
    first, last = _same_date(first, 3, 1), _same_date(last, 2, 28)
    return calendar.range_span(first, last).bounds if first <= last else None


def _same_date(day: date, month: int, otherwise: int) -> date:
    """Return the same date a year before; for 29 February, the day `otherwise` of `month`."""
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, month, otherwise)
    return day.replace(year=day.year - 1)


def _described(span: Span) -> dict[str, Any]:
    start, end = span
    # A day in which clocks change has 23 or 25 hours.
    return {"start": start, "end": end, "days": round((end - start) / DAY)}
