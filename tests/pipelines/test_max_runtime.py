"""A run that hangs is ended after an hour; a backfill, which may take hours, is not."""

import logging
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.monitoring import run_monitoring
from dagster._time import get_current_timestamp

from pipelines.definitions import defs
from pipelines.runs.tags import BACKFILL

ROOT = Path(__file__).parents[2]
_LAUNCHER = {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml"])
def test_only_what_hangs_is_ended(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monitoring = yaml.safe_load((ROOT / file).read_text())["run_monitoring"]
    with dg.instance_for_test({"run_launcher": _LAUNCHER}) as instance:
        hour = _under_way(instance, defs.resolve_job_def("collect_hourly").run_tags)
        backfill = _under_way(instance, {BACKFILL: "b"})
        now = get_current_timestamp()
        monkeypatch.setattr(run_monitoring, "get_current_timestamp", lambda: now + 2 * 3600)
        for run_id in (hour, backfill):
            (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
            limit = monitoring["max_runtime_seconds"]
            run_monitoring.check_run_timeout(instance, record, logging.getLogger(), limit)
        statuses = [instance.get_run_by_id(run_id).status for run_id in (hour, backfill)]  # type: ignore[union-attr]
    assert statuses == [DagsterRunStatus.FAILURE, DagsterRunStatus.STARTED]


def _under_way(instance: DagsterInstance, tags: Mapping[str, str]) -> str:
    """Start a run now; return its id."""
    run: DagsterRun = create_run_for_test(instance, job_name="job", status=DagsterRunStatus.STARTING, tags=dict(tags))
    instance.report_dagster_event(DagsterEvent(DagsterEventType.RUN_START.value, "job"), run.run_id)
    return run.run_id
