"""Days of calendars in every time zone: they tile time, and begin with the first slot after local midnight."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.calendars.parsing import zones
from metrics.periods import period_end, period_start
from tests.metrics.calendars import reference
from tests.metrics.calendars.strategies import DATES, ZONES

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REGIONS = {region: list(of) for region, of in groupby(ZONES, lambda zone: zone.partition("/")[0])}
"""The zones by the first part of their names: a test for each zone would cost more than what it tests."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


# Each by hand, from the rules of the zone: the date, its first slot, the slots that it has, and the shift of its start.
BY_HAND = [
    # Clocks change at 02:00 in New York, and at 02:00 or 03:00 in Berlin.
    ("America/New_York", "2026-03-07", "2026-03-07T05", 24, 0),
    ("America/New_York", "2026-03-08", "2026-03-08T05", 23, 0),
    ("America/New_York", "2026-03-09", "2026-03-09T04", 24, 0),
    ("America/New_York", "2026-11-01", "2026-11-01T04", 25, 0),
    ("America/New_York", "2026-11-02", "2026-11-02T05", 24, 0),
    ("Europe/Berlin", "2026-03-29", "2026-03-28T23", 23, 0),
    ("Europe/Berlin", "2026-10-25", "2026-10-24T22", 25, 0),
    # Lord Howe has +10:30 in winter and +11 in summer: the day has 24.5 hours, of which the slots leave 25 to it, since
    # it begins at a full hour and its midnight half an hour past one.
    ("Australia/Lord_Howe", "2026-04-04", "2026-04-03T13", 24, 0),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13", 25, 0),
    ("Australia/Lord_Howe", "2026-04-06", "2026-04-05T14", 24, 30),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T14", 23, 30),
    ("Australia/Lord_Howe", "2026-10-05", "2026-10-04T13", 24, 0),
    # Kathmandu is at +5:45: midnight is at 18:15.
    ("Asia/Kathmandu", "2026-11-28", "2026-11-27T19", 24, 45),
    ("Asia/Kolkata", "2026-11-28", "2026-11-27T19", 24, 30),
    # Samoa went from -10 to +14 at the end of 29 December 2011: 30 December did not exist.
    ("Pacific/Apia", "2011-12-29", "2011-12-29T10", 24, 0),
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10", 0, 0),
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10", 24, 0),
    # Midnight does not exist: clocks go from 00:00 to 01:00.
    ("America/Sao_Paulo", "2018-11-03", "2018-11-03T03", 24, 0),
    ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03", 23, 0),
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22", 23, 0),
    # From 24:00 back to 23:00: the hour occurs twice before midnight.
    ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02", 25, 0),
    # From 01:00 back to 00:00: midnight occurs twice, and the first one counts.
    ("America/Havana", "2026-11-01", "2026-11-01T04", 25, 0),
    ("America/Havana", "2026-11-02", "2026-11-02T05", 24, 0),
    # From 00:01 back to 23:01 of the day before: the first midnight counts, at 02:30.
    ("America/St_Johns", "2008-11-01", "2008-11-01T03", 24, 30),
    ("America/St_Johns", "2008-11-02", "2008-11-02T03", 25, 30),
    # From 23:30 to 00:30: midnight does not exist, and the day begins with 00:30.
    ("America/Toronto", "1919-03-31", "1919-03-31T05", 23, 30),
]


@pytest.mark.parametrize(("zone", "day", "start", "hours", "shift"), BY_HAND)
def test_days_around_changes_of_clocks(zone: str, day: str, start: str, hours: int, shift: int) -> None:
    span = Calendar(zone).span("daily", date.fromisoformat(day))
    assert (span.start, span.hours, span.shift_minutes, span.label) == (at(start + ":00"), hours, shift, day)
    assert span.empty == (hours == 0)


@pytest.mark.parametrize(
    ("zone", "months"),
    [
        ("America/New_York", {3: 31 * 24 - 1, 4: 30 * 24, 11: 30 * 24 + 1}),
        ("Europe/Berlin", {3: 31 * 24 - 1, 10: 31 * 24 + 1, 11: 30 * 24}),
        ("Australia/Lord_Howe", {4: 30 * 24 + 1, 10: 31 * 24 - 1}),
    ],
)
def test_months_have_the_hours_of_their_days(zone: str, months: dict[int, int]) -> None:
    calendar = Calendar(zone)
    for month, hours in months.items():
        assert calendar.span("monthly", date(2026, month, 15)).hours == hours
    assert calendar.span("yearly", date(2026, 6, 1)).hours == 365 * 24


