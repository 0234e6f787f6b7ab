"""Memory of Redis for cached answers: they may fill a part of it, so that events and tickets always find room.

Redis evicts nothing (`noeviction`), because tickets, counters, versions and events must not be lost before cached
answers, and none of its policies can tell these apart: `volatile-ttl` evicts tickets, which expire soonest, first.
"""

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis import info
from metrics.redis.errors import redis_errors

log = logging.getLogger(__name__)

SHARE = 0.75
"""The part of `maxmemory` from which on no further answers are cached."""
SECONDS = 2.0


class RedisMemory:
    """Tells whether Redis has room for cached answers; without a `maxmemory` it always has."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.full = False

    async def watch(self) -> None:
        """Ask Redis every few seconds, until cancelled."""
        while True:
            try:
                with redis_errors():
                    self._set(_used_share(await self._redis.info("memory")))
            except RedisUnavailable:
                pass  # The circuit breaker of the cache reports this.
            await asyncio.sleep(SECONDS)

    def _set(self, used: float) -> None:
        full = used >= SHARE
        if full != self.full:
            log.warning("%.0f %% of Redis's memory is used: %s", 100 * used,
                        "answers are not cached" if full else "answers are cached again")  # fmt: skip
        self.full = full


def _used_share(memory: dict[str, Any]) -> float:
    """Return the used part of `maxmemory`, of the fullest node if `memory` describes the nodes of a cluster.

    Raises:
        RedisUnavailable: this is no report of memory; redis-py makes a dictionary of any text that it is answered.
    """
    try:
        return max(node["used_memory"] / node["maxmemory"] if node["maxmemory"] else 0.0 for node in info.nodes(memory))
    except (KeyError, TypeError) as error:
        raise RedisUnavailable("Redis sent no report of its memory") from error
