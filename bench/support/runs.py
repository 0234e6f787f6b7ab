"""Runs of Dagster as `tidemark up` has them: a code server starts a process for each, and that is what is measured."""

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
from tidemark.stack import services
from tidemark.stack.ports import HOST, free_port

_SAMPLE_SECONDS = 0.05
_INSTANCE = """
telemetry: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run took: its seconds as Dagster shows them, and the peak of its process, then of each that it started."""

    seconds: float
    megabytes: list[float]


def run(folder: Path, job: str, tags: Mapping[str, str], environment: Mapping[str, str]) -> Ran:
    """Launch a job and wait for it.

    Raises:
        RuntimeError: the run did not succeed.
    """
    home = Home(folder)
    home.prepare()
    # Not the settings of `tidemark up`: its queue needs the daemon.
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
    child = services.code_server(home, port, environment).start()
    try:
        child.wait_until(lambda: _listens(port), 60)
        workspace = home.path / "workspace.yaml"
        place = {"host": HOST, "port": port, "location_name": "pipelines"}
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": place}]}))
        yield psutil.Process(child.process.pid), workspace
    finally:
        child.stop()


def _listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex((HOST, port)) == 0


def _watched(instance: dg.DagsterInstance, server: psutil.Process) -> Ran:
    (run,) = instance.get_runs()
    # By command: a child that has not begun with its own yet is the process that starts it, once more.
    peaks: dict[str, float] = {}
    while not (run := instance.get_run_by_id(run.run_id)).is_finished:
        for process in server.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError):
                command = " ".join(process.cmdline())
                if "resource_tracker" not in command:
                    peaks[command] = max(peaks.get(command, 0.0), peak(process.pid))
        # Not for a condition: a process that ends takes its peak with it, so each is looked at while it runs.
        time.sleep(_SAMPLE_SECONDS)
    if not run.is_success:
        raise RuntimeError(f"the run ended as {run.status}")
    stats = instance.get_run_stats(run.run_id)
    return Ran(stats.end_time - stats.start_time, sorted(peaks.values(), reverse=True))
