"""`tidemark up` in a folder of its own, as a process, for tests that need all of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from tests.waiting import until
from tidemark.stack.ports import free_port


class Stack:
    """One `tidemark up` in a folder."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.home = home
        self.command = [sys.executable, "-m", "tidemark.cli"]
        self.folder: Path | None = None
        """Where the stack is started; None is the present folder."""
        self.arguments = arguments or ("--days", "3")
        ports = {f"TIDEMARK_{name}_PORT": str(free_port()) for name in ("HTTP", "DAGSTER", "SIMULATOR")}
        self.environment = {**os.environ, **ports, "TIDEMARK_HOME": str(home), **environment}

    def start(self) -> None:
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "up", *self.arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: (self.home / "up.json").exists() or self.process.poll() is not None, 150)
        assert self.process.poll() is None, (self.home / "up.log").read_text()[-3000:]
        self.up: dict[str, str] = json.loads((self.home / "up.json").read_text())
        headers = {"Authorization": f"Bearer {self.up['key']}"}
        self.client = httpx.Client(base_url=self.up["http"], headers=headers, timeout=30)

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C; return what is left of the stack's processes when it has ended."""
        self.client.close()
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        alive = psutil.wait_procs(children, timeout=1)[1]
        # A zombie has ended and only waits for init to reap it: it does not count as left.
        return [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def command_lines(self) -> str:
        """The command lines of the stack's processes, as `ps` shows them."""
        words: list[str] = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            # A run may end while its process is looked at.
            with contextlib.suppress(psutil.NoSuchProcess):
                words += process.cmdline()
        return " ".join(words)

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.client.get(path, params=params)
