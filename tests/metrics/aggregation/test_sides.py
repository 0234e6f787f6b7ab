"""The two spans of a comparison, against a reference that lists the dates of every period."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metrics.aggregation.sides import COMPARES, Sides, is_stored, sides
from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.periods import PERIODS, midnight, period_end, period_start

DAY = timedelta(days=1)
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
KINDS = (*PERIODS, "custom")
_dates = st.dates(date(2001, 1, 1), date(2199, 1, 1))


def period_of(kind: str, day: date) -> Any:
    """Return what all dates of one period have in common."""
    return {"daily": day, "weekly": day.isocalendar()[:2], "monthly": (day.year, day.month)}[kind]


def dates_of(kind: str, day: date) -> list[date]:
    """List the dates of the period that holds a day."""
    near = [day + n * DAY for n in range(-31, 32)]
    return [one for one in near if period_of(kind, one) == period_of(kind, day)]


def preceding(kind: str, dates: list[date]) -> list[date]:
    """List the dates of the period before, or as many dates before a custom range."""
    if kind == "custom":
        return [one - len(dates) * DAY for one in dates]
    return dates_of(kind, dates[0] - DAY)


def year_before(kind: str, dates: list[date]) -> list[date]:
    """List the dates of the year before that belong to the period of the same name."""
    year = dates[0].isocalendar().year if kind == "weekly" else dates[0].year
    around = [date(year - 1, 1, 1) + n * DAY for n in range(-10, 380 + len(dates))]
    if kind == "weekly":
        return [one for one in around if one.isocalendar()[:2] == (year - 1, dates[0].isocalendar().week)]
    first, last = ((one.year - 1, one.month, one.day) for one in (dates[0], dates[-1]))
    if kind == "monthly":
        return [one for one in around if (one.year, one.month) == first[:2]]
    return [one for one in around if first <= (one.year, one.month, one.day) <= last]


def reference(compare: str, kind: str, dates: list[date], now: datetime) -> tuple[list[date], list[date]]:
    """List the dates of both sides; an empty side means that there is nothing to compare."""
    if compare == "yoy":
        return dates, year_before(kind, dates)
    if compare == "previous" or dates[-1] < now.date():
        return dates, preceding(kind, dates)
    over = [one for one in dates if one < now.date()]
    return over, preceding(kind, dates)[: len(over)]


def span_of(dates: list[date]) -> tuple[datetime, datetime]:
    return midnight(dates[0]), midnight(dates[-1]) + DAY


@given(
    st.sampled_from(COMPARES), st.sampled_from(KINDS), _dates, st.integers(1, 400), st.integers(-40, 40),
    st.integers(0, 1439),
)  # fmt: skip
@example("yoy", "weekly", date(2026, 12, 30), 1, 40, 0)
@example("yoy", "daily", date(2028, 2, 29), 1, 40, 0)
@example("yoy", "custom", date(2028, 2, 29), 1, 40, 0)
@example("yoy", "custom", date(2028, 2, 1), 29, 40, 0)
@example("yoy", "custom", date(2029, 2, 1), 28, 40, 0)
@example("elapsed", "monthly", date(2027, 3, 31), 1, 0, 600)
def test_sides_are_those_of_the_reference(
    compare: Any, kind: Any, day: date, length: int, later: int, minute: int
) -> None:
    dates = [day + n * DAY for n in range(length)] if kind == "custom" else dates_of(kind, day)
    now = midnight(dates[0]) + timedelta(days=max(later, 0), minutes=minute)
    current, previous = reference(compare, kind, dates, now)
    found = sides(compare, kind, span_of(dates), now, UTC_CALENDAR)
    if not current:
        assert found == Sides((midnight(dates[0]),) * 2, None, "no_whole_day")
    elif not previous:
        assert found == Sides(span_of(current), None, "no_such_period")
    else:
        assert found == Sides(span_of(current), span_of(previous))
    said = found.described()
    assert said["current"]["days"] == len(current)
    assert said.get("previous", {"days": 0})["days"] == (len(previous) if current else 0)


def labels(compare: Any, kind: Any, first: str, last: str, now: str = "2040-01-01T00:00Z") -> list[str] | str:
    """Return both sides as dates, or the reason why nothing is compared."""
    start, end = midnight(date.fromisoformat(first)), midnight(date.fromisoformat(last)) + DAY
    found = sides(compare, kind, (start, end), datetime.fromisoformat(now), UTC_CALENDAR)
    if found.reason or found.previous is None:
        return str(found.reason)
    return [f"{a:%Y-%m-%d}..{b - DAY:%Y-%m-%d}" for a, b in (found.current, found.previous)]


@pytest.mark.parametrize(
    ("compare", "kind", "first", "last", "previous"),
    [
        ("previous", "weekly", "2024-12-30", "2025-01-05", "2024-12-23..2024-12-29"),
        ("previous", "monthly", "2027-03-01", "2027-03-31", "2027-02-01..2027-02-28"),
        ("previous", "custom", "2027-03-01", "2027-03-31", "2027-01-29..2027-02-28"),
        ("yoy", "weekly", "2024-12-30", "2025-01-05", "2024-01-01..2024-01-07"),
        ("yoy", "weekly", "2027-01-04", "2027-01-10", "2025-12-29..2026-01-04"),
        ("yoy", "weekly", "2026-12-21", "2026-12-27", "2025-12-22..2025-12-28"),
        ("yoy", "monthly", "2028-02-01", "2028-02-29", "2027-02-01..2027-02-28"),
        ("yoy", "monthly", "2029-02-01", "2029-02-28", "2028-02-01..2028-02-29"),
        ("yoy", "daily", "2028-03-01", "2028-03-01", "2027-03-01..2027-03-01"),
        ("yoy", "daily", "2029-02-28", "2029-02-28", "2028-02-28..2028-02-28"),
        ("yoy", "custom", "2028-02-23", "2028-02-29", "2027-02-23..2027-02-28"),
        ("yoy", "custom", "2028-02-29", "2028-03-06", "2027-03-01..2027-03-06"),
        ("yoy", "custom", "2025-12-20", "2026-01-10", "2024-12-20..2025-01-10"),
    ],
)
def test_known_dates(compare: str, kind: str, first: str, last: str, previous: str) -> None:
    assert labels(compare, kind, first, last) == [f"{first}..{last}", previous]


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [("weekly", "2026-12-28", "2027-01-03"), ("weekly", "2020-12-28", "2021-01-03"),
     ("daily", "2028-02-29", "2028-02-29"), ("custom", "2028-02-29", "2028-02-29")],
)  # fmt: skip
def test_week_53_and_29_february_have_nothing_a_year_before(kind: str, first: str, last: str) -> None:
    assert labels("yoy", kind, first, last) == "no_such_period"


@pytest.mark.parametrize(
    ("kind", "first", "last", "now", "found"),
    [
        ("daily", "2027-03-10", "2027-03-10", "2027-03-10T23:59Z", "no_whole_day"),
        ("weekly", "2027-03-01", "2027-03-07", "2027-03-01T23:59Z", "no_whole_day"),
        ("monthly", "2027-03-01", "2027-03-31", "2027-03-01T00:00Z", "no_whole_day"),
        ("weekly", "2027-03-01", "2027-03-07", "2027-03-02T00:00Z", "2027-03-01..2027-03-01 2027-02-22..2027-02-22"),
        ("weekly", "2026-12-28", "2027-01-03", "2027-01-03T12:00Z", "2026-12-28..2027-01-02 2026-12-21..2026-12-26"),
        ("monthly", "2027-03-01", "2027-03-31", "2027-03-29T01:00Z", "2027-03-01..2027-03-28 2027-02-01..2027-02-28"),
        ("monthly", "2027-03-01", "2027-03-31", "2027-03-31T01:00Z", "2027-03-01..2027-03-30 2027-02-01..2027-02-28"),
        ("monthly", "2027-03-01", "2027-03-31", "2027-04-01T00:00Z", "2027-03-01..2027-03-31 2027-02-01..2027-02-28"),
        ("custom", "2027-03-01", "2027-03-14", "2027-03-05T09:00Z", "2027-03-01..2027-03-04 2027-02-15..2027-02-18"),
    ],
)  # fmt: skip
def test_elapsed_days_of_open_periods(kind: str, first: str, last: str, now: str, found: str) -> None:
    said = labels("elapsed", kind, first, last, now)
    assert (said if isinstance(said, str) else " ".join(said)) == found


@pytest.mark.parametrize(
    ("compare", "kind", "first", "last", "previous"),
    [
        ("previous", "quarterly", "2026-10-01", "2026-12-31", "2026-07-01..2026-09-30"),
        ("yoy", "quarterly", "2026-10-01", "2026-12-31", "2025-10-01..2025-12-31"),
        ("yoy", "yearly", "2024-01-01", "2024-12-31", "2023-01-01..2023-12-31"),
        ("previous", "fiscal-month", "2026-03-01", "2026-03-31", "2026-02-01..2026-02-28"),
        ("previous", "rolling-28", "2026-10-01", "2026-10-28", "2026-09-03..2026-09-30"),
        ("yoy", "rolling-28", "2026-10-01", "2026-10-28", "2025-10-01..2025-10-28"),
        ("yoy", "rolling-7", "2024-02-23", "2024-02-29", "2023-02-22..2023-02-28"),
    ],
)
def test_known_dates_of_merged_periods(compare: str, kind: str, first: str, last: str, previous: str) -> None:
    assert labels(compare, kind, first, last) == [f"{first}..{last}", previous]


def test_sides_follow_the_calendar() -> None:
    """In New York, clocks go forward on 8 March 2026: the week from Sunday 8 March has an hour less."""
    calendar = Calendar("America/New_York", "sunday")
    week = calendar.span("weekly", date(2026, 3, 10)).bounds
    found = sides("previous", "weekly", week, NOON, calendar)
    assert found.previous == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC))
    assert found.described()["current"]["days"] == found.described()["previous"]["days"] == 7
    assert is_stored("weekly", week, calendar)
    assert not is_stored("weekly", week, UTC_CALENDAR)
    open_ = sides("elapsed", "weekly", week, datetime(2026, 3, 10, 4, 30, tzinfo=UTC), calendar)
    assert open_.current == (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 10, 4, tzinfo=UTC))
    assert open_.previous == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 3, 5, tzinfo=UTC))
    year = sides("yoy", "weekly", week, NOON, calendar).previous
    assert year == (datetime(2025, 3, 9, 5, tzinfo=UTC), datetime(2025, 3, 16, 4, tzinfo=UTC))


@given(st.sampled_from(PERIODS), _dates)
def test_only_whole_periods_are_stored(kind: Any, day: date) -> None:
    start = period_start(kind, datetime(day.year, day.month, day.day, tzinfo=UTC))
    end = period_end(kind, start)
    assert is_stored(kind, (start, end), UTC_CALENDAR)
    assert not is_stored(kind, (start, end + DAY), UTC_CALENDAR)
    assert not is_stored(kind, (start + DAY, end + DAY), UTC_CALENDAR) or kind == "daily"
    assert not is_stored("custom", (start, end), UTC_CALENDAR)
