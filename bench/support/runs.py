"""Measured Dagster runs: as under `tidemark up`, a code server starts a process for each run."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil

from bench.support.memory import peak
from tidemark.home import Home
from tidemark.stack import child_services
from tidemark.stack.ports import HOST, free_port

_SAMPLE_SECONDS = 0.05
_INSTANCE = """
telemetry: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """Cost of a run: its seconds according to Dagster, and the peak memory of its processes, the largest first."""

    seconds: float
    megabytes: list[float]


def run(folder: Path, job: str, tags: Mapping[str, str], environment: Mapping[str, str]) -> Ran:
    """Launch a job, wait for its end, and return its cost.

    Raises:
        RuntimeError: the run did not succeed.
    """
    home = Home(folder)
    home.prepare()
    # The settings of `tidemark up` do not work here: their run queue needs the daemon.
    (home.dagster / "dagster.yaml").write_text(_INSTANCE)
    wanted = {**environment, "DAGSTER_HOME": str(home.dagster), "TIDEMARK_HOME": str(folder)}
    with (
        _code_server(home, wanted) as (server, workspace),
        dg.DagsterInstance.from_config(str(home.dagster)) as instance,
    ):
        launch = [sys.executable, "-m", "dagster", "job", "launch", "-w", str(workspace), "-j", job,
                  "--tags", json.dumps(tags)]  # fmt: skip
        subprocess.run(launch, check=True, env=os.environ | wanted, stdout=subprocess.DEVNULL)
        return _watched(instance, server)


@contextmanager
def _code_server(home: Home, environment: Mapping[str, str]) -> Iterator[tuple[psutil.Process, Path]]:
    port = free_port()
    child = child_services.code_server(home, port, environment).start()
    try:
        child.wait_until(lambda: _listens(port), 60)
        workspace = home.path / "workspace.yaml"
        place = {"host": HOST, "port": port, "location_name": "pipelines"}
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": place}]}))
        yield psutil.Process(child.process.pid), workspace
    finally:
        child.stop()


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((HOST, port)) == 0


def _watched(instance: dg.DagsterInstance, server: psutil.Process) -> Ran:
    (run,) = instance.get_runs()
    # Peaks are kept by command line: before its `exec`, a child still has the command line of its parent.
    peaks: dict[str, float] = {}
    while not (run := _loaded(instance, run.run_id)).is_finished:
        for process in server.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError):
                command = " ".join(process.cmdline())
                if "resource_tracker" not in command:
                    peaks[command] = max(peaks.get(command, 0.0), peak(process.pid))
        # Sample at intervals: the peak of a process cannot be read after its end.
        time.sleep(_SAMPLE_SECONDS)
    if not run.is_success:
        raise RuntimeError(f"the run ended as {run.status}")
    stats = instance.get_run_stats(run.run_id)
    if stats.start_time is None or stats.end_time is None:
        raise RuntimeError("Dagster has no start or end time of the run")
    return Ran(stats.end_time - stats.start_time, sorted(peaks.values(), reverse=True))


def _loaded(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise RuntimeError("Dagster no longer has the run")
    return run
