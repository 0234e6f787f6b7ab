"""Streams of the workspaces `w1` and `w2` together, for tests."""

import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from httpx_sse import ServerSentEvent, connect_sse

from metrics.redis.events import Announcer
from metrics.store import Store
from tests.serving.stream.test_stream import announce

STREAM = "/analytics/stream"
URLS = {"w1": "/analytics/workspace/w1/metrics", "w2": "/analytics/workspace/w2/metrics"}


Pairs = list[tuple[str, str | int | float | bool | None]]


def naming(*names: str) -> Pairs:
    """Return a query that names workspaces."""
    return [("workspaceId", name) for name in names]


@contextmanager
def of_both(client: httpx.Client, *more: tuple[str, str], header: str = "") -> Iterator[Iterator[ServerSentEvent]]:
    query = [("workspaceId", "w1"), ("workspaceId", "w2"), *more]
    headers = {"Last-Event-ID": header} if header else {}
    with connect_sse(client, "GET", f"{STREAM}?{urllib.parse.urlencode(query)}", headers=headers) as source:
        yield source.iter_sse()


@contextmanager
def key_of_both(address: str, store: Store, workspaces: tuple[str, ...] = ("w1", "w2")) -> Iterator[httpx.Client]:
    key, _ = store.keys.create("both", workspaces, ["read"])
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=30) as opened:
        yield opened


def write(announcer: Announcer, workspace: str, *followers: int) -> None:
    announce(announcer, *followers, workspace=workspace, account="a1" if workspace == "w1" else "a2")


def numbers(events: Iterator[ServerSentEvent], count: int) -> tuple[dict[str, list[int]], str]:
    """Return the followers of the next `count` updates by workspace, and the id of the last one."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    last, left = "", count
    while left:
        event = next(events)
        if event.event == "metrics:update":
            found[event.json()["workspaceId"]].append(event.json()["metrics"]["followers"])
            last, left = event.id, left - 1
    return dict(found), last
