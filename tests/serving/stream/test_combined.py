"""Streams of several workspaces: each is resumed exactly, reset for itself, and seen only with the right to it."""

from collections import defaultdict
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse
from redis import Redis

from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from metrics.settings import Settings
from metrics.store import Store
from serving.__main__ import Server
from serving.stream import hub, subscriber
from serving.stream.cursor import MAX_WORKSPACES, parse_cursor, positions
from tests.redis_server import RedisServer
from tests.serving.conftest import running, serving
from tests.serving.stream.combined import STREAM, URLS, key_of_both, naming, numbers, of_both, write
from tests.serving.stream.test_stream import announce, the_hub
from tests.waiting import until


def test_events_of_both_arrive_after_one_ping(both: httpx.Client, announcer: Announcer) -> None:
    with of_both(both) as events:
        assert next(events).event == "ping"
        write(announcer, "w1", 1, 2)
        write(announcer, "w2", 7)
        write(announcer, "w3", 666)
        found, last = numbers(events, 3)
        assert found == {"w1": [1, 2], "w2": [7]}
        assert set(parse_cursor(last) or {}) == {"w1", "w2"}


def test_many_workspaces_are_followed_at_once(live: tuple[str, Server], seeded: Store, announcer: Announcer) -> None:
    """Each new workspace interrupts the read of the others."""
    names = [f"many{n}" for n in range(MAX_WORKSPACES)]
    with key_of_both(live[0], seeded, tuple(names)) as client:
        query = naming(*names)
        with connect_sse(client, "GET", STREAM, params=query) as source:
            events = source.iter_sse()
            assert next(events).event == "ping"
            for number, name in enumerate(names):
                announce(announcer, number, workspace=name, account="a1")
            found, last = numbers(events, MAX_WORKSPACES)
    assert found == {name: [number] for number, name in enumerate(names)}
    assert len(parse_cursor(last) or {}) == MAX_WORKSPACES


def test_stream_of_one_workspace_keeps_its_ids(client: httpx.Client, announcer: Announcer) -> None:
    with connect_sse(client, "GET", STREAM, params=naming("w1")) as source:
        events = source.iter_sse()
        assert next(events).event == "ping"
        write(announcer, "w1", 1)
        assert next(events).id.replace("-", "").isdigit()


def test_each_workspace_is_resumed_where_it_was(both: httpx.Client, announcer: Announcer) -> None:
    """Every id on the way is a place from which exactly the rest follows."""
    write(announcer, "w1", 0)
    write(announcer, "w2", 100)
    with of_both(both) as events:
        assert next(events).event == "ping"
        for number in range(1, 5):
            write(announcer, "w1", number)
            write(announcer, "w2", 100 + number)
        seen: list[tuple[str, int]] = []
        ids: list[str] = []
        while len(seen) < 8:
            event = next(events)
            seen.append((event.json()["workspaceId"], event.json()["metrics"]["followers"]))
            ids.append(event.id)
    write(announcer, "w2", 105)
    everything = {"w1": [1, 2, 3, 4], "w2": [101, 102, 103, 104, 105]}
    for place, last in enumerate(ids):
        before = {name: [n for w, n in seen[: place + 1] if w == name] for name in everything}
        wanted = {name: every[len(before[name]) :] for name, every in everything.items()}
        with of_both(both, header=last) as events:
            found, _ = numbers(events, sum(map(len, wanted.values())))
            assert {"w1": [], "w2": []} | found == wanted, (place, last)
            write(announcer, "w1", 50 + place)
            assert numbers(events, 1)[0] == {"w1": [50 + place]}
        everything["w1"].append(50 + place)


def test_cursor_is_made_of_the_cursors_of_reads(both: httpx.Client, announcer: Announcer) -> None:
    write(announcer, "w1", 1)
    cursor = ",".join(f"{name}={both.get(url).headers['stream-cursor']}" for name, url in URLS.items())
    write(announcer, "w1", 2)
    write(announcer, "w2", 3)
    with of_both(both, ("lastEventId", cursor)) as events:
        assert numbers(events, 2)[0] == {"w1": [2], "w2": [3]}


def test_workspace_that_the_cursor_does_not_name_is_followed_from_now_on(
    both: httpx.Client, announcer: Announcer
) -> None:
    write(announcer, "w1", 1)
    write(announcer, "w2", 2)
    with of_both(both, ("lastEventId", "w1=0-0,w9=1-1")) as events:
        assert numbers(events, 1)[0] == {"w1": [1]}
        write(announcer, "w2", 3)
        assert numbers(events, 1)[0] == {"w2": [3]}


