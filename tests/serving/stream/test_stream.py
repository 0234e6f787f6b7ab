"""Streams of server-sent events: live, resumed, reset, filtered, ended, and without Redis."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse
from redis import Redis

from metrics.redis.events import Announcer, breakout_events, observation_event, trim
from metrics.redis.keys import events_key, ticket_key, version_key
from metrics.redis.versions import data_version
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.api_keys import hash_key
from serving.__main__ import Server
from serving.process.measures import REFUSED
from serving.stream import hub, subscriber
from serving.stream.hub import Hub
from tests.erasing import erased
from tests.redis_server import RedisServer
from tests.serving.conftest import NOW, observation, reading, serving
from tests.serving.endpoints.stored_anomalies import put_breakout
from tests.waiting import until


@contextmanager
def following(client: httpx.Client, **query: str) -> Iterator[Iterator[ServerSentEvent]]:
    with connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": "w1", **query}) as source:
        yield source.iter_sse()


def announce(announcer: Announcer, *followers: int, workspace: str = "w1", account: str = "a1") -> None:
    events = [observation_event(observation(NOW, workspace, account, followers=n)) for n in followers]
    announcer.announce(workspace, events)


def take(events: Iterator[ServerSentEvent], count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        event = next(events)
        if event.event == "metrics:update":
            found.append(event.json()["metrics"]["followers"])
    return found


def test_only_events_of_the_workspace_arrive(client: httpx.Client, announcer: Announcer) -> None:
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


def test_stream_from_an_unknown_position_begins_with_a_reset(client: httpx.Client) -> None:
    for position in ("nonsense", "1-1", "99999999999999-0"):
        with following(client, lastEventId=position) as events:
            first = next(events)
            assert (first.event, first.json()["reason"]) == ("reset", "unknown_position")


def test_stream_from_an_expired_position_begins_with_a_reset(
    client: httpx.Client, announcer: Announcer, redis_client: Redis
) -> None:
    for number in range(3):
        redis_client.xadd(events_key("w1"), {"event": "ping"}, id=f"{1000000000000 + number}-0")
    assert trim(redis_client, ["w1"], 7) == 2
    for position in ("0-0", "1000000000000-0"):
        with following(client, lastEventId=position) as events:
            first = next(events)
            assert (first.event, first.json()["reason"]) == ("reset", "unknown_position"), position
    with following(client, lastEventId="1000000000002-0") as events:
        assert next(events).event == "ping", (
            "a client that has seen the newest event continues, however old that event is"
        )
        announce(announcer, 1)
        assert take(events, 1) == [1]


def test_filter_leaves_the_other_events_out(client: httpx.Client, announcer: Announcer) -> None:
    with following(client, accountId="a1", events="metrics:update") as events:
        assert next(events).event == "ping"
        announce(announcer, 5, account="a7")
        announce(announcer, 6)
        assert take(events, 1) == [6]


def test_breakout_is_followed_by_its_name(client: httpx.Client, announcer: Announcer, store: Store) -> None:
    with following(client, accountId="a1", events="post:breakout") as events:
        assert next(events).event == "ping"
        announcer.announce("w1", breakout_events("opened", put_breakout(store, "an_1", NOW, postId="p3")))
        event = next(events)
        assert (event.event, event.json()["postId"], event.json()["status"]) == ("post:breakout", "p3", "open")


def test_ticket_opens_one_stream(client: httpx.Client) -> None:
    ticket = client.post("/analytics/stream/tickets").json()["ticket"]
    with following(client, ticket=ticket) as events:
        assert next(events).event == "ping"
    before = REFUSED.labels("ticket")._value.get()
    again = client.get("/analytics/stream", params={"workspaceId": "w1", "ticket": ticket})
    assert again.status_code == 401
    assert REFUSED.labels("ticket")._value.get() == before + 1


def stream_status(client: httpx.Client, method: str = "GET", **query: str) -> int:
    with client.stream(method, "/analytics/stream", params={"workspaceId": "w1", **query}) as answer:
        return answer.status_code


def test_ticket_is_not_used_up_by_head_or_by_a_refused_request(client: httpx.Client) -> None:
    ticket = client.post("/analytics/stream/tickets").json()["ticket"]
    assert stream_status(client, "HEAD", ticket=ticket) == 200
    assert stream_status(client, workspaceId="w2", ticket=ticket) == 404
    assert stream_status(client, accountId="a2", ticket=ticket) == 404
    assert stream_status(client, ticket=ticket) == 200
    assert stream_status(client, ticket=ticket) == 401


def test_ticket_for_reconnects_opens_streams_until_its_key_is_revoked(client: httpx.Client, seeded: Store) -> None:
    ticket = client.post("/analytics/stream/tickets", params={"reconnects": "true"}).json()["ticket"]
    with following(client, ticket=ticket) as events:
        assert next(events).event == "ping"
    assert [stream_status(client, ticket=ticket) for _ in range(3)] == [200] * 3
    (key,) = seeded.keys.find_all()
    seeded.keys.revoke(key.prefix)
    assert stream_status(client, ticket=ticket) == 401


def test_ticket_for_reconnects_is_renewed_while_its_stream_is_open(
    client: httpx.Client, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.1)
    ticket = client.post("/analytics/stream/tickets", params={"reconnects": "true"}).json()["ticket"]
    key = ticket_key(hash_key(ticket))
    with following(client, ticket=ticket) as events:
        assert next(events).event == "ping"
        redis_client.expire(key, 20)
        until(lambda: redis_client.ttl(key) > 500)


def test_stream_of_another_tenants_workspace_is_not_found(client: httpx.Client) -> None:
    assert client.get("/analytics/stream", params={"workspaceId": "w2"}).status_code == 404


def test_stream_of_an_unknown_workspace_is_not_found(live: tuple[str, Server], seeded: Store) -> None:
    key, _ = seeded.keys.create("all", ["*"], ["read"])
    answer = httpx.get(
        f"{live[0]}/analytics/stream", params={"workspaceId": "nowhere"}, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 404


def test_stop_ends_streams_cleanly(client: httpx.Client, live: tuple[str, Server]) -> None:
    with following(client) as events:
        assert next(events).event == "ping"
        live[1].end_streams()
        live[1].should_exit = True
        assert list(events) == []
    until(lambda: not live[1].servers or not any(s.is_serving() for s in live[1].servers))


def the_hub(server: Server) -> Hub:
    found: Hub = server._app.state.services.hub
    return found


def test_long_gap_is_replayed_in_order_and_followed(client: httpx.Client, announcer: Announcer) -> None:
    announce(announcer, 0)
    cursor = client.get("/analytics/workspace/w1/metrics").headers["stream-cursor"]
    announce(announcer, *range(1, 2 * hub.CHUNK + 10))
    with following(client, lastEventId=cursor) as events:
        assert take(events, 2 * hub.CHUNK + 9) == list(range(1, 2 * hub.CHUNK + 10))
        announce(announcer, 7)
        assert take(events, 1) == [7]


def test_position_in_the_header_overrides_the_url(client: httpx.Client, announcer: Announcer) -> None:
    announce(announcer, 1, 2)
    with following(client, lastEventId="0-0") as events:
        first, second = next(events), next(events)
    assert [e.json()["metrics"]["followers"] for e in (first, second)] == [1, 2]
    query = {"workspaceId": "w1", "lastEventId": "0-0"}
    with connect_sse(client, "GET", "/analytics/stream", params=query, headers={"Last-Event-ID": first.id}) as source:
        assert take(source.iter_sse(), 1) == [2]


def test_restarted_redis_causes_a_reset_and_the_stream_continues(
    client: httpx.Client, announcer: Announcer, redis_client: Redis
) -> None:
    announce(announcer, 1)
    with following(client) as events:
        assert next(events).event == "ping"
        redis_client.hset(version_key("w1"), "run", "0" * 40)
        announce(announcer, 2)
        told = next(events)
        assert (told.event, told.json()["reason"]) == ("reset", "events_restarted")
        assert take(events, 1) == [2]


def test_stream_over_the_limit_of_a_key_is_refused(client: httpx.Client, live: tuple[str, Server]) -> None:
    the_hub(live[1]).clients._per_key = 2
    with following(client) as one, following(client) as two:
        assert next(one).event == next(two).event == "ping"
        refused = client.get("/analytics/stream", params={"workspaceId": "w1"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    until(lambda: the_hub(live[1]).open_streams == 0)
    with following(client) as again:
        assert next(again).event == "ping"


@pytest.fixture
def checked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.5)


def test_revoked_key_ends_its_streams(checked_often: None, live: tuple[str, Server], seeded: Store) -> None:
    key, stored = seeded.keys.create("short", ["w1"], ["read"])
    with (
        httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {key}"}, timeout=30) as mine,
        following(mine) as events,
    ):
        assert next(events).event == "ping"
        seeded.keys.revoke(stored.prefix)
        assert list(events) == []


def test_key_that_loses_a_workspace_ends_its_streams(
    checked_often: None, live: tuple[str, Server], seeded: Store, redis_client: Redis
) -> None:
    key, _ = seeded.keys.create("both", ["w1", "w2"], ["read"])
    with (
        httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {key}"}, timeout=30) as mine,
        following(mine) as events,
    ):
        assert next(events).event == "ping"
        erased(seeded, redis_client, "workspace", "w1")
        assert list(events) == []


def stalled(address: str, key: str, rcvbuf: int = 4096) -> socket.socket:
    """Open a stream and read nothing from it."""
    url = httpx.URL(address)
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    one.connect((url.host, url.port or 80))
    one.sendall(b"GET /analytics/stream?workspaceId=w1 HTTP/1.1\r\nHost: x\r\n"
                b"Authorization: %s\r\n\r\n" % key.encode())  # fmt: skip
    return one


def test_stalled_reader_is_disconnected_without_effect_on_others(
    client: httpx.Client, live: tuple[str, Server], announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "STALLED_SECONDS", 0.5)
    monkeypatch.setattr(subscriber, "QUEUE", 50)
    with stalled(live[0], client.headers["authorization"]), following(client) as events:
        assert next(events).event == "ping"
        until(lambda: the_hub(live[1]).open_streams == 2)
        sent = 0
        # The kernel's buffers hold the first megabytes.
        while the_hub(live[1]).open_streams == 2 and sent < 100_000:
            announce(announcer, *range(sent, sent + 40))
            assert take(events, 40) == list(range(sent, sent + 40))
            sent += 40
        until(lambda: the_hub(live[1]).open_streams == 1)


def test_streams_announce_and_survive_an_outage_of_redis(
    seeded: Store, settings: Settings, own_redis: RedisServer
) -> None:
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, reading(address, seeded) as client, following(client) as events:
        assert next(events).event == "ping"
        with own_redis.client() as redis:
            announce(Announcer(redis), 1)
        assert take(events, 1) == [1]
        own_redis.stop()
        own_redis.start()
        with own_redis.client() as redis:
            announce(Announcer(redis), 2)
        assert [(e.event) for e in (next(events), next(events))] == ["reset", "metrics:update"]
        own_redis.stop()
        own_redis.forget()
        own_redis.start()
        with own_redis.client() as redis:
            data_version(redis, "w1")
        assert (lost := next(events)).json()["reason"] == "events_lost"
        assert lost.id == ""
        with own_redis.client() as redis:
            announce(Announcer(redis), 3)
        assert take(events, 1) == [3]


def test_client_that_connects_while_redis_is_away_misses_nothing(
    seeded: Store, settings: Settings, own_redis: RedisServer
) -> None:
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, reading(address, seeded) as client:
        with own_redis.client() as redis:
            announce(Announcer(redis), 1, 2)
        with following(client, lastEventId="0-0") as events:
            first = next(events)
        own_redis.stop()
        with following(client, lastEventId=first.id) as events:
            assert next(events).json()["events"] == "unavailable"
            own_redis.start()
            assert take(events, 1) == [2]
