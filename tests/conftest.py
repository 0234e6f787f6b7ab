"""Fixtures of all tests: a real MongoDB and a real Redis per worker, and an empty database per test."""

import functools
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import psutil
import pytest
from cryptography.fernet import Fernet
from httpx._config import DEFAULT_TIMEOUT_CONFIG, create_ssl_context
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from metrics.errors import SettingsError
from metrics.redis.client import connect as connect_redis
from metrics.settings import Settings, load_settings
from metrics.store import Store
from tests import examples
from tests.databases import Spare
from tests.order import arrange, scheduler
from tests.simulator_fixture import _quiet_simulator, _simulator, every_post, few_posts, simulator
from tidemark.stack import locate, mongo, redis
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child

# Collecting the suite makes half a million objects, all of which stay. The garbage collector would look at them again
# and again, for a sixth of the time of collecting; it works again when the tests run.
gc.disable()
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", examples.EVERY_RUN))

FIXTURES = Path(os.environ.get("TIDEMARK_FIXTURES", Path(__file__).parents[2] / "shared" / "fixtures"))
FIRST_DAY = "2024-01-01"
"""The first partition, whenever the tests run. It is read where partitions are imported, before any fixture."""
os.environ["TIDEMARK_FIRST_DAY"] = FIRST_DAY
_SHARED_MEMORY = Path("/dev/shm")
_NEEDED_MEMORY = 6 * 2**30
"""A worker's MongoDB takes 0.3 GB; so does each stack of a test, while that test runs."""

_FEW_FILES = {"minSnapshotHistoryWindowInSeconds": 60, "wiredTigerFileHandleCloseIdleTime": 30}
"""A database has some sixty files. By default those of a dropped one stay open for minutes, and a worker that drops
many comes to the limit of open files, where mongod ends."""

_NO_EXPIRY = {"ttlMonitorEnabled": 0}
"""Many tests set the clock to an old instant, and the server's clock differs from that of the test: it would delete
what the test has just written, once a minute."""

SECRET_KEY = Fernet.generate_key().decode()


def _fits_in_memory() -> bool:
    """Tell whether the temporary folders of the tests fit into memory, and programs there can be started.

    MongoDB waits for the disk with each write, which is most of the time of the suite where they lie on a disk. A
    container often has 64 MB of shared memory, from which nothing can be started.
    """
    if not (_SHARED_MEMORY.is_dir() and os.access(_SHARED_MEMORY, os.W_OK)):
        return False
    if os.statvfs(_SHARED_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return min(shutil.disk_usage(_SHARED_MEMORY).free, psutil.virtual_memory().available) >= _NEEDED_MEMORY


if "PYTEST_XDIST_WORKER" not in os.environ and _fits_in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_SHARED_MEMORY))

WORKERS_PER_CORE = 2
"""Tests wait for servers and processes about as long as they compute."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the number of workers of `-n auto`, or None if the variable of pytest-xdist gives it."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else WORKERS_PER_CORE * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of `tests/order.py`, unless another is asked for with `--dist`."""
    return scheduler(config, log) if config.getvalue("dist") == "load" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the suite for several workers."""
    arrange(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Let the garbage collector work while tests run, yet less often than by default: after 10,000 new objects."""
    gc.set_threshold(10_000)
    gc.enable()


def pytest_report_header() -> str:
    """Name the Redis or Valkey of the tests: the first one on the PATH, else that of the wheel."""
    try:
        server = locate.redis_server()
    except SettingsError as error:
        return str(error)
    return f"redis: {server} ({server.program})"


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the TIDEMARK_ variables of the calling environment from the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("TIDEMARK_") and n != "TIDEMARK_FIXTURES"]:
            patch.delenv(name)
        patch.setenv("TIDEMARK_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TIDEMARK_PROXY", "none")
        patch.setenv("TIDEMARK_FIRST_DAY", FIRST_DAY)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_once() -> Iterator[None]:
    """Let all clients of HTTP share the certificates, which each would read for itself, in 25 ms of processor time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", functools.cache(create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_clients() -> Iterator[None]:
    """Let clients of HTTP wait for a minute by default instead of 5 s, in which a busy machine may not answer."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "read", "write", "pool"):
            patch.setattr(DEFAULT_TIMEOUT_CONFIG, name, 60.0)
        yield


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a MongoDB of this worker."""
    home, port = tmp_path_factory.mktemp("mongo"), free_port()
    child = mongo.start(home / "data", port, home / "logs", parameters=_FEW_FILES | _NO_EXPIRY)
    yield mongo.url(port)
    child.stop()
    shutil.rmtree(home / "data")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis of this worker."""
    home, port = tmp_path_factory.mktemp("redis"), free_port()
    child: Child = redis.start(home / "data", port, home / "logs")
    yield redis.url(port)
    child.stop()


@pytest.fixture(scope="session")
def _spare(mongo_server: str) -> Iterator[Spare]:
    """The database that the tests of this worker use one after the other."""
    spare = Spare()
    yield spare
    spare.close()


@pytest.fixture
def settings(
    mongo_server: str, redis_server: str, tmp_path: Path, _spare: Spare, request: pytest.FixtureRequest
) -> Settings:
    """Settings of one test: an empty database, an emptied Redis, and retention that keeps old dates.

    The database has its collections where the test asks for a store, and is not there yet where it asks for none.
    """
    with Redis.from_url(redis_server) as client:
        client.flushall()
    environment = tuple(sorted(item for item in os.environ.items() if item[0].startswith("TIDEMARK_")))
    return _loaded(mongo_server, redis_server, environment).model_copy(
        update={
            "home": tmp_path,
            "mongo_db": _spare.name if "store" in request.fixturenames else f"test_{uuid4().hex[:12]}",
        }
    )


@functools.cache
def _loaded(mongo_url: str, redis_url: str, environment: tuple[tuple[str, str], ...]) -> Settings:
    """Read the settings of a worker's tests once for each `environment`: it takes 5 ms of processor time."""
    return load_settings(
        _env_file=None,
        mongo_url=mongo_url,
        redis_url=redis_url,
        secret_keys=SECRET_KEY,
        retention_days=20_000,
        rollup_retention_days=20_000,
    )


@pytest.fixture
def store(settings: Settings, _spare: Spare) -> Iterator[Store]:
    """An empty store."""
    opened = _spare.open(settings)
    if settings.mongo_db == _spare.name:
        _spare.prepare(opened, settings)
        yield opened
    else:
        opened.ensure(settings)
        yield opened
        opened.client.drop_database(settings.mongo_db)


@pytest.fixture
def redis_client(settings: Settings) -> Iterator[Redis]:
    """A client of this test's Redis."""
    with connect_redis(settings) as client:
        yield client


@pytest.fixture
def absent_redis() -> Iterator[Redis]:
    """A client of a Redis that nobody runs. It tries each command once, for there is nothing to wait for."""
    with Redis(host=HOST, port=free_port(), retry=Retry(NoBackoff(), 0)) as client:
        yield client


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of recorded answers; tests that read them skip where it is missing."""
    if not FIXTURES.is_dir():
        pytest.skip(f"no recorded answers in {FIXTURES}; set TIDEMARK_FIXTURES")
    return FIXTURES


__all__ = ["_quiet_simulator", "_simulator", "every_post", "examples", "few_posts", "simulator"]
