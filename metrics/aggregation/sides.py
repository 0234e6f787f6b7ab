"""Choose the two spans that a comparison is made of (docs/metrics.md, 6): functions over instants."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from metrics.expected import Span
from metrics.periods import DAY, Period, midnight, period_end, period_start, previous_start

Compare = Literal["previous", "yoy", "elapsed"]
COMPARES: tuple[Compare, ...] = get_args(Compare)
Kind = Period | Literal["custom"]
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


def sides(compare: Compare, kind: Kind, span: Span, now: datetime) -> Sides:
    """Return what is compared with what for a period, or for a custom range of whole days.

    `previous`: the period with the preceding one; a custom range with the range of equal length before it.
    `yoy`: the period with the same one a year before. `elapsed`: the whole days of an open period with as many days of
    the preceding one, or with all of them if it has fewer; an ended period as `previous` does.
    """
    if compare == "yoy":
        before = _year_before(kind, span)
        return Sides(span, before, "no_such_period" if before is None else None)
    preceding = _preceding(kind, span)
    if compare == "previous" or span[1] <= now:
        return Sides(span, preceding)
    return _elapsed(span, preceding, now)


def is_stored(kind: Kind, span: Span) -> bool:
    """Tell whether a span is a whole period of a stored kind; other spans are merged from days when they are read."""
    return kind != "custom" and period_start(kind, span[0]) == span[0] and period_end(kind, span[0]) == span[1]


def _preceding(kind: Kind, span: Span) -> Span:
    start, end = span
    return (start - (end - start), start) if kind == "custom" else (previous_start(kind, start), start)


def _elapsed(span: Span, preceding: Span, now: datetime) -> Sides:
    start, (before, before_end) = span[0], preceding
    end = period_start("daily", now)
    if end <= start:
        return Sides((start, start), None, "no_whole_day")
    return Sides((start, end), (before, min(before + (end - start), before_end)))


def _year_before(kind: Kind, span: Span) -> Span | None:
    """Return the same period a year before; None if that year has no such date, or no such ISO week."""
    start, end = span
    if kind == "weekly":
        return _same_week(start)
    if kind == "monthly":
        first = start.replace(year=start.year - 1)
        return first, period_end(kind, first)
    # 29 February has no counterpart: a range loses that day, and the day alone has nothing to be compared with.
    first, last = _same_date(start, 3, 1), _same_date(end - DAY, 2, 28)
    return (first, last + DAY) if first <= last else None


def _same_week(monday: datetime) -> Span | None:
    week = monday.isocalendar()
    try:
        start = midnight(date.fromisocalendar(week.year - 1, week.week, 1))
    except ValueError:
        return None  # Only some years have a week 53, and never two in a row.
    return start, period_end("weekly", start)


def _same_date(day: datetime, month: int, otherwise: int) -> datetime:
    """Return the same date a year before; for 29 February, the day `otherwise` of `month`."""
    if (day.month, day.day) == (2, 29):
        return datetime(day.year - 1, month, otherwise, tzinfo=UTC)
    return day.replace(year=day.year - 1)


def _described(span: Span) -> dict[str, Any]:
    start, end = span
    return {"start": start, "end": end, "days": (end - start) // DAY}
