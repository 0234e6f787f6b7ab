"""A Dagster code server in a process, with one job that does nothing, but lasts while a file `held` exists."""

import subprocess
import sys
from pathlib import Path

from dagster._grpc.client import DagsterGrpcClient

from tests.waiting import until
from tidemark.stack.ports import HOST, free_port

NOTHING = """
import time
from pathlib import Path

import dagster as dg


@dg.op
def nothing() -> None:
    while Path("held").exists():
        # The work of the run takes until the test removes the file.
        time.sleep(0.05)


@dg.job
def empty() -> None:
    nothing()
"""


class Server:
    """A code server that can be killed and started again at the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        (folder / "empty.py").write_text(NOTHING)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["dagster", "api", "grpc", "-h", HOST, "-p", str(self.port), "-f", "empty.py"]
        self.process = subprocess.Popen([sys.executable, "-m", *command], cwd=self.folder)
        client = DagsterGrpcClient(port=self.port, host=HOST)
        until(lambda: self._answers(client), seconds=60)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @staticmethod
    def _answers(client: DagsterGrpcClient) -> bool:
        try:
            return bool(client.ping("there?"))
        except Exception:  # noqa: BLE001
            return False
