"""Announcing raises the version and appends the events in one step."""

from redis import Redis

from metrics.cache import data_version
from metrics.events import Announcer, Event
from metrics.redisdb import events_key


def test_announcing_appends_events_and_raises_version(redis_client: Redis) -> None:
    before = data_version(redis_client, "w")
    announced = Announcer(redis_client).announce("w", [Event("metrics:update", "w", {"n": 1}, "a")])
    assert announced == data_version(redis_client, "w") != before
    ((_, entry),) = redis_client.xrange(events_key("w"))
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
