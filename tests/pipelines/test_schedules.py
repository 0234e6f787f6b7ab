"""Schedules: each tick requests the window that ended, also across years and in leap years."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import dagster as dg
import pytest

from pipelines.definitions import defs


@pytest.mark.parametrize(
    ("schedule", "cron", "tick", "partition"),
    [
        ("collect_hourly", "0 * * * *", datetime(2026, 3, 9, 6), "2026-03-09-05:00"),
        ("collect_hourly", "0 * * * *", datetime(2026, 1, 1, 0), "2025-12-31-23:00"),
        ("aggregate_daily", "0 0 * * *", datetime(2026, 1, 1, 0), "2025-12-31"),
        ("aggregate_daily", "0 0 * * *", datetime(2024, 3, 1, 0), "2024-02-29"),
        ("aggregate_weekly", "0 1 * * 1", datetime(2025, 1, 6, 1), "2024-12-30"),
        ("aggregate_monthly", "0 2 1 * *", datetime(2024, 3, 1, 2), "2024-02-01"),
        ("aggregate_monthly", "0 2 1 * *", datetime(2026, 1, 1, 2), "2025-12-01"),
        # No platform shows the public numbers of a day that has ended.
        ("read_watched", "10 6 * * *", datetime(2026, 3, 9, 6, 10), "2026-03-09"),
    ],
)
def test_tick_names_the_window_that_ended(schedule: str, cron: str, tick: datetime, partition: str) -> None:
    repository = defs.get_repository_def()
    found = repository.get_schedule_def(schedule)
    at = tick.replace(tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository) as context:
        (request,) = found.evaluate_tick(context).run_requests or ()
    assert (found.cron_schedule, found.execution_timezone) == (cron, "UTC")
    assert request.partition_key == partition


@pytest.mark.parametrize(
    ("tick", "partitions"),
    [
        (datetime(2026, 1, 1, 0, 25), ["2025-12-31"]),
        (datetime(2026, 1, 1, 1, 25), ["2026-01-01"]),
        (datetime(2026, 1, 1, 6, 25), ["2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01"]),
    ],
)
def test_anomalies_are_looked_for_in_the_day_so_far_and_each_morning_in_the_days_before(
    tick: datetime, partitions: list[str]
) -> None:
    repository = defs.get_repository_def()
    at = tick.replace(tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository) as context:
        requests = repository.get_schedule_def("find_anomalies").evaluate_tick(context).run_requests or ()
    assert [one.partition_key for one in requests] == partitions


LOADED = """
from pipelines.definitions import defs
repository = defs.get_repository_def()
found = [*repository.schedule_defs, *repository.sensor_defs]
print(*{one.default_status.value for one in found}, *sorted(one.name for one in found))
"""


@pytest.mark.parametrize(("variables", "status"), [({}, "STOPPED"), ({"TIDEMARK_AUTOMATION": "true"}, "RUNNING")])
def test_schedules_and_sensors_are_on_from_the_start_where_the_deployment_says_so(
    variables: dict[str, str], status: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    statuses, *names = ran.stdout.split()
    assert statuses == status
    assert set(names) >= {"collect_hourly", "requested_work", "late_data", "missed_hours", "retry_failed"}
    assert "export_changed" not in names
