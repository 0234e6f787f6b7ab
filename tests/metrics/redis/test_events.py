"""Announcing raises the version and appends the events atomically."""

from redis import Redis

from metrics.redis.events import Announcer, Event, trim
from metrics.redis.keys import events_key
from metrics.redis.versions import data_version
from tests.redis_streams import entries


def test_announcing_appends_events_and_raises_version(redis_client: Redis) -> None:
    before = data_version(redis_client, "w")
    announced = Announcer(redis_client).announce("w", [Event("metrics:update", "w", {"n": 1}, "a")])
    assert announced == data_version(redis_client, "w") != before
    ((_, entry),) = entries(redis_client, events_key("w"))
    assert entry == {b"event": b"metrics:update", b"account": b"a", b"post": b"", b"data": b'{"n":1}'}


def test_version_never_repeats_after_redis_lost_its_data(redis_client: Redis) -> None:
    announcer = Announcer(redis_client)
    seen = [announcer.announce("w") for _ in range(3)]
    redis_client.flushall()
    seen += [announcer.announce("w") for _ in range(3)]
    assert len(set(seen)) == 6


def test_version_is_new_when_another_server_answers(redis_client: Redis) -> None:
    before = data_version(redis_client, "w")
    redis_client.hset("tm:{w}:version", "run", "0" * 40)
    assert data_version(redis_client, "w") != before


def test_too_old_events_are_removed_when_new_ones_are_announced(redis_client: Redis) -> None:
    for number in range(300):
        redis_client.xadd(events_key("w"), {"event": "old"}, id=f"1000000000000-{number}")
    Announcer(redis_client, max_days=7).announce("w", [Event("metrics:update", "w", {"n": 1}, "a")])
    # Redis removes whole blocks of a hundred entries; the block with the newest entry stays.
    assert redis_client.xlen(events_key("w")) < 110


def test_silent_workspace_keeps_only_its_newest_event(redis_client: Redis) -> None:
    for number in range(5):
        redis_client.xadd(events_key("w"), {"event": "old"}, id=f"{1000000000000 + number}-0")
    assert trim(redis_client, ["w", "none"], 7) == 4
    assert [key for key, _ in entries(redis_client, events_key("w"))] == [b"1000000000004-0"]
    assert trim(redis_client, ["w"], 7) == 0


def test_young_events_stay(redis_client: Redis) -> None:
    Announcer(redis_client).announce("w", [Event("metrics:update", "w", {"n": n}, "a") for n in range(3)])
    assert trim(redis_client, ["w"], 1) == 0
    assert redis_client.xlen(events_key("w")) == 3
