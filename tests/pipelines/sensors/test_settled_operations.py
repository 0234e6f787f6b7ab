"""An operation whose run ended without a report fails, but not while Dagster may retry the run."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from pipelines.runs.tags import OPERATION, WILL_RETRY
from pipelines.sensors import requested_work
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment


@pytest.fixture
def retrying() -> Iterator[DagsterInstance]:
    with dg.instance_for_test({"run_retries": {"enabled": True, "max_retries": 2}}) as opened:
        yield opened


def test_operation_fails_once_its_run_is_not_started_again(
    deployment: Deployment, retrying: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    operations, daemon = deployment.clients.store.operations, Daemon(deployment, retrying)
    operation = operations.request("collect", "w")["_id"]
    run = create_run_for_test(
        retrying, job_name="collect_hourly", status=DagsterRunStatus.FAILURE, tags={OPERATION: operation}
    )
    operations.start(operation, run.run_id)
    for will_retry, state in ((None, "running"), ("true", "running"), ("false", "failed")):
        if will_retry is not None:
            # Dagster adds the tag in a step of its own, a moment after the run failed.
            retrying.add_run_tags(run.run_id, {WILL_RETRY: will_retry})
        daemon.evaluate("requested_work")
        assert operations.get(operation)["state"] == state, will_retry
