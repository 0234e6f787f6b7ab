"""A serving process for tests, started as an operator does, which can be killed and restarted on the same port."""

import os
import sys
from pathlib import Path

import httpx

from metrics.settings import Settings
from tests.waiting import until
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child


class ServingProcess:
    """`python -m serving` on one port."""

    def __init__(self, settings: Settings, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._log = folder / "serving.log"
        self._command = [sys.executable, "-m", "serving", "--port", str(self.port), *arguments]
        self._environment = {
            **os.environ,
            "TIDEMARK_HOME": str(folder),
            "TIDEMARK_MONGO_URL": str(settings.mongo_url),
            "TIDEMARK_MONGO_DB": settings.mongo_db,
            "TIDEMARK_REDIS_URL": str(settings.redis_url),
            **environment,
        }
        self.child = self._start()

    def _start(self) -> Child:
        child = Child.start("serving", self._command, log=self._log, environment=self._environment)
        child.wait_until(self._answers, 60)
        return child

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Kill the process, as the kernel does when memory is short."""
        self.child.process.kill()
        self.child.process.wait()
        until(lambda: not self._answers())

    def restart(self) -> None:
        """Start the process again on its port."""
        self.child = self._start()

    def stop(self) -> int:
        """Ask the process to stop; return its exit code."""
        self.child.ask_to_stop()
        code = self.child.process.wait(20)
        self.child.stop()
        return code