def test_a_skipped_date_is_no_day() -> None:
    apia = Calendar("Pacific/Apia")
    spans = apia.spans_between("daily", date(2011, 12, 29), date(2012, 1, 1))
    assert [span.label for span in spans] == ["2011-12-29", "2011-12-31", "2012-01-01"]
    assert apia.next_date("daily", date(2011, 12, 29)) == date(2011, 12, 31)
    assert apia.previous_date("daily", date(2011, 12, 31)) == date(2011, 12, 29)
    assert apia.year_before("daily", date(2012, 12, 30)) is None
    assert apia.date_of(at("2011-12-30T09:59")) == date(2011, 12, 29)
    assert apia.date_of(at("2011-12-30T10:00")) == date(2011, 12, 31)
    assert apia.span("weekly", date(2011, 12, 31)).hours == 6 * 24


def test_a_slot_across_midnight_belongs_to_the_day_before() -> None:
    kolkata = Calendar("Asia/Kolkata")
    assert kolkata.date_of(at("2026-11-27T18:45")) == date(2026, 11, 27)  # 00:15 on the 28th
    assert kolkata.date_of(at("2026-11-27T19:00")) == date(2026, 11, 28)


def tiles(zone: str) -> None:
    """Show that the days of two years tile time in a zone."""
    calendar, day = Calendar(zone), date(2026, 1, 1)
    expected = calendar.span("daily", day).start
    while day < date(2028, 1, 1):
        span = calendar.span("daily", day)
        assert span.start == expected, (zone, day)
        assert 22 <= span.hours <= 26, (zone, day)
        assert calendar.date_of(span.start) == calendar.date_of(span.end - HOUR) == day, zone
        day, expected = day + DAY, span.end


def test_days_of_two_years_tile_time_by_every_clock() -> None:
    """Most zones show the same time as others at each midnight in UTC: one of each such group is tried."""
    midnights = [datetime(2025, 12, 30, tzinfo=UTC) + n * DAY for n in range(735)]
    clocks = {tuple(one.astimezone(ZoneInfo(zone)).utcoffset() for one in midnights): zone for zone in ZONES}
    assert len(clocks) > 50
    for zone in clocks.values():
        tiles(zone)


@pytest.mark.long
@pytest.mark.parametrize("region", sorted(REGIONS))
def test_days_of_two_years_tile_time_in_every_zone(region: str) -> None:
    for zone in REGIONS[region]:
        tiles(zone)


@given(st.sampled_from(ZONES), DATES)
def test_days_are_those_that_clocks_show(zone: str, day: date) -> None:
    calendar = Calendar(zone)
    span, (start, shift) = calendar.span("daily", day), reference.first_slot(zone, day)
    assert (span.start, span.shift_minutes) == (start, shift)
    assert span.hours == reference.hours(zone, day)
    assert span.end == calendar.span("daily", day + DAY).start
    if not span.empty:
        assert calendar.date_of(span.start) == calendar.date_of(span.end - timedelta(seconds=1)) == day


@given(st.sampled_from(ZONES), st.datetimes(datetime(1974, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)))
def test_every_instant_is_in_the_day_of_its_date(zone: str, instant: datetime) -> None:
    calendar = Calendar(zone)
    span = calendar.span("daily", calendar.date_of(instant))
    assert span.start <= instant < span.end


@given(DATES, st.sampled_from(["daily", "weekly", "monthly"]))
def test_the_utc_calendar_is_that_of_the_stored_rollups(day: date, period: str) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    span = UTC_CALENDAR.span(period, day)  # type: ignore[arg-type]
    start = period_start(period, noon)  # type: ignore[arg-type]
    assert (span.start, span.end) == (start, period_end(period, start))  # type: ignore[arg-type]
    assert UTC_CALENDAR.date_of(noon) == day
    assert span.shift_minutes == 0


def test_zones_are_those_of_the_world() -> None:
    """Not only those that a reduced installation has; and a full one has more than four hundred."""
    assert len(zones()) > 400
    assert {"UTC", "Asia/Kolkata", "America/Argentina/Buenos_Aires"} <= zones()
