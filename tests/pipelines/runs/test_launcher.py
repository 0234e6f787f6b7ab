"""Dagster's monitor finds a run whose code server is gone."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.test_utils import create_run_for_test, create_test_daemon_workspace_context
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from pipelines.runs import launcher
from pipelines.runs.launcher import WatchedRunLauncher
from tests.pipelines.code_server import Server
from tests.waiting import until
from tidemark.stack.ports import HOST, free_port

ROOT = Path(__file__).parents[3]
LAUNCHER = {"module": "pipelines.runs.launcher", "class": "WatchedRunLauncher"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.kill()


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with dg.instance_for_test({"run_launcher": LAUNCHER, "run_monitoring": {"enabled": True}}) as opened:
        yield opened


def under_way(instance: DagsterInstance, port: int, **tags: str) -> dg.DagsterRun:
    where = {GRPC_INFO_TAG: json.dumps({"host": HOST, "port": port})}
    run: dg.DagsterRun = create_run_for_test(
        instance, job_name="empty", status=DagsterRunStatus.STARTED, tags={**where, **tags}
    )
    return run


def watch(instance: DagsterInstance, run: dg.DagsterRun) -> DagsterRunStatus:
    """Let Dagster's monitor check a run; return the run afterwards."""
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    workspace: Any = None
    monitor_started_run(instance, workspace, record, logging.getLogger())
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_run_of_a_server_that_was_started_again_fails(instance: DagsterInstance, server: Server) -> None:
    run = under_way(instance, server.port)
    server.start()
    assert watch(instance, run) is DagsterRunStatus.FAILURE


def test_server_that_is_away_for_a_moment_ends_no_run(
    instance: DagsterInstance, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = under_way(instance, server.port)
    assert watch(instance, run) is DagsterRunStatus.STARTED
    monkeypatch.setattr(launcher, "PATIENCE_SECONDS", 0.0)
    assert watch(instance, run) is DagsterRunStatus.FAILURE


def test_silence_is_measured_from_its_begin(server: Server, instance: DagsterInstance) -> None:
    its = instance.run_launcher
    assert isinstance(its, WatchedRunLauncher)
    run = under_way(instance, server.port)
    assert its.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert its._silent_since != {}
    server.start()
    assert its.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    assert its._silent_since == {}


@contextmanager
def queued(instance: DagsterInstance, server: Server, **tags: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Start the server; yield the id of a run that waits for it, and a function that launches the run."""
    server.start()
    target = GrpcServerTarget(host=HOST, port=server.port, socket=None, location_name="code")
    with create_test_daemon_workspace_context(target, instance) as process_context:
        workspace = process_context.create_request_context()
        (repository,) = workspace.get_code_location("code").get_repositories().values()
        job = repository.get_full_job("empty")
        run_id = create_run_for_test(
            instance, job_name="empty", remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(), tags=tags,
        ).run_id  # fmt: skip

        def launch() -> None:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            instance.run_launcher.launch_run(LaunchRunContext(run, workspace))

        yield run_id, launch


def test_run_that_the_server_already_has_is_not_started_again(instance: DagsterInstance, server: Server) -> None:
    """A busy server answers too late; Dagster queues the run again, though the server starts it all the same.

    The server forgot the run when the process of the second start ended, and the monitor failed a run that worked.
    """
    (server.folder / "held").touch()
    with queued(instance, server) as (run_id, launch):
        launch()
        launch()
        (server.folder / "held").unlink()
        until(lambda: status_of(instance, run_id) is DagsterRunStatus.SUCCESS, 60)
    started = [event for event in instance.all_logs(run_id) if "Started process for run" in event.message]
    assert len(started) == 1


def test_run_of_a_server_that_is_gone_is_started_by_the_present_one(instance: DagsterInstance, server: Server) -> None:
    elsewhere = {GRPC_INFO_TAG: json.dumps({"host": HOST, "port": free_port()})}
    with queued(instance, server, **elsewhere) as (run_id, launch):
        launch()
        until(lambda: status_of(instance, run_id) is DagsterRunStatus.SUCCESS, 60)


def status_of(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    found = instance.get_run_by_id(run_id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml"])
def test_every_deployment_has_the_launcher(file: str) -> None:
    assert yaml.safe_load((ROOT / file).read_text())["run_launcher"] == LAUNCHER
