"""The run queue of dagster.yaml: no other work starves hourly collection."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from pipelines.runs.tags import HISTORY, MISSED, OPERATION, Priority

ROOT = Path(__file__).parents[2]
CODE = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="pipelines.definitions"), "pipelines")
BACKFILL = {"dagster/backfill": "b"}
_LAUNCHER = {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}


@pytest.fixture(scope="module")
def configured() -> Iterator[DagsterInstance]:
    """An instance as configured, except that runs are only marked as started."""
    configuration = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    kept = {name: configuration[name] for name in ("run_coordinator", "concurrency")}
    with dg.instance_for_test({**kept, "run_launcher": _LAUNCHER}) as opened:
        yield opened


@pytest.fixture
def instance(configured: DagsterInstance) -> DagsterInstance:
    configured.run_storage.wipe()
    return configured


def queue(instance: DagsterInstance, name: str, count: int, tags: Mapping[str, str]) -> None:
    for number in range(count):
        create_run_for_test(
            instance, job_name=f"{name}{number}", status=DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(CODE, "__repository__"), f"{name}{number}"),
            tags={tag: f"{value}{number}" if tag == OPERATION else value for tag, value in tags.items()},
        )  # fmt: skip


def dequeue(instance: DagsterInstance) -> list[str]:
    """Run one iteration of the queue's daemon; return the jobs that run then."""
    context: Any = Mock(instance=instance)
    list(QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(context))
    return sorted(run.job_name for run in begun(instance))


def begun(instance: DagsterInstance) -> Sequence[DagsterRun]:
    return instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]))


def test_hour_overtakes_a_backfill_of_many_runs(instance: DagsterInstance) -> None:
    queue(instance, "backfill", 12, BACKFILL)
    queue(instance, "missed", 3, {MISSED: "x", **Priority.MISSED})
    assert dequeue(instance) == ["backfill0", "missed0"]
    queue(instance, "hour", 1, Priority.HOURLY)
    assert dequeue(instance) == ["backfill0", "hour0", "missed0"]


def test_hour_has_room_beside_a_flood_of_requests(instance: DagsterInstance) -> None:
    queue(instance, "operation", 20, {OPERATION: "op", **Priority.OPERATION})
    assert len(dequeue(instance)) == 3
    queue(instance, "hour", 1, Priority.HOURLY)
    assert "hour0" in dequeue(instance)


def test_history_takes_the_place_of_nobody(instance: DagsterInstance) -> None:
    queue(instance, "history", 3, {HISTORY: "true", **Priority.HISTORY})
    queue(instance, "operation", 20, {OPERATION: "op", **Priority.OPERATION})
    assert dequeue(instance) == ["history0", "operation0", "operation1", "operation2"]
    queue(instance, "hour", 1, Priority.HOURLY)
    assert "hour0" in dequeue(instance)


def test_hour_goes_first_when_a_place_is_free(instance: DagsterInstance) -> None:
    queue(instance, "by_hand", 5, {})
    dequeue(instance)
    queue(instance, "by_hand_later", 3, {})
    queue(instance, "hour", 1, Priority.HOURLY)
    instance.report_run_canceled(begun(instance)[0])
    assert "hour0" in dequeue(instance)


def test_pool_of_a_platform_gives_its_next_place_to_the_hour(instance: DagsterInstance) -> None:
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("platform_instagram")
    places = [
        storage.claim_concurrency_slot("platform_instagram", run, "raw_instagram", priority).slot_status.value
        for run, priority in [("backfill", 0), ("by_hand", 0), ("missed", 5), ("hour", 30)]
    ]
    assert places == ["CLAIMED", "CLAIMED", "BLOCKED", "BLOCKED"]
    storage.free_concurrency_slots_for_run("by_hand")
    assert storage.claim_concurrency_slot("platform_instagram", "missed", "raw_instagram", 5).is_claimed is False
    assert storage.claim_concurrency_slot("platform_instagram", "hour", "raw_instagram", 30).is_claimed
