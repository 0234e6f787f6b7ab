"""Hanging runs are counted for monitoring that has no access to Dagster."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from metrics.upkeep import hanging_runs
from pipelines.sensors.hanging_runs import find_hanging_runs
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment

LAUNCHER = {"module": "pipelines.runs.launcher", "class": "WatchedRunLauncher"}


@pytest.fixture
def watched() -> Iterator[DagsterInstance]:
    """An instance with the launcher of every deployment: it tells whether a run has a process."""
    with dg.instance_for_test({"run_launcher": LAUNCHER, "run_monitoring": {"enabled": True}}) as opened:
        yield opened


def under_way(instance: DagsterInstance, **tags: str) -> str:
    run: DagsterRun = create_run_for_test(
        instance, job_name="collect_hourly", status=DagsterRunStatus.STARTING, tags=tags
    )
    began = DagsterEvent(DagsterEventType.RUN_START.value, "collect_hourly", message="began")
    instance.report_dagster_event(began, run_id=run.run_id)
    return run.run_id


def test_sensor_counts_runs_without_a_process_and_those_that_take_too_long(
    deployment: Deployment, watched: DagsterInstance
) -> None:
    daemon = Daemon(deployment, watched)
    assert hanging_runs.newest(deployment.clients.redis) is None
    daemon.evaluate("hanging_runs")
    assert hanging_runs.newest(deployment.clients.redis) == 0
    without_process, too_long = under_way(watched), under_way(watched, **{"dagster/max_runtime": "0"})
    create_run_for_test(watched, job_name="collect_hourly", status=DagsterRunStatus.SUCCESS)
    assert daemon.evaluate("hanging_runs") == []
    assert hanging_runs.newest(deployment.clients.redis) == 2
    assert sorted(line[:23] for line in find_hanging_runs(watched)) == sorted(
        f"collect_hourly {run[:8]}" for run in (without_process, too_long)
    )


def test_run_that_ends_while_it_is_asked_for_does_not_hang(
    watched: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, launcher = under_way(watched), watched.run_launcher
    asked = launcher.check_run_worker_health

    def ends(its: dg.DagsterRun) -> object:
        watched.report_run_failed(its)
        return asked(its)

    assert [line for line in find_hanging_runs(watched) if run[:8] in line]
    monkeypatch.setattr(launcher, "check_run_worker_health", ends)
    assert find_hanging_runs(watched) == []
