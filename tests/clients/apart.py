"""Runs clients that cannot share Tidemark's environment, each in one of its own below `.venv/apart`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

APART = Path(sys.prefix) / "apart"
HERE = Path(__file__).parent
_SECONDS = 200


def run_python(name: str, url: str, now: datetime, entry: str, arguments: Sequence[str | Path], cwd: Path) -> list[str]:
    """Run a console script, `module:name`, of the environment `name` at an instant; return the lines it printed.

    The test is skipped where the environment is not installed, and fails where the program does.
    """
    python = APART / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed: `make clients` does it, with a Python 3.11 on the machine")
    return _run([python, HERE / "redirected.py", url, now.isoformat(), entry, *arguments], {}, cwd)


def run_node(client: str, url: str, given: dict[str, Any]) -> Any:
    """Run the program of a JavaScript client with what it is given; return the value that it printed as JSON.

    The test is skipped where Node or the client is not installed, and fails where the program does.
    """
    node, modules = shutil.which("node"), APART / "node" / "node_modules"
    if node is None or not modules.is_dir():
        pytest.skip("the JavaScript clients are not installed: `make clients` does it, with Node 20 and npm")
    folder = HERE / "node"
    command: list[str | Path] = [
        node,
        "--require",
        folder / "elsewhere.cjs",
        folder / f"{client}.cjs",
        json.dumps(given),
    ]
    *_, line = _run(command, {"SIMULATOR": url, "NODE_PATH": str(modules)}, folder)
    return json.loads(line)


def _run(command: Sequence[str | Path], settings: dict[str, str], cwd: Path) -> list[str]:
    # Nothing of the environment of the tests gets into that of the client, which keeps what it compiled.
    left_out = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    done = subprocess.run(
        command, cwd=cwd, env={**kept, **settings}, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        pytest.fail(f"exit code {done.returncode}: {_reason(done)}", pytrace=False)
    return done.stdout.splitlines()


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last error message of Airbyte's protocol, or the end of what a program printed."""
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"type":"TRACE"')]
    errors = [trace["error"]["message"] for trace in (json.loads(line)["trace"] for line in lines) if "error" in trace]
    return errors[-1] if errors else f"{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