def test_long_gaps_are_replayed_in_order(
    both: httpx.Client, announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHUNK", 7)
    write(announcer, "w1", *range(50))
    write(announcer, "w2", *range(100, 130))
    with of_both(both, ("lastEventId", "w1=0-0,w2=0-0")) as events:
        found, last = numbers(events, 80)
        assert found == {"w1": list(range(50)), "w2": list(range(100, 130))}
    with of_both(both, header=last) as events:
        assert next(events).event == "ping"


def test_streams_are_resumed_after_a_restart_of_the_server(
    seeded: Store, settings: Settings, announcer: Announcer
) -> None:
    write(announcer, "w1", 1)
    write(announcer, "w2", 2)
    with (
        serving(settings) as address,
        key_of_both(address, seeded) as client,
        of_both(client, ("lastEventId", "w1=0-0,w2=0-0")) as events,
    ):
        _, last = numbers(events, 2)
    write(announcer, "w1", 3, 4)
    write(announcer, "w2", 5)
    with (
        serving(settings) as address,
        key_of_both(address, seeded) as client,
        of_both(client, header=last) as events,
    ):
        assert numbers(events, 3)[0] == {"w1": [3, 4], "w2": [5]}
        write(announcer, "w2", 6)
        assert numbers(events, 1)[0] == {"w2": [6]}


def test_trimmed_workspace_is_reset_and_the_other_stays_in_place(
    both: httpx.Client, announcer: Announcer, redis_client: Redis
) -> None:
    write(announcer, "w1", 1)
    write(announcer, "w2", 2)
    with of_both(both, ("lastEventId", "w1=0-0,w2=0-0")) as events:
        _, last = numbers(events, 2)
    write(announcer, "w1", 3, 4)
    write(announcer, "w2", 5)
    redis_client.xtrim(events_key("w2"), maxlen=1, approximate=False)
    with of_both(both, header=last) as events:
        received = [next(events) for _ in range(3)]
        (told,) = [event for event in received if event.event == "reset"]
        assert told.json()["workspaceId"] == "w2"
        assert told.json()["reason"] == "unknown_position"
        assert all(url.startswith("/analytics/workspace/w2/") for url in told.json()["refetch"])
        assert [e.json()["metrics"]["followers"] for e in received if e.event == "metrics:update"] == [3, 4]
    write(announcer, "w1", 6)
    write(announcer, "w2", 7)
    with of_both(both, header=received[-1].id) as events:
        assert numbers(events, 2)[0] == {"w1": [6], "w2": [7]}, "the id of a reset is a place as well"


def test_filtered_stream_keeps_its_place_in_the_workspace_without_wanted_events(
    both: httpx.Client, announcer: Announcer, redis_client: Redis
) -> None:
    """Otherwise a long stream of one account would be reset because of the other workspace's old events."""
    write(announcer, "w2", 1)
    with of_both(both, ("accountId", "a1")) as events:
        assert next(events).event == "ping"
        write(announcer, "w2", *range(5))
        until(lambda: redis_client.xlen(events_key("w2")) == 6)
        write(announcer, "w1", 1)
        _, last = numbers(events, 1)
        write(announcer, "w1", 2)
        _, last = numbers(events, 1)
    assert positions(parse_cursor(last) or {})["w2"] > (0, 0)
    redis_client.xtrim(events_key("w2"), maxlen=1, approximate=False)
    with of_both(both, header=last) as events:
        assert next(events).event == "ping"


def test_combined_stream_counts_as_one_stream_of_its_key(both: httpx.Client, live: tuple[str, Server]) -> None:
    the_hub(live[1]).clients._per_key = 1
    with of_both(both) as events:
        assert next(events).event == "ping"
        assert the_hub(live[1]).open_streams == 1
        refused = both.get(STREAM, params=naming("w1", "w2"))
        assert refused.status_code == 429
    until(lambda: the_hub(live[1]).open_streams == 0)
    followed = the_hub(live[1])._channels.values()
    until(lambda: not any(channel.followers or channel.subscribers for channel in followed))


def test_stop_ends_combined_streams(seeded: Store, settings: Settings) -> None:
    with running(settings) as (address, server), key_of_both(address, seeded) as client, of_both(client) as events:
        assert next(events).event == "ping"
        server.end_streams()
        assert list(events) == []


def test_slow_reader_of_a_combined_stream_loses_nothing_when_it_resumes(
    both: httpx.Client, announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue of one workspace is full: the stream ends, and the last id is still the place of every workspace."""
    monkeypatch.setattr(subscriber, "QUEUE", 3)
    write(announcer, "w1", 0)
    write(announcer, "w2", 100)
    got: defaultdict[str, list[int]] = defaultdict(list)
    last = "w1=0-0,w2=0-0"
    for start in range(1, 200, 40):
        with of_both(both, header=last) as events:
            write(announcer, "w1", *range(start, start + 40))
            write(announcer, "w2", *range(100 + start, 140 + start))
            for event in events:
                if event.event == "metrics:update":
                    got[event.json()["workspaceId"]].append(event.json()["metrics"]["followers"])
                    last = event.id
                elif event.event == "reset":
                    assert event.json()["reason"] == "slow_reader"
                if got["w1"][-1:] == [start + 39] and got["w2"][-1:] == [139 + start]:
                    break
    monkeypatch.undo()
    with of_both(both, header=last) as events:
        while got["w1"][-1] < 200 or got["w2"][-1] < 300:
            event = next(events)
            if event.event == "metrics:update":
                got[event.json()["workspaceId"]].append(event.json()["metrics"]["followers"])
    assert got == {"w1": list(range(201)), "w2": list(range(100, 301))}


def test_combined_stream_says_once_that_redis_is_away(
    seeded: Store, settings: Settings, tmp_path: Path, own_redis: RedisServer
) -> None:
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, key_of_both(address, seeded) as client:
        with own_redis.client() as redis:
            write(Announcer(redis), "w1", 1)
            write(Announcer(redis), "w2", 2)
        own_redis.stop()
        with of_both(client, ("lastEventId", "w1=0-0,w2=0-0")) as events:
            assert next(events).json()["events"] == "unavailable"
            own_redis.start()
            assert numbers(events, 2)[0] == {"w1": [1], "w2": [2]}
            assert "events" not in next(events).json(), "the ping of the stream that has caught up"
