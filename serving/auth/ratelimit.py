"""Rate limit per key in fixed windows of a minute, counted in Redis for all processes; a process leases requests there.

A lease covers 1/200 of the rate (at least one request), so most requests cost a subtraction in memory, and only one per
lease asks Redis. A key never gets more than its rate. It may get up to half a percent less per process, if a process
does not use up its lease before the minute ends.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import RATE_PREFIX
from serving.process.measures import LIMITED, UNCHECKED
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

WINDOW = 60
_LEASES = 200
"""Leases that a rate is divided into."""
_DEADLINE = 0.25
_UNCHECKED_SECONDS = 1.0
"""How long requests are let through without another attempt after Redis failed."""
_SIZE = 10_000

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Lease:
    """The requests of a key that this process may let through until `until`: `left`. Redis has `remaining` others."""

    left: int = 0
    remaining: int = 0
    until: float = 0.0
    denied: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Limits keys to a number of requests per minute: their own, or else `default`; 0 means no limit."""

    def __init__(self, redis: Redis, default: int) -> None:
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=RATE_PREFIX)
        # Let the library use the client of this process instead of opening one of its own.
        bridge: Any = storage.bridge
        bridge.connection_getter = lambda _: redis
        bridge.register_scripts()
        self._limiter = FixedWindowRateLimiter(storage)
        self._default = default
        self._leases: LRUCache[str, _Lease] = LRUCache(_SIZE)
        self._unchecked_until = 0.0

    async def spend(self, key_id: str, rate: int | None) -> Headers:
        """Count one request of a key, and return the headers that tell the client what is left of the rate.

        Raises:
            Problem: 429, the key has used up its minute.
        """
        amount = self._default if rate is None else rate
        if amount == 0:
            return []
        lease = self._lease(key_id)
        while lease.left == 0 or lease.until <= time.monotonic():
            if lease.denied and lease.until > time.monotonic():
                raise _too_many(amount, lease)
            if time.monotonic() < self._unchecked_until or not await self._renew(key_id, amount, lease):
                UNCHECKED.inc()
                return _policy(amount)
        lease.left -= 1
        return [*_policy(amount), (b"ratelimit", _state(lease))]

    def standing(self, key_id: str, rate: int | None) -> tuple[int | None, int | None]:
        """Return the requests per minute of a key, or None without a limit, and how many are left, if that is known."""
        amount = self._default if rate is None else rate
        if amount == 0:
            return None, None
        lease = self._leases.get(key_id)
        if lease is None or lease.until <= time.monotonic():
            return amount, None
        return amount, lease.remaining + lease.left

    def _lease(self, key_id: str) -> _Lease:
        lease = self._leases.get(key_id)
        if lease is None:
            lease = self._leases[key_id] = _Lease()
        return lease

    async def _renew(self, key_id: str, amount: int, lease: _Lease) -> bool:
        """Lease the next requests of the key's minute from Redis; return False if Redis fails."""
        async with lease.lock:
            if (lease.left or lease.denied) and lease.until > time.monotonic():
                return True
            item, cost, tagged = RateLimitItemPerMinute(amount), max(1, amount // _LEASES), f"{{{key_id}}}"
            try:
                with redis_errors():
                    async with asyncio.timeout(_DEADLINE):
                        granted = await self._limiter.hit(item, tagged, cost=cost)
                        stats = await self._limiter.get_window_stats(item, tagged)
            except RedisUnavailable as error:
                log.warning("rate limits are not checked at present: %s", error)
                self._unchecked_until = time.monotonic() + _UNCHECKED_SECONDS
                return False
            lease.denied, lease.left = not granted, cost if granted else 0
            lease.remaining = max(0, stats.remaining)
            lease.until = time.monotonic() + max(1.0, stats.reset_time - time.time())
            return True


def _policy(amount: int) -> Headers:
    return [(b"ratelimit-policy", b'"key";q=%d;w=%d' % (amount, WINDOW))]


def _state(lease: _Lease) -> bytes:
    return b'"key";r=%d;t=%d' % (lease.remaining + lease.left, _seconds(lease))


def _seconds(lease: _Lease) -> int:
    return max(1, round(lease.until - time.monotonic()))


def _too_many(amount: int, lease: _Lease) -> Problem:
    LIMITED.inc()
    detail = f"This key has used up its {amount} requests of this minute; wait {_seconds(lease)} s."
    state = [*_policy(amount), (b"ratelimit", _state(lease))]
    headers = {name.decode(): value.decode() for name, value in state}
    return Problem(429, detail, headers={**headers, "Retry-After": str(_seconds(lease))})
