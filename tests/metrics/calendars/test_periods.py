"""Weeks, months, quarters, years and fiscal years: unions of days, with the names that a reader expects."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.calendars import CALENDAR_PERIODS, Calendar, CalendarPeriod
from metrics.calendars.parsing import WEEKDAYS
from tests.metrics.calendars import reference
from tests.metrics.calendars.strategies import CALENDARS, DATES, STARTS

DAY, WEEK = timedelta(days=1), timedelta(days=7)
ROLLING = {"rolling-7": 7, "rolling-28": 28, "rolling-90": 90}
WHOLE = [period for period in CALENDAR_PERIODS if period not in ROLLING]
LENGTHS = {"daily": (1, 1), "weekly": (7, 7), "monthly": (28, 31), "quarterly": (90, 92), "yearly": (365, 366),
           "fiscal-month": (28, 42), "fiscal-quarter": (84, 98), "fiscal-year": (364, 371)}  # fmt: skip


def day_by_day(first: date, end: date) -> Iterator[date]:
    while first < end:
        yield first
        first += DAY


@given(CALENDARS, DATES, st.sampled_from(WHOLE))
def test_periods_are_unions_of_their_days(calendar: Calendar, day: date, period: CalendarPeriod) -> None:
    first, following = calendar.first_date(period, day), calendar.next_date(period, day)
    assert first <= day < following
    shortest, longest = LENGTHS[period]
    assert shortest <= (following - first).days <= longest
    whole, days = calendar.span(period, day), [calendar.span("daily", each) for each in day_by_day(first, following)]
    assert (whole.start, whole.end) == (days[0].start, days[-1].end)
    assert sum(each.hours for each in days) == whole.hours
    assert all(before.end == after.start for before, after in pairwise(days))
    assert {calendar.label(period, each) for each in day_by_day(first, following)} == {whole.label}
    assert calendar.label(period, following) != whole.label
    assert calendar.first_date(period, following) == following
    assert calendar.previous_date(period, following) == first


@given(CALENDARS, DATES)
def test_fiscal_years_are_unions_of_fiscal_months_and_quarters(calendar: Calendar, day: date) -> None:
    year, first = calendar.span("fiscal-year", day), calendar.first_date("fiscal-year", day)
    last = calendar.next_date("fiscal-year", day) - DAY
    months = list(calendar.spans_between("fiscal-month", first, last))
    quarters = list(calendar.spans_between("fiscal-quarter", first, last))
    assert [span.label for span in months] == [f"{year.label}-P{number:02}" for number in range(1, 13)]
    assert [span.label for span in quarters] == [f"{year.label}-Q{number}" for number in range(1, 5)]
    for parts in (months, quarters):
        assert (parts[0].start, parts[-1].end) == (year.start, year.end)
        assert all(before.end == after.start for before, after in pairwise(parts))
    assert [quarter.end for quarter in quarters] == [month.end for month in months[2::3]]


@given(STARTS, st.sampled_from(WEEKDAYS), st.sampled_from(["445", "454", "544"]), st.integers(1975, 2036))
def test_fiscal_years_of_weeks_have_52_or_53(start: str, week_start: str, pattern: str, year: int) -> None:
    starts = reference.retail_years(start, WEEKDAYS.index(week_start), year, year + 2)
    calendar = Calendar("UTC", week_start, start, pattern)  # type: ignore[arg-type]
    name = year if start == "01-01" else year + 1
    for number, weeks in enumerate(reference.week_counts(starts)):
        first = starts[year + number]
        assert calendar.first_date("fiscal-year", first) == first
        assert calendar.label("fiscal-year", first) == f"FY{name + number}"
        assert calendar.next_date("fiscal-year", first) == first + weeks * WEEK
        months = list(calendar.spans_between("fiscal-month", first, first + weeks * WEEK - DAY))
        expected = [int(digit) for digit in pattern * 4]
        expected[-1] += weeks - 52
        assert weeks in (52, 53)
        assert [month.hours // (7 * 24) for month in months] == expected


@pytest.mark.parametrize(
    ("first", "weeks"),
    # The calendar that American retailers share (National Retail Federation): 4-5-4, from the Sunday nearest to
    # 1 February. It had 53 weeks in the years that began in 2006, 2012, 2017 and 2023.
    [("2006-01-29", 53), ("2012-01-29", 53), ("2017-01-29", 53), ("2022-01-30", 52), ("2023-01-29", 53),
     ("2024-02-04", 52), ("2025-02-02", 52)],
)  # fmt: skip
def test_the_calendar_of_american_retailers(first: str, weeks: int) -> None:
    calendar, day = Calendar("America/New_York", "sunday", "02-01", "454"), date.fromisoformat(first)
    assert calendar.first_date("fiscal-year", day + 100 * DAY) == day
    assert calendar.next_date("fiscal-year", day) == day + weeks * WEEK
    assert calendar.label("fiscal-month", day) == f"FY{day.year + 1}-P01"


@pytest.mark.parametrize(
    ("start", "day", "label", "first"),
    [
        ("01-01", "2026-11-28", "FY2026-P11", "2026-11-01"),
        ("10-01", "2026-11-28", "FY2027-P02", "2026-11-01"),  # the government of the United States
        ("04-06", "2026-04-05", "FY2026-P12", "2026-03-06"),  # taxes in the United Kingdom
        ("04-06", "2026-04-06", "FY2027-P01", "2026-04-06"),
        ("01-31", "2026-02-28", "FY2027-P02", "2026-02-28"),  # February has no 31st: its last day
        ("01-31", "2028-02-28", "FY2029-P01", "2028-01-31"),
    ],
)
def test_fiscal_months_begin_on_the_day_of_the_year_start(start: str, day: str, label: str, first: str) -> None:
    calendar = Calendar(fiscal_year_start=start)
    assert calendar.label("fiscal-month", date.fromisoformat(day)) == label
    assert calendar.first_date("fiscal-month", date.fromisoformat(day)) == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("period", "label"),
    [
        ("daily", "2026-11-28"), ("weekly", "2026-W48"), ("monthly", "2026-11"), ("quarterly", "2026-Q4"),
        ("yearly", "2026"), ("fiscal-year", "FY2026"), ("fiscal-quarter", "FY2026-Q4"), ("fiscal-month", "FY2026-P11"),
        ("rolling-28", "2026-11-28"),
    ],
)  # fmt: skip
def test_labels(period: CalendarPeriod, label: str) -> None:
    assert Calendar().label(period, date(2026, 11, 28)) == label


@given(st.sampled_from(WEEKDAYS), DATES)
def test_a_week_is_named_by_the_iso_week_of_most_of_its_days(week_start: str, day: date) -> None:
    calendar = Calendar(week_start=week_start)
    first = calendar.first_date("weekly", day)
    assert WEEKDAYS[first.weekday()] == week_start
    assert calendar.label("weekly", day) == reference.iso_name_of_most(list(day_by_day(first, first + WEEK)))


@given(st.sampled_from(WEEKDAYS), DATES)
def test_weeks_of_a_year_before_have_the_same_number(week_start: str, day: date) -> None:
    calendar = Calendar(week_start=week_start)
    before, (year, week) = calendar.year_before("weekly", day), calendar.label("weekly", day).split("-")
    if before is None:
        assert week == "W53"
    else:
        assert calendar.label("weekly", before) == f"{int(year) - 1}-{week}"
        assert calendar.first_date("weekly", before) == before


@pytest.mark.parametrize(
    ("period", "day", "before"),
    [
        ("daily", "2026-11-28", "2025-11-28"),
        ("daily", "2024-02-29", None),
        ("weekly", "2026-12-31", None),  # 2026 has a week 53, 2025 has none
        ("weekly", "2027-12-31", "2026-12-21"),
        ("monthly", "2024-02-29", "2023-02-01"),
        ("quarterly", "2026-11-28", "2025-10-01"),
        ("yearly", "2026-11-28", "2025-01-01"),
        ("rolling-7", "2026-11-28", "2025-11-28"),
        ("rolling-7", "2024-02-29", "2023-02-28"),
    ],
)
def test_the_same_period_a_year_before(period: CalendarPeriod, day: str, before: str | None) -> None:
    found = Calendar().year_before(period, date.fromisoformat(day))
    assert found == (date.fromisoformat(before) if before else None)


@given(CALENDARS, DATES, st.sampled_from(["fiscal-month", "fiscal-quarter", "fiscal-year"]))
def test_fiscal_periods_of_a_year_before_have_the_same_number(
    calendar: Calendar, day: date, period: CalendarPeriod
) -> None:
    before = calendar.year_before(period, day)
    assert before is not None
    year, _, part = calendar.label(period, day).removeprefix("FY").partition("-")
    assert calendar.label(period, before) == f"FY{int(year) - 1}-{part}".removesuffix("-")


@given(CALENDARS, DATES, st.sampled_from(sorted(ROLLING)))
def test_rolling_periods_end_with_each_day(calendar: Calendar, day: date, period: CalendarPeriod) -> None:
    last = day + 3 * DAY
    spans, days = list(calendar.spans_between(period, day, last)), calendar.spans_between("daily", day, last)
    assert [(span.label, span.end) for span in spans] == [(each.label, each.end) for each in days]
    first = date.fromisoformat(spans[0].label) - timedelta(days=ROLLING[period] - 1)
    assert spans[0].start == calendar.span("daily", first).start
    before = calendar.previous_date(period, day)
    assert calendar.span(period, before).end == calendar.span(period, day).start


@given(CALENDARS, DATES, st.integers(0, 500))
def test_a_range_is_the_union_of_its_days(calendar: Calendar, first: date, more: int) -> None:
    last = first + more * DAY
    span, days = calendar.range_span(first, last), list(calendar.spans_between("daily", first, last))
    assert span.hours == sum(each.hours for each in days)
    assert span.label == f"{first}/{last}"


@given(CALENDARS, DATES, DATES, st.sampled_from(WHOLE))
def test_spans_between_two_dates_overlap_them(
    calendar: Calendar, one: date, other: date, period: CalendarPeriod
) -> None:
    first, last = min(one, other), min(max(one, other), min(one, other) + 400 * DAY)
    spans = list(calendar.spans_between(period, first, last))
    whole = calendar.range_span(first, last)
    assert all(before.end == after.start for before, after in pairwise(spans))
    assert spans[0].start <= whole.start < spans[0].end
    assert spans[-1].start < whole.end <= spans[-1].end
