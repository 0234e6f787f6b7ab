"""Fixtures: a real server on a free port, with the data of two workspaces."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation, PostDocument, Scope
from metrics.periods import slot_of
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server, server
from serving.app import create_app
from tests.redis_server import RedisServer
from tests.serving.conformance import check
from tests.waiting import until
from tidemark.stack.ports import free_port

NOW = slot_of(utcnow())


def account(account_id: str, workspace_id: str) -> AccountDocument:
    return {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": NOW - timedelta(days=3), "credentials": b"sealed",
    }  # fmt: skip


def post(post_id: str, account_id: str, workspace_id: str) -> PostDocument:
    return {
        "_id": post_id, "workspaceId": workspace_id, "accountId": account_id, "platform": "instagram",
        "platformPostId": f"theirs_{post_id}", "metricType": "post", "contentType": "image",
        "publishedAt": NOW - timedelta(days=1),
    }  # fmt: skip


def observation(slot: datetime, workspace_id: str = "w1", account_id: str = "a1", **metrics: int) -> Observation:
    values = metrics or {"followers": 100}
    return Observation(
        workspace_id, account_id, "instagram", "account", slot, slot + timedelta(hours=1), values, "r", "v1"
    )


def post_observation(slot: datetime, post_id: str = "p1", **metrics: int) -> Observation:
    return Observation(
        "w1", "a1", "instagram", "post", slot, slot + timedelta(hours=1), metrics, "r", "v1",
        post_id=post_id, platform_post_id=f"theirs_{post_id}", content_type="image",
    )  # fmt: skip


@pytest.fixture
def seeded(store: Store) -> Store:
    """Two workspaces, `w1` with three hours of an account and two posts, `w2` with one account."""
    store.accounts.put([account("a1", "w1"), account("a2", "w2")])
    store.posts.put([post("p1", "a1", "w1"), post("p2", "a1", "w1"), post("p9", "a2", "w2")])
    hours = [NOW - timedelta(hours=h) for h in (3, 2, 1)]
    store.observations.append([observation(slot, followers=100 + n) for n, slot in enumerate(hours)])
    store.observations.append(
        [
            post_observation(hours[-1], likes=3, comments=2, shares=1, saves=0, views=60),
            post_observation(hours[-1], "p2", likes=1),
        ]
    )
    return store


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
    thread.join(10)
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
