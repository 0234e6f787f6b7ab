"""Partitions: Dagster's calendar is the same as that of rollups."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import PERIODS, Period, midnight, period_end, period_start
from metrics.settings import Settings
from metrics.upkeep.retention import Horizon
from pipelines.partitions import (
    HOURS,
    ROLLUPS,
    ended_slot,
    first_days,
    period_key,
    ranges,
    recent_slots,
    slot_key,
    slot_of_key,
    start_of_key,
)

INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC))


@hypothesis.settings(deadline=None)
@given(INSTANTS, st.sampled_from(PERIODS))
def test_dagster_and_the_calendar_agree_on_every_window(instant: datetime, period: Period) -> None:
    start = period_start(period, instant)
    window = ROLLUPS[period].time_window_for_partition_key(period_key(start))
    assert (window.start, window.end) == (start, period_end(period, start))
    assert start_of_key(period_key(start)) == start


@hypothesis.settings(deadline=None)
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


def settings(retention_days: int, first_day: date | None = None) -> Settings:
    return Settings(_env_file=None, retention_days=retention_days, first_day=first_day)


@pytest.mark.parametrize(
    ("retention", "first_day", "today", "hours", "days"),
    [
        (400, None, date(2026, 11, 28), date(2025, 1, 1), date(2024, 1, 1)),
        (400, None, date(2027, 2, 4), date(2025, 1, 1), date(2024, 1, 1)),
        (400, None, date(2027, 2, 5), date(2026, 1, 1), date(2024, 1, 1)),
        (1500, None, date(2026, 11, 28), date(2022, 1, 1), date(2022, 1, 1)),
        (20_000, None, date(2026, 11, 28), date(2021, 1, 1), date(2021, 1, 1)),
        (400, date(2018, 5, 17), date(2026, 11, 28), date(2018, 5, 17), date(2018, 5, 17)),
    ],
)
def test_hours_begin_where_kept_observations_do(
    retention: int, first_day: date | None, today: date, hours: date, days: date
) -> None:
    assert first_days(settings(retention, first_day), today) == (hours, days)


@hypothesis.settings(deadline=None)
@given(st.integers(1, 5 * 365), st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))
def test_every_kept_hour_and_its_day_are_partitions(retention: int, now: datetime) -> None:
    hours, days = first_days(settings(retention), now.date())
    kept = Horizon(now, retention, 3650, {}, {}).first_day(retention)
    assert midnight(hours) <= kept
    assert days <= hours


@hypothesis.settings(deadline=None)
@given(st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))
def test_there_are_never_more_hours_than_of_two_years_and_a_month(now: datetime) -> None:
    first, _ = first_days(settings(400), now.date())
    assert (now.date() - first).days <= 400 + 366


_LOADED = """
from datetime import timedelta
import dagster as dg
from metrics.clock import utcnow
from metrics.documents import PLATFORMS
from metrics.settings import load_settings
from pipelines.definitions import defs
from pipelines.partitions import HOURS, period_key, slot_key

oldest = (utcnow() - timedelta(days=load_settings().retention_days - 1)).replace(hour=0, minute=0)
graph = defs.resolve_asset_graph()
for platform in PLATFORMS:
    asset = graph.get(dg.AssetKey(f"raw_{platform}"))
    assert asset.partitions_def.has_partition_key(slot_key(oldest)), slot_key(oldest)
for name in ("daily_rollup", "export_parquet"):
    assert graph.get(dg.AssetKey(name)).partitions_def.has_partition_key(period_key(oldest)), name
print(len(HOURS.get_partition_keys()))
"""


@pytest.mark.parametrize(("retention", "most"), [("400", 18_500), ("1500", 46_000)])
def test_definitions_serve_backfills_of_all_kept_days(retention: str, most: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TIDEMARK_FIRST_DAY"}
    chosen = {"TIDEMARK_RETENTION_DAYS": retention, "TIDEMARK_EXPORT_URL": "file:///exports"}
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED], env={**environment, **chosen},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert int(retention) * 24 <= int(ran.stdout) <= most
