"""Fixtures: a real server on a free port, with the data of two workspaces."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis

from metrics.documents import Scope
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server, server
from serving.app import create_app
from tests.redis_server import RedisServer
from tests.serving.conformance import check
from tests.serving.documents import NOW, account, observation, post, post_observation, seeded
from tests.waiting import until
from tidemark.stack.ports import free_port


@contextmanager
def running(settings: Settings) -> Iterator[tuple[str, Server]]:
    """Run a server in a thread; yield its URL and the server."""
    port = free_port()
    one = server(create_app(settings), "127.0.0.1", port)
    thread = threading.Thread(target=one.run)
    thread.start()
    until(lambda: one.started)
    yield f"http://127.0.0.1:{port}", one
    one.end_streams()
    one.should_exit = True
    thread.join(60)
    assert not thread.is_alive()


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Run a server in a thread; yield its URL."""
    with running(settings) as (address, _):
        yield address


@contextmanager
def reading(address: str, store: Store, *further: Scope) -> Iterator[httpx.Client]:
    """Yield a client with a key of `w1` that may read, collect, and more; its answers are checked against OpenAPI."""
    key, _ = store.keys.create("test", ["w1"], ["read", "collect", *further])
    headers, hooks = {"Authorization": f"Bearer {key}"}, {"response": [check]}
    with httpx.Client(base_url=address, headers=headers, timeout=30, event_hooks=hooks) as opened:
        yield opened


@pytest.fixture
def live(seeded: Store, settings: Settings) -> Iterator[tuple[str, Server]]:
    """The URL of a running server, and the server."""
    with running(settings) as found:
        yield found


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test, which it may stop."""
    one = RedisServer(tmp_path / "own-redis")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def client(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    """A client with a key of `w1` that may read and collect."""
    with reading(live[0], seeded) as opened:
        yield opened


@pytest.fixture
def admin(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    """A client with a key of `w1` that may do everything."""
    with reading(live[0], seeded, "admin") as opened:
        yield opened


@pytest.fixture
def announcer(redis_client: Redis) -> Announcer:
    return Announcer(redis_client)


__all__ = ["NOW", "account", "observation", "post", "post_observation", "seeded"]
