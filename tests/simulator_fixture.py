"""A running simulator for tests: a real server on a free port, with its world beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
import uvicorn

from simulator.app import create_app
from simulator.clock import Clock
from simulator.registry import new_world
from simulator.world import World
from tidemark.stack.ports import HOST, free_port


@dataclass(frozen=True)
class Simulator:
    """Where it listens, what is true in it, and how to trouble it."""

    url: str
    world: World
    client: httpx.Client
    clock: Clock

    def set_clock(self, now: datetime) -> None:
        self.client.put("/_control/clock", json={"now": now.isoformat()}).raise_for_status()

    def set_faults(self, *faults: dict[str, Any]) -> None:
        self.client.put("/_control/faults", json=list(faults)).raise_for_status()

    def calls(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = self.client.get("/_control/calls").json()
        return found

    def reset(self) -> None:
        self.client.post("/_control/reset").raise_for_status()


@pytest.fixture(scope="session")
def _simulator() -> Iterator[Simulator]:
    with _running(new_world()) as running:
        yield running


@pytest.fixture(scope="session")
def _quiet_simulator() -> Iterator[Simulator]:
    """Run a simulator whose accounts publish a fifth of their usual posts: some 16 in ninety days."""
    with _running(new_world(posting=0.2)) as running:
        yield running


@contextmanager
def _running(world: World) -> Iterator[Simulator]:
    clock, port = Clock(), free_port()
    server = uvicorn.Server(
        uvicorn.Config(create_app(world, clock), host=HOST, port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    # A connection that was kept may be closed by the server just when it is used again.
    with httpx.Client(
        base_url=f"http://{HOST}:{port}", limits=httpx.Limits(max_keepalive_connections=0), timeout=60
    ) as client:
        yield Simulator(f"http://{HOST}:{port}", world, client, clock)
    server.should_exit = True
    thread.join()


@pytest.fixture
def few_posts() -> None:
    """Say that a few posts show what a test is about: to collect and to store eighty is most of what it would cost."""


@pytest.fixture
def every_post() -> None:
    """Say that a test needs accounts with as many posts as usual, among tests with few posts."""


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Simulator:
    """The simulator as new: real clock, no faults, no calls counted. With `few_posts` it is the quiet one."""
    quiet = "few_posts" in request.fixturenames and "every_post" not in request.fixturenames
    found: Simulator = request.getfixturevalue("_quiet_simulator" if quiet else "_simulator")
    found.reset()
    return found
