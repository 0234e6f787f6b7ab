"""Checks of this machine: versions, variables, server programs, ports, disk, and processes left by a killed stack."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from metrics.settings import PREFIX, Settings
from tidemark.checkup.finding import Finding, Trouble, look
from tidemark.checkup.services import is_ours
from tidemark.home import Home
from tidemark.stack import locate
from tidemark.stack.ports import is_free
from tidemark.stack.supervisor import leftovers
from tidemark.variables import names_here, strays

OLDEST_PYTHON = (3, 11)
LEAST_FREE_GB = 2.0
_PORTS = ("http_port", "dagster_port", "simulator_port")


def machine(settings: Settings, home: Home, up: dict[str, str] | None) -> Iterator[Finding]:
    """Yield the checks of the machine; `up` is the content of `up.json` if a stack runs in `home`."""
    yield look("Python", _python)
    yield look("Dagster's packages", _dagster_packages)
    yield look("variables", _variables)
    if settings.mongo_url is None:
        yield look("mongod", _mongod)
    if settings.redis_url is None:
        yield look("redis-server", lambda: _found(locate.redis_server()))
    yield look("disk", lambda: _disk(home.path))
    if up is None:
        yield look("ports", lambda: _ports(settings))
        yield look("leftovers", lambda: _leftovers(home))


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        raise Trouble(found, "install Python 3.11 or newer, remove .venv, and run `make install PYTHON=…`")
    return found


def _dagster_packages() -> str:
    try:
        core, ui = version("dagster"), version("dagster-webserver")
    except PackageNotFoundError as error:
        raise Trouble(f"{error.name} is not installed", "run `make install`") from None
    if core != ui:
        raise Trouble(f"dagster is {core}, dagster-webserver {ui}", "install the same version of both: `make install`")
    return f"dagster and dagster-webserver {core}"


def _variables() -> str:
    if found := strays(names_here()):
        raise Trouble("; ".join(map(str, found)), "rename or unset them: Tidemark does not read them")
    return "every TIDEMARK_ variable is a setting"


def _mongod() -> str:
    with TemporaryDirectory() as folder:
        return _found(locate.mongod(Path(folder)))


def _found(server: locate.Server) -> str:
    return f"{server} found ({server.origin})"


def _disk(path: Path) -> str:
    there = next(p for p in (path, *path.parents) if p.exists())
    free = psutil.disk_usage(str(there)).free / 1e9
    if free < LEAST_FREE_GB:
        raise Trouble(
            f"{free:.1f} GB free at {there}",
            f"free some space, or set TIDEMARK_HOME to another disk: below {LEAST_FREE_GB:.0f} GB MongoDB may stop",
        )
    return f"{free:.0f} GB free at {there}"


def _ports(settings: Settings) -> str:
    taken = {name: port for name in _PORTS if not is_free(port := getattr(settings, name))}
    # With servers of its own settings this is a deployment, whose services are not started by `tidemark up`.
    deployed = settings.mongo_url is not None and settings.redis_url is not None
    ours = {name: port for name, port in taken.items() if deployed and is_ours(name, port)}
    if others := taken.keys() - ours.keys():
        names = ", ".join(f"{taken[name]} ({PREFIX}{name.upper()})" for name in sorted(others))
        raise Trouble(f"taken: {names}", "stop the program that listens there, or set the variable to another port")
    return "free" if not ours else f"Tidemark listens on {', '.join(map(str, ours.values()))}; the others are free"


def _leftovers(home: Home) -> str:
    if found := leftovers(home):
        raise Trouble(
            f"{len(found)} processes of a killed stack still run: {', '.join(str(p.pid) for p in found)}",
            "`tidemark up` ends them when it starts",
        )
    return "none"
