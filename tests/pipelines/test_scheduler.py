"""Dagster's own scheduler with our schedules, at chosen instants: the window that ended is requested."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster import DagsterInstance
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from pipelines.runs.tags import PARTITION

_LAUNCHER = {"run_launcher": {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}}

JOURNEY = {
    # The day after 29 February is the first of a month.
    datetime(2024, 3, 1, 0): {"collect_hourly": "2024-02-29-23:00", "aggregate_daily": "2024-02-29"},
    datetime(2024, 3, 1, 2): {"collect_hourly": "2024-03-01-01:00", "aggregate_monthly": "2024-02-01"},
    # A Monday that is the first of a month.
    datetime(2024, 7, 1, 0): {"collect_hourly": "2024-06-30-23:00", "aggregate_daily": "2024-06-30"},
    datetime(2024, 7, 1, 1): {"collect_hourly": "2024-07-01-00:00", "aggregate_weekly": "2024-06-24"},
    datetime(2024, 7, 1, 2): {"collect_hourly": "2024-07-01-01:00", "aggregate_monthly": "2024-06-01"},
    # The end of a year, and the week that lies in two.
    datetime(2025, 1, 1, 0): {"collect_hourly": "2024-12-31-23:00", "aggregate_daily": "2024-12-31"},
    datetime(2025, 1, 1, 2): {"collect_hourly": "2025-01-01-01:00", "aggregate_monthly": "2024-12-01"},
    datetime(2025, 1, 6, 1): {"collect_hourly": "2025-01-06-00:00", "aggregate_weekly": "2024-12-30"},
}
END_OF_A_YEAR = {instant: runs for instant, runs in JOURNEY.items() if instant.year == 2025}
"""The part of the journey in every run: each schedule once. `tests/pipelines/test_schedules.py` has other instants."""


@pytest.fixture(scope="module")
def instance() -> Iterator[DagsterInstance]:
    with dg.instance_for_test(_LAUNCHER) as opened:
        yield opened


@pytest.fixture(scope="module")
def workspace(instance: DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    """A code server with our definitions, in a deployment whose schedules are on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDEMARK_AUTOMATION", "true")
        yield from _served(instance)


def _served(instance: DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    with create_test_daemon_workspace_context(
        ModuleTarget("pipelines.definitions", None, None, "pipelines"), instance
    ) as context:
        yield context


def restart(workspace: WorkspaceProcessContext, now: datetime) -> None:
    """Switch the schedules of the journey on at an instant, and all others off.

    A schedule that stays on looks at each of its ticks between two instants, which are months apart.
    """
    wanted = {name for expected in JOURNEY.values() for name in expected}
    location = workspace.create_request_context().get_code_location("pipelines")
    with freeze_time(now):
        for schedule in next(iter(location.get_repositories().values())).get_schedules():
            workspace.instance.stop_schedule(schedule.get_remote_origin_id(), schedule.selector_id, schedule)
            if schedule.name in wanted:
                workspace.instance.start_schedule(schedule)


def iterate(workspace: WorkspaceProcessContext, now: datetime) -> dict[str, str]:
    """Run one iteration of the scheduler at `now`; return job and partition of the runs that it launched."""
    before = {run.run_id for run in workspace.instance.get_runs()}
    with freeze_time(now):
        list(launch_scheduled_runs(workspace, logging.getLogger("scheduler"), now, {}))
    fresh = [run for run in workspace.instance.get_runs() if run.run_id not in before]
    return {run.job_name: run.tags[PARTITION] for run in fresh if PARTITION in run.tags}


@pytest.mark.parametrize("journey", [END_OF_A_YEAR, pytest.param(JOURNEY, marks=pytest.mark.long)], ids=["end", "all"])
def test_each_schedule_requests_the_window_that_ended(
    workspace: WorkspaceProcessContext, journey: dict[datetime, dict[str, str]]
) -> None:
    minute = timedelta(minutes=1)
    for instant, expected in journey.items():
        now = instant.replace(tzinfo=UTC)
        restart(workspace, now - minute)
        assert iterate(workspace, now + timedelta(seconds=2)) == expected
        assert iterate(workspace, now + minute) == {}
