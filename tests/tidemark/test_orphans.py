"""Runs that a killed stack took with it."""

from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from tidemark.orphans import end_orphans


def test_runs_under_way_fail_and_waiting_ones_stay() -> None:
    with DagsterInstance.ephemeral() as instance:
        under_way = create_run_for_test(instance, job_name="a", status=DagsterRunStatus.STARTED)
        waiting = create_run_for_test(instance, job_name="a", status=DagsterRunStatus.NOT_STARTED)
        assert end_orphans(instance) == 1
        ended, waits = (instance.get_run_by_id(run.run_id) for run in (under_way, waiting))
        assert ended is not None
        assert waits is not None
        assert (ended.status, waits.status) == (DagsterRunStatus.FAILURE, DagsterRunStatus.NOT_STARTED)
