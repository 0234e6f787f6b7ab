"""Streams: live, resumed, reset, filtered, stopped."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from httpx_sse import ServerSentEvent, connect_sse

from metrics.events import Announcer, observed
from serving.__main__ import Server
from tests.serving.conftest import NOW, observation
from tests.waiting import until


@contextmanager
def following(client: httpx.Client, **query: str) -> Iterator[Iterator[ServerSentEvent]]:
    with connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": "w1", **query}) as source:
        yield source.iter_sse()


def announce(announcer: Announcer, *followers: int, workspace: str = "w1", account: str = "a1") -> None:
    events = [observed(observation(NOW, workspace, account, followers=n)) for n in followers]
    announcer.announce(workspace, events)


def take(events: Iterator[ServerSentEvent], count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        event = next(events)
        if event.event == "metrics:update":
            found.append(event.json()["metrics"]["followers"])
    return found


def test_events_of_the_workspace_alone_arrive(client: httpx.Client, announcer: Announcer) -> None:
    with following(client) as events:
        assert next(events).event == "ping"
        announce(announcer, 666, workspace="w2", account="a2")
        announce(announcer, 1, 2)
        assert take(events, 2) == [1, 2]


def test_gap_since_a_read_is_replayed_once(client: httpx.Client, announcer: Announcer) -> None:
    announce(announcer, 1)
    cursor = client.get("/analytics/workspace/w1/metrics").headers["stream-cursor"]
    announce(announcer, 2, 3)
    with following(client, lastEventId=cursor) as events:
        assert take(events, 2) == [2, 3]
        announce(announcer, 4)
        assert take(events, 1) == [4]


def test_unknown_position_is_reset_first(client: httpx.Client) -> None:
    for position in ("nonsense", "1-1", "99999999999999-0"):
        with following(client, lastEventId=position) as events:
            first = next(events)
            assert (first.event, first.json()["reason"]) == ("reset", "unknown_position")


def test_filter_leaves_the_other_events_out(client: httpx.Client, announcer: Announcer) -> None:
    with following(client, accountId="a1", events="metrics:update") as events:
        assert next(events).event == "ping"
        announce(announcer, 5, account="a7")
        announce(announcer, 6)
        assert take(events, 1) == [6]


def test_ticket_opens_one_stream(client: httpx.Client) -> None:
    ticket = client.post("/analytics/stream/tickets").json()["ticket"]
    with following(client, ticket=ticket) as events:
        assert next(events).event == "ping"
    again = client.get("/analytics/stream", params={"workspaceId": "w1", "ticket": ticket})
    assert again.status_code == 401


def test_another_workspaces_stream_is_not_there(client: httpx.Client) -> None:
    assert client.get("/analytics/stream", params={"workspaceId": "w2"}).status_code == 404


def test_stop_ends_streams_cleanly(client: httpx.Client, live: tuple[str, Server]) -> None:
    with following(client) as events:
        assert next(events).event == "ping"
        live[1].end_streams()
        live[1].should_exit = True
        assert list(events) == []
    until(lambda: not live[1].servers or not any(s.is_serving() for s in live[1].servers), 5)
