"""Servers of a benchmark: MongoDB, Redis, serving processes and reference servers, on free ports, until it ends."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from metrics.settings import Settings, load_settings
from metrics.store import Store
from tidemark.stack import mongo, redis
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child

_ROOT = Path(__file__).parents[2]
_SHARED_MEMORY = Path("/dev/shm")
_NEEDED_MEMORY = 2 * 2**30


@dataclass(frozen=True)
class Bench:
    """Stores of a benchmark, and methods that start server processes on them."""

    settings: Settings
    store: Store
    folder: Path
    stack: ExitStack

    @property
    def environment(self) -> dict[str, str]:
        """The settings as environment variables for other processes."""
        return {
            "TIDEMARK_MONGO_URL": str(self.settings.mongo_url), "TIDEMARK_MONGO_DB": self.settings.mongo_db,
            "TIDEMARK_REDIS_URL": str(self.settings.redis_url), "TIDEMARK_HOME": str(self.folder),
            "TIDEMARK_SECRET_KEYS": ",".join(key.get_secret_value() for key in self.settings.secret_keys),
            "TIDEMARK_RETENTION_DAYS": str(self.settings.retention_days),
            "TIDEMARK_ROLLUP_RETENTION_DAYS": str(self.settings.rollup_retention_days),
        }  # fmt: skip

    def serve(self, name: str, **environment: str) -> tuple[str, Child]:
        """Start a serving process; return its URL and the process."""
        port = free_port()
        wanted = {**self.environment, "TIDEMARK_RATE_LIMIT": "0", **environment}
        command = [sys.executable, "-m", "serving", "--port", str(port)]
        return self._start(name, command, port, "/healthz", wanted)

    def reference(self, key: str) -> tuple[str, Child]:
        """Start the reference server over a Redis key; return its URL and the process."""
        port = free_port()
        command = [
            sys.executable, "-m", "uvicorn", "bench.support.bare:app", "--app-dir", str(_ROOT), "--port", str(port),
            "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
        wanted = {"BENCH_KEY": key, "BENCH_REDIS": str(self.settings.redis_url)}
        return self._start("bare", command, port, "/nothing", wanted)

    def _start(
        self, name: str, command: list[str], port: int, path: str, environment: dict[str, str]
    ) -> tuple[str, Child]:
        child = Child.start(name, command, log=self.folder / f"{name}-{port}.log", environment=os.environ | environment)
        self.stack.callback(child.stop)
        url = f"http://{HOST}:{port}"
        child.wait_until(lambda: _answers(url + path), 30)
        return url, child


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code in (200, 404)
    except httpx.TransportError:
        return False


def in_memory() -> Path | None:
    """Return a folder in memory with room for millions of observations, None if there is none."""
    fits = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free >= _NEEDED_MEMORY
    return _SHARED_MEMORY if fits else None


@contextmanager
def servers(under: Path | None = None) -> Iterator[Bench]:
    """Run an empty MongoDB and an empty Redis, whose files lie under a folder, by default that of temporary files."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-", dir=under) as name, ExitStack() as stack:
        folder = Path(name)
        ports = free_port(), free_port()
        stack.callback(mongo.start(folder / "mongo", ports[0], folder).stop)
        stack.callback(redis.start(folder / "redis", ports[1], folder).stop)
        settings = load_settings(
            _env_file=None, home=folder, mongo_url=mongo.url(ports[0]), redis_url=redis.url(ports[1]),
            secret_keys=Fernet.generate_key().decode(), retention_days=20_000, rollup_retention_days=20_000,
        )  # fmt: skip
        store = stack.enter_context(_store(settings))
        yield Bench(settings, store, folder, stack)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    store = Store.connect(settings)
    store.ensure(settings)
    yield store
    store.close()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    """Return a percentile by rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def wait(seconds: float) -> None:
    """Wait for compactions and garbage collections before a measurement, since their end cannot be observed."""
    time.sleep(seconds)
