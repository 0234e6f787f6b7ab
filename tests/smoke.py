"""The smoke run of CI: `make up` as a newcomer types it, in a folder of its own, asked a few questions and stopped.

python -m tests.smoke
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tidemark.stack.ports import free_port

READY_SECONDS = 180
STOP_SECONDS = 15


def main() -> int:
    """Run it; say what was found, return an exit code."""
    with tempfile.TemporaryDirectory(prefix="tidemark-smoke-") as folder:
        home = Path(folder) / "home"
        ports = {f"TIDEMARK_{name}_PORT": str(free_port()) for name in ("HTTP", "DAGSTER", "SIMULATOR")}
        started = time.monotonic()
        process = subprocess.Popen(
            ["make", "up"],
            env={**os.environ, **ports, "TIDEMARK_HOME": str(home)},
            start_new_session=True,
        )
        try:
            up = _wait_until_ready(process, home / "up.json")
            print(f"ready after {time.monotonic() - started:.0f} s")
            _ask(up)
        finally:
            seconds = _stop(process)
        print(f"stopped after {seconds:.1f} s")
        return 0 if seconds < STOP_SECONDS else 1


def _wait_until_ready(process: subprocess.Popen[bytes], path: Path) -> dict[str, str]:
    deadline = time.monotonic() + READY_SECONDS
    while not path.exists():
        if process.poll() is not None:
            raise SystemExit(f"make up ended with code {process.returncode}")
        if time.monotonic() > deadline:
            raise SystemExit(f"make up was not ready after {READY_SECONDS} s")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _ask(up: dict[str, str]) -> None:
    with httpx.Client(base_url=up["http"], headers={"Authorization": f"Bearer {up['key']}"}) as client:
        for path in ("/readyz", "/openapi.json", "/analytics/metrics", "/analytics/workspaces", "/"):
            answer = client.get(path)
            answer.raise_for_status()
            print(f"{path}: {answer.status_code}, {len(answer.content)} bytes")
        workspace = client.get("/analytics/workspaces").json()["data"][0]["workspaceId"]
        rollups = client.get(f"/analytics/workspace/{workspace}/aggregated", params={"period": "daily"})
        rollups.raise_for_status()
        assert rollups.json()["data"], "no daily rollups"
    httpx.get(f"{up['dagster']}/server_info").raise_for_status()


def _stop(process: subprocess.Popen[bytes]) -> float:
    """Press Ctrl-C and return the seconds until everything has ended."""
    started = time.monotonic()
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS * 2)
    for left in alive:
        print(f"still there: {left}")
        left.kill()
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
