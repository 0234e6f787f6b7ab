"""The UTC calendar of half-open periods: days, weeks from Monday, and months."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import PERIODS, Period, period_end, period_start, previous_start, slot_of, starts_between

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))


@given(INSTANTS, st.sampled_from(PERIODS))
def test_every_instant_is_in_exactly_one_period(instant: datetime, period: Period) -> None:
    start = period_start(period, instant)
    assert start <= instant < period_end(period, start)
    assert period_start(period, period_end(period, start)) == period_end(period, start)


@given(INSTANTS, st.sampled_from(PERIODS))
def test_previous_period_ends_where_this_one_starts(instant: datetime, period: Period) -> None:
    start = period_start(period, instant)
    assert period_end(period, previous_start(period, start)) == start


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("daily", datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("weekly", datetime(2024, 12, 30, tzinfo=UTC), datetime(2025, 1, 6, tzinfo=UTC)),
        ("monthly", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("monthly", datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_edges_of_the_calendar(period: Period, start: datetime, end: datetime) -> None:
    assert period_start(period, end - timedelta(seconds=1)) == start
    assert period_end(period, start) == end


def test_an_instant_of_another_zone_falls_in_its_utc_hour() -> None:
    local = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert slot_of(local) == datetime(2026, 2, 28, 20, tzinfo=UTC)


def test_periods_that_overlap_a_range() -> None:
    found = list(starts_between("weekly", datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 1, 19, tzinfo=UTC)))
    assert [start.day for start in found] == [5, 12]
