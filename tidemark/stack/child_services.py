"""The services of the stack: their command lines, and how to tell that each is ready."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError

from tidemark.home import Home
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child
from tidemark.stack.supervisor import Service

_PYTHON = sys.executable
_DAGSTER = (_PYTHON, "-m", "pipelines.shifted")
"""Command that runs a module of Dagster, or a module of ours that uses Dagster, under the clock of the stack."""
_ASK = PoolManager(retries=Retry(False))


def simulator(home: Home, port: int) -> Service:
    """Return the service of the platforms' simulator."""
    command = [_PYTHON, "-m", "simulator", "--host", HOST, "--port", str(port)]
    return _service("simulator", command, home, {}, _answers(f"http://{HOST}:{port}/_control/clock"))


def code_server(home: Home, port: int, environment: Mapping[str, str]) -> Service:
    """Return Dagster's code server, which the webserver and the daemon share, and which starts the runs."""
    command = [
        *_DAGSTER, "dagster", "api", "grpc", "-h", HOST, "-p", str(port), "-m", "pipelines.definitions",
        "--location-name", "pipelines",
    ]  # fmt: skip
    return _service("dagster code server", command, home, environment, lambda: True)


def webserver(home: Home, port: int, grpc_port: int, environment: Mapping[str, str]) -> Service:
    """Return the service of the Dagster UI."""
    command = [*_DAGSTER, "dagster_webserver", "-h", HOST, "-p", str(port), "-w", str(_workspace(home, grpc_port))]
    return _service("dagster webserver", command, home, environment, lambda: _loaded(port))


def daemon(home: Home, grpc_port: int, environment: Mapping[str, str]) -> Service:
    """Return the Dagster daemon, which runs schedules, sensors, the run queue and backfills."""
    command = [*_DAGSTER, "dagster._daemon", "run", "-w", str(_workspace(home, grpc_port))]
    return _service("dagster daemon", command, home, environment, lambda: True)


def dagster_task(*words: str) -> list[str]:
    """Return the command of a one-off task that uses Dagster; `words` are the name of its module and its arguments."""
    return [*_DAGSTER, *words]


def serving(home: Home, port: int, environment: Mapping[str, str]) -> Service:
    """Return the service of the HTTP API."""
    command = [_PYTHON, "-m", "serving", "--host", HOST, "--port", str(port)]
    return _service("serving", command, home, environment, _answers(f"http://{HOST}:{port}/readyz"))


def _workspace(home: Home, grpc_port: int) -> Path:
    """Write Dagster's workspace file with the address of the code server, and return its path.

    The location's name never changes, so that schedules and sensors switched off in the UI stay off.
    """
    path = home.path / "workspace.yaml"
    server = {"host": HOST, "port": grpc_port, "location_name": "pipelines"}
    path.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
    return path


def _service(
    name: str, command: list[str], home: Home, environment: Mapping[str, str], ready: Callable[[], bool]
) -> Service:
    log = home.logs / f"{name.replace(' ', '-')}.log"
    return Service(name, lambda: Child.start(name, command, log=log, environment=environment), ready)


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            return _ASK.request("GET", url, timeout=2).status == 200
        except HTTPError:
            return False

    return ready


def _loaded(port: int) -> bool:
    """Tell whether the webserver answers and has loaded the definitions."""
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    try:
        answer = _ASK.request("POST", f"http://{HOST}:{port}/graphql", json={"query": query}, timeout=5)
        return bool(answer.json()["data"]["repositoriesOrError"].get("nodes"))
    except (HTTPError, ValueError, KeyError, TypeError):
        return False
