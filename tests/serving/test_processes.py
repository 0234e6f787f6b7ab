"""Several worker processes on one port: each serves streams, stops cleanly, and never outlives its parent."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from tests.serving.conftest import reading
from tests.serving.processes import ServingProcess
from tests.serving.stream.test_stream import announce, following, take
from tests.waiting import until

READERS = 8


@pytest.fixture
def pair(settings: Settings, seeded: Store, tmp_path: Path) -> Iterator[ServingProcess]:
    """A server with two worker processes on one port."""
    running = ServingProcess(settings, tmp_path, "--workers", "2")
    yield running
    running.child.stop()


def workers(running: ServingProcess) -> list[psutil.Process]:
    children = psutil.Process(running.child.process.pid).children()
    return [c for c in children if "spawn_main" in " ".join(c.cmdline())]


def test_streams_of_every_process_get_events_and_end_cleanly(
    pair: ServingProcess, seeded: Store, announcer: Announcer
) -> None:
    with ExitStack() as stack:
        readers = []
        for _ in range(READERS):
            client = stack.enter_context(reading(pair.url, seeded))
            readers.append(stack.enter_context(following(client)))
        assert [next(events).event for events in readers] == ["ping"] * READERS
        announce(announcer, 1, 2)
        assert [take(events, 2) for events in readers] == [[1, 2]] * READERS
        left = workers(pair)
        assert len(left) == 2
        pair.child.ask_to_stop()
        assert [list(events) for events in readers] == [[]] * READERS
        assert pair.child.process.wait(20) == 0
        assert not any(process.is_running() for process in left)


def test_workers_end_with_their_parent(pair: ServingProcess) -> None:
    left = workers(pair)
    pair.child.process.kill()
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in left), 20)


def test_wrong_setting_stops_the_start_with_one_line(settings: Settings, tmp_path: Path) -> None:
    environment = {**os.environ, "TIDEMARK_CA_BUNDLE": str(tmp_path / "missing.pem")}
    ran = subprocess.run(
        [sys.executable, "-m", "serving"], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("TIDEMARK_CA_BUNDLE: ")
