"""Partitions: one calendar for Dagster and for the rollups."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import PERIODS, Period, period_end, period_start
from pipelines.partitions import (
    HOURS,
    ROLLUPS,
    ended_slot,
    period_key,
    ranges,
    recent_slots,
    slot_key,
    slot_of_key,
    start_of_key,
)

INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC))


@given(INSTANTS, st.sampled_from(PERIODS))
def test_dagster_and_the_calendar_agree_on_every_window(instant: datetime, period: Period) -> None:
    start = period_start(period, instant)
    window = ROLLUPS[period].time_window_for_partition_key(period_key(start))
    assert (window.start, window.end) == (start, period_end(period, start))
    assert start_of_key(period_key(start)) == start


@given(INSTANTS)
def test_an_hour_is_its_slot(instant: datetime) -> None:
    key = slot_key(instant.replace(minute=0, second=0, microsecond=0))
    window = HOURS.time_window_for_partition_key(key)
    assert window.start == slot_of_key(key)
    assert window.end - window.start == timedelta(hours=1)


@pytest.mark.parametrize("partitions", [HOURS, *ROLLUPS.values()])
def test_the_window_under_way_is_a_partition(partitions: dg.TimeWindowPartitionsDefinition) -> None:
    now = datetime(2026, 3, 4, 10, 37, tzinfo=UTC)
    window = partitions.time_window_for_partition_key(partitions.get_partition_keys(current_time=now)[-1])
    assert window.start <= now < window.end


def test_the_hour_that_ended() -> None:
    assert ended_slot(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert recent_slots(datetime(2026, 1, 1, 1, 5, tzinfo=UTC), 2) == [
        datetime(2026, 1, 1, 0, tzinfo=UTC),
        datetime(2025, 12, 31, 23, tzinfo=UTC),
    ]


def test_consecutive_periods_make_one_range() -> None:
    days = [datetime(2026, 2, day, tzinfo=UTC) for day in (27, 28, 10)] + [datetime(2026, 3, 1, tzinfo=UTC)]
    assert [(a.day, b.day) for a, b in ranges("daily", days)] == [(10, 10), (27, 1)]
    months = [datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
    assert len(ranges("monthly", months)) == 1
