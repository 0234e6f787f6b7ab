"""Runs that a killed stack took with it."""

import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from tidemark.orphans import end_orphans

S = DagsterRunStatus


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.STARTING, S.FAILURE),
        (S.STARTED, S.FAILURE),
        # Somebody terminated it: a failed run would be started again.
        (S.CANCELING, S.CANCELED),
        (S.NOT_STARTED, S.NOT_STARTED),
        (S.SUCCESS, S.SUCCESS),
    ],
)
def test_runs_under_way_end_and_others_stay(before: DagsterRunStatus, after: DagsterRunStatus) -> None:
    with DagsterInstance.ephemeral() as instance:
        run = create_run_for_test(instance, job_name="a", status=before)
        assert end_orphans(instance) == int(before is not after)
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        assert found.status is after
