"""Connections to one server and to a cluster, and the errors of a full or a killed server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from metrics.errors import RedisFull, RedisUnavailable, SettingsError
from metrics.redis.client import cluster_nodes, connect
from metrics.redis.errors import redis_errors
from metrics.redis.events import Announcer, Event
from metrics.redis.keys import cache_key, cached_keys_key, events_key, version_key
from metrics.redis.versions import data_version, invalidate, known_workspaces, restart
from metrics.settings import load_settings
from tests.redis_cluster import BUS, RedisCluster, free_ports, redis_cluster
from tests.waiting import until
from tidemark.stack.ports import HOST

WORKSPACES = [f"w{n}" for n in range(8)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def event(workspace: str, n: int) -> Event:
    return Event("metrics:update", workspace, {"n": n}, "a")


def test_url_of_a_cluster_names_nodes_login_and_tls() -> None:
    found = cluster_nodes("rediss+cluster://ann:s%40crt@one:7000,two")
    assert found.addresses == [("one", 7000), ("two", 6379)]
    assert found.options == {"ssl": True, "username": "ann", "password": "s@crt"}


@pytest.mark.parametrize("url", ["redis+cluster://one:x", "redis+cluster://one,", "redis+cluster://one/2"])
def test_wrong_url_of_a_cluster_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="TIDEMARK_REDIS_URL"):
        cluster_nodes(url)


def test_unreachable_cluster_is_unavailable() -> None:
    with pytest.raises(RedisUnavailable):
        connect(load_settings(_env_file=None, redis_url="redis+cluster://127.0.0.1:1"))


def test_node_of_a_cluster_gets_no_port_whose_bus_is_taken() -> None:
    taken, free = free_ports(2, range(22_000, 22_700))
    with socket.create_server((HOST, taken + BUS)):
        assert free_ports(1, [taken, free]) == [free]


def test_workspaces_of_all_hash_slots_get_a_new_epoch_in_a_cluster(cluster: RedisCluster) -> None:
    with connect(load_settings(_env_file=None, redis_url=cluster.url)) as redis:
        before = {workspace: Announcer(redis).announce(workspace) for workspace in WORKSPACES}
        assert known_workspaces(redis) >= set(WORKSPACES)
        for workspace in WORKSPACES:
            restart(redis, workspace)
            ((_, newest),) = redis.xrevrange(events_key(workspace), count=1)
            assert newest[b"event"] == b"reset"
            assert data_version(redis, workspace).partition("-")[0] != before[workspace].partition("-")[0]
            redis.delete(events_key(workspace), version_key(workspace))


def test_workspaces_of_all_hash_slots_work_in_a_cluster(cluster: RedisCluster) -> None:
    with connect(load_settings(_env_file=None, redis_url=cluster.url)) as redis:
        announcer = Announcer(redis)
        for workspace in WORKSPACES:
            version = announcer.announce(workspace, [event(workspace, n) for n in range(3)])
            assert data_version(redis, workspace) == version
            key = cache_key(workspace, "metrics", "digest", version)
            redis.set(key, b"kept")
            redis.zadd(cached_keys_key(workspace), {key: 1})
        assert [redis.xlen(events_key(workspace)) for workspace in WORKSPACES] == [3] * 8
        assert [invalidate(redis, workspace, "metrics:*") for workspace in WORKSPACES] == [1] * 8


def test_killed_primary_is_replaced_and_the_stream_has_a_reset(cluster: RedisCluster) -> None:
    with connect(load_settings(_env_file=None, redis_url=cluster.url)) as redis:
        announcer = Announcer(redis)
        before = announcer.announce("k", [event("k", 1)])
        cluster.kill_primary_of(version_key("k"))
        until(lambda: _announced(announcer))
        names = [fields[b"event"] for _, fields in redis.xrange(events_key("k"))]
        assert names[-2:] == [b"reset", b"metrics:update"]
        assert data_version(redis, "k") != before


def _announced(announcer: Announcer) -> bool:
    try:
        announcer.announce("k", [event("k", 2)])
    except RedisUnavailable:
        return False
    return True


def test_repeated_command_announces_once(redis_client: Redis) -> None:
    announcer = Announcer(redis_client)
    announcer.announce("w", [event("w", 1)])
    (token,) = redis_client.keys("tm:{w}:announced:*")
    keys = [version_key("w"), events_key("w"), token]
    arguments: list[str | int] = ["epoch", 1000, "metrics:update", "a", "", "{}"]
    version = announcer._script(keys=keys, args=arguments)
    assert version.decode() == data_version(redis_client, "w")
    assert redis_client.xlen(events_key("w")) == 1


def test_full_server_is_distinguished_from_an_unavailable_one(redis_client: Redis, tmp_path: Path) -> None:
    redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisFull):
            Announcer(redis_client).announce("w", [event("w", 1)])
        with pytest.raises(RedisFull), redis_errors():
            redis_client.set("key", "value")
    finally:
        redis_client.config_set("maxmemory", 0)
