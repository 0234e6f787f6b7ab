"""The answer of INFO: that of a single server, or of every node of a cluster."""

from collections.abc import Mapping
from typing import Any


def nodes(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the reports that an answer of `Redis.info()` or `RedisCluster.info()` consists of, one per node.

    The answer of a cluster has a dictionary per node and nothing else. In that of a single server, only some values are
    dictionaries, such as the addresses at which Redis 7.2 and Valkey listen.
    """
    if info and all(isinstance(value, dict) for value in info.values()):
        return list(info.values())
    return [info]
