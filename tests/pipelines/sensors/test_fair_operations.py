"""Operations of workspaces take turns, the queued collections of an account share a run, and none is lost."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from pipelines.runs.scope import WorkScope, scope
from pipelines.runs.tags import OPERATION
from pipelines.sensors import requested_work
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    limits = [{"key": OPERATION, "limit": 1}]
    with dg.instance_for_test({"concurrency": {"runs": {"tag_concurrency_limits": limits}}}) as opened:
        yield opened


@pytest.fixture
def daemon(deployment: Deployment, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    return Daemon(deployment, instance)


def requests(daemon: Daemon) -> list[str | None]:
    """Evaluate the sensor and return the run keys that it requests; no run is created."""
    return [request.run_key for request in daemon.requests("requested_work")]


def create_run(daemon: Daemon, batch: str | None, status: DagsterRunStatus = DagsterRunStatus.STARTED) -> None:
    create_run_for_test(daemon.instance, job_name="collect_hourly", status=status, tags={OPERATION: batch})


def test_25_announced_posts_are_one_run_and_each_operation_ends_with_its_own_result(
    deployment: Deployment, daemon: Daemon
) -> None:
    operations = deployment.clients.store.operations
    account = deployment.connect(0)["_id"]
    gone = deployment.connect(1, token="not a token", workspaceId="v")["_id"]
    posts = [operations.request("collect", "w", account_id=account, post_id=f"p{n}")["_id"] for n in range(25)]
    denied = operations.request("collect", "v", account_id=gone)["_id"]
    results = daemon.evaluate("requested_work")
    assert len(results) == 2
    ended = [operations.get(operation) for operation in posts]
    assert {one["state"] for one in ended} == {"succeeded"}
    assert [one["accounts"] for one in ended] == [{"ok": 1, "failed": 0, "skipped": 0}] * 25
    assert {one["runId"] for one in ended} == {results[0].run_id}
    assert operations.get(denied)["accounts"] == {"ok": 0, "failed": 1, "skipped": 0}
    assert daemon.evaluate("requested_work") == []


def test_other_workspace_is_next_after_a_flood(deployment: Deployment, daemon: Daemon) -> None:
    operations = deployment.clients.store.operations
    for number in range(60):
        deployment.connect(0, _id=f"a{number}", platformAccountId=f"1789{number:013}")
        operations.request("collect", "w", account_id=f"a{number}")
    # One runs and one waits to be the next: the rest of the flood stays in the queue of its workspace.
    flood = requests(daemon)
    assert len(flood) == 2
    for batch in flood:
        create_run(daemon, batch)
    other = operations.request("collect", "other")["_id"]
    assert requests(daemon) == []
    operations.finish(flood[0] or "", "succeeded")
    assert requests(daemon) == [other]


def test_operation_without_a_run_is_handed_out_again(deployment: Deployment, daemon: Daemon) -> None:
    operations = deployment.clients.store.operations
    first, second = (operations.request("collect", "w", account_id="a0", post_id=post)["_id"] for post in "pq")
    deployment.connect(0)
    # The daemon ends before it creates the run that was requested.
    assert requests(daemon) == [first]
    later = operations.request("collect", "w", account_id="a0", post_id="r")["_id"]
    assert requests(daemon) == [first, later]
    create_run(daemon, first, DagsterRunStatus.FAILURE)
    create_run(daemon, later)
    assert requests(daemon) == []
    assert {operations.get(one)["state"] for one in (first, second)} == {"failed"}
    assert operations.get(later)["state"] == "queued"
    # The run of an operation was deleted while it worked.
    operations.start(later, "run")
    daemon.instance.delete_run(daemon.instance.get_runs(limit=1)[0].run_id)
    assert requests(daemon) == [later]


def test_batch_reads_every_post_if_one_of_its_operations_wants_it(deployment: Deployment) -> None:
    store = deployment.clients.store
    deployment.connect(0)
    store.operations.request("collect", "w", account_id="a0")
    store.operations.request("collect", "w", account_id="a0", posts="all")
    (batch,) = store.operation_queue.hand_out(5)
    assert len(batch.operations) == 2
    assert scope(deployment.clients, {OPERATION: batch.id}) == WorkScope(("w",), ("a0",), every_post=True)
