"""Tests of ending orphaned runs, whose code server is gone."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from tests.pipelines.code_server import Server
from tests.waiting import until
from tidemark.orphaned_runs import end_orphans
from tidemark.stack.ports import free_port

S = DagsterRunStatus


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with dg.instance_for_test({"run_retries": {"enabled": True, "max_retries": 2}}) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


def status(instance: DagsterInstance, run: dg.DagsterRun) -> DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.STARTING, S.FAILURE),
        (S.STARTED, S.FAILURE),
        # This run was being terminated: as a failed run it would be started again.
        (S.CANCELING, S.CANCELED),
        (S.NOT_STARTED, S.NOT_STARTED),
        (S.SUCCESS, S.SUCCESS),
    ],
)
def test_runs_under_way_end_and_others_stay(
    instance: DagsterInstance, server: Server, before: DagsterRunStatus, after: DagsterRunStatus
) -> None:
    run = create_run_for_test(instance, job_name="a", status=before)
    assert end_orphans(instance, time.time(), server.port) == int(before is not after)
    assert status(instance, run) is after


def test_run_of_the_present_code_server_goes_on(instance: DagsterInstance, server: Server) -> None:
    run = create_run_for_test(instance, job_name="a", status=S.STARTED)
    assert end_orphans(instance, time.time() - 60, server.port) == 0
    assert status(instance, run) is S.STARTED


def test_run_fails_only_when_a_code_server_can_start_it_again(instance: DagsterInstance, tmp_path: Path) -> None:
    run, coming = create_run_for_test(instance, job_name="a", status=S.STARTED), Server(tmp_path)
    ending = Thread(target=end_orphans, args=(instance, time.time(), coming.port, 60.0))
    ending.start()
    try:
        assert status(instance, run) is S.STARTED
        coming.start()
        until(lambda: status(instance, run) is S.FAILURE, 20)
    finally:
        ending.join()
        coming.kill()
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.tags["dagster/will_retry"] == "true"


def test_daemon_is_waited_for_until_it_evaluated_a_sensor(instance: DagsterInstance, server: Server) -> None:
    run, began = create_run_for_test(instance, job_name="a", status=S.STARTED), time.time()
    repository = RemoteRepositoryOrigin(InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="m")), "r")
    state = InstigatorState(
        RemoteInstigatorOrigin(repository, "s"), InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE
    )
    instance.add_instigator_state(state)

    def evaluate(at: float, status: TickStatus) -> None:
        instance.create_tick(
            TickData(state.instigator_origin_id, "s", InstigatorType.SENSOR, status, at, selector_id=state.selector_id)
        )

    evaluate(began - 60, TickStatus.SKIPPED)
    options = {"daemon_seconds": 60.0}
    ending = Thread(target=end_orphans, args=(instance, began, server.port), kwargs=options)
    ending.start()
    try:
        evaluate(time.time() + 60, TickStatus.STARTED)
        assert status(instance, run) is S.STARTED
        evaluate(time.time() + 60, TickStatus.SKIPPED)
        until(lambda: status(instance, run) is S.FAILURE, 20)
    finally:
        ending.join()


def test_run_ends_without_a_daemon_too(instance: DagsterInstance, server: Server) -> None:
    run = create_run_for_test(instance, job_name="a", status=S.STARTED)
    assert end_orphans(instance, time.time(), server.port, daemon_seconds=1.0) == 1
    assert status(instance, run) is S.FAILURE


def test_nothing_is_changed_where_no_code_server_comes(instance: DagsterInstance) -> None:
    run = create_run_for_test(instance, job_name="a", status=S.STARTED)
    with pytest.raises(DagsterUserCodeUnreachableError):
        end_orphans(instance, time.time(), free_port(), seconds=1.0)
    assert status(instance, run) is S.STARTED
