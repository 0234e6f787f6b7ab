"""Dagster's monitor finds a run whose code server is gone."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from pipelines.runs import launcher
from pipelines.runs.launcher import WatchedRunLauncher
from tests.pipelines.code_server import Server
from tidemark.stack.ports import HOST

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


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster.yaml"])
def test_every_deployment_has_the_launcher(file: str) -> None:
    assert yaml.safe_load((ROOT / file).read_text())["run_launcher"] == LAUNCHER
