"""Answers of INFO, as redis-py reads them, of single servers and of clusters."""

from typing import Any

import pytest
from redis import Redis

from metrics.redis.info import nodes

SERVER = {"redis_version": "7.2.4", "listener0": {"name": "tcp", "bind": "127.0.0.1", "port": 6379}}
"""What Redis from 7.2 on and Valkey answer for the section `server`, shortened."""


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (SERVER, [SERVER]),
        ({"127.0.0.1:7000": SERVER, "127.0.0.1:7001": SERVER}, [SERVER, SERVER]),
        ({"used_memory": 1}, [{"used_memory": 1}]),
        ({}, [{}]),
    ],
)
def test_every_node_is_a_report(info: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert nodes(info) == expected


@pytest.mark.parametrize("section", ["server", "memory", "persistence"])
def test_single_server_is_one_report(section: str, redis_client: Redis) -> None:
    (report,) = nodes(redis_client.info(section))
    assert {"server": "redis_version", "memory": "used_memory", "persistence": "aof_enabled"}[section] in report
