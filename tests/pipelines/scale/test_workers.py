"""Two Celery workers collect an hour in shards, and one of them is killed while it works."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType

from pipelines.partitions import slot_key
from tests.pipelines.deployment import Deployment
from tests.pipelines.scale.machines import MATERIALIZE, ROOT, assert_true, connect, environment_of
from tests.waiting import until

ACCOUNTS = 12
RAW = dg.AssetKey("raw_instagram")


@pytest.fixture
def environment(deployment: Deployment, tmp_path: Path) -> dict[str, str]:
    # Slow enough to be killed while it works.
    slow = {"TIDEMARK_COLLECT_CONCURRENCY": "1"}
    return {**environment_of(deployment, "celery", tmp_path / "dagster"), **slow}


@contextmanager
def started(environment: dict[str, str], log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process, and end it together with its children."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def worker(name: str) -> tuple[str, ...]:
    words = ("celery", "-A", "pipelines.worker", "worker", "--concurrency", "1", "--loglevel", "INFO")
    return (*words, "-n", f"{name}@here")


def at_work(instance: dg.DagsterInstance) -> Iterator[str]:
    """Yield the workers that hold a lease on a shard."""
    (run,) = instance.get_runs()
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    ended = {event.step_key for event in events if event.is_step_success}
    for event in events:
        if event.is_engine_event and "instagram_shard[" in (event.step_key or "") and event.step_key not in ended:
            holder = event.engine_event_data.metadata.get("Celery worker")
            if holder:
                yield str(holder.value).partition("@")[0]


@pytest.mark.timeout(240)
def test_run_ends_well_and_every_number_is_true_after_a_worker_was_killed(
    deployment: Deployment, environment: dict[str, str], tmp_path: Path
) -> None:
    connect(deployment, ACCOUNTS)
    simulator = deployment.simulator.client
    simulator.put("/_control/latency", json={"ms": 500}).raise_for_status()
    hour = deployment.hour
    collected = deployment.clients.store.collections
    with (
        dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance,
        started(environment, tmp_path / "one.log", *worker("one")) as one,
        started(environment, tmp_path / "two.log", *worker("two")) as two,
        started(environment, tmp_path / "run.log", *MATERIALIZE, slot_key(hour)) as running,
    ):
        until(lambda: bool(collected.of_slot(hour)) or running.poll() is not None, seconds=120)
        lost = next(at_work(instance))
        os.killpg({"one": one, "two": two}[lost].pid, signal.SIGKILL)
        simulator.put("/_control/latency", json={"ms": 50}).raise_for_status()
        assert running.wait(100) == 0, (tmp_path / "run.log").read_text()[-3000:]
        (record,) = instance.get_run_records()
        entries = instance.all_logs(record.dagster_run.run_id)
        of_type = {e.dagster_event_type for e in entries}
        assert sum(f"{lost}@here is gone: the step is submitted again" in e.message for e in entries) == 1
        assert DagsterEventType.STEP_FAILURE not in of_type
        (event,) = instance.fetch_materializations(RAW, limit=5).records
        assert event.partition_key == slot_key(hour)
        assert event.asset_materialization is not None
        counts = event.asset_materialization.metadata
        assert (counts["accounts_ok"].value, counts["accounts_expected"].value) == (ACCOUNTS, ACCOUNTS)
    assert_true(deployment, ACCOUNTS)
    for name in ("one", "two"):
        lines = (tmp_path / f"{name}.log").read_text().splitlines()
        events = [json.loads(line)["event"] for line in lines if line.startswith("{")]
        assert any(f"{name}@here ready" in event for event in events), lines[-5:]
