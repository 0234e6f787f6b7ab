"""A rate per key, shared by all processes: `limits` counts in Redis, processes take from there some at a time.

A request costs a subtraction; one in `amount / 200` asks Redis. So a key never gets more than its rate, and up to half
a percent per process less, where a process took what it does not use before the minute ends.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from serving.process.measures import LIMITED, UNCHECKED
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

WINDOW = 60
_LEASES = 200
_DEADLINE = 0.25
_BLIND_SECONDS = 1.0
_SIZE = 10_000

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Lease:
    """What a process may still let through of a key: `left` of it here, `remaining` in Redis, until `until`."""

    left: int = 0
    remaining: int = 0
    until: float = 0.0
    denied: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Rates of keys in requests per minute; `default` for keys without one of their own, 0 for no limit."""

    def __init__(self, redis: Redis, default: int) -> None:
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix="tm:rate")
        # The client of this process instead of one more of the library's own.
        bridge: Any = storage.bridge
        bridge.connection_getter = lambda _: redis
        bridge.register_scripts()
        self._limiter = FixedWindowRateLimiter(storage)
        self._default = default
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._blind_until = 0.0

    async def spend(self, key_id: str, rate: int | None) -> Headers:
        """Count one request of a key and return the headers that tell it where it stands.

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
            if time.monotonic() < self._blind_until or not await self._renew(key_id, amount, lease):
                UNCHECKED.inc()
                return _policy(amount)
        lease.left -= 1
        return [*_policy(amount), (b"ratelimit", _state(lease))]

    def _lease(self, key_id: str) -> _Lease:
        lease = self._leases.get(key_id)
        if lease is None:
            lease = self._leases[key_id] = _Lease()
            while len(self._leases) > _SIZE:
                self._leases.popitem(last=False)
        return lease

    async def _renew(self, key_id: str, amount: int, lease: _Lease) -> bool:
        """Take the next requests from the key's minute in Redis; False where Redis cannot say."""
        async with lease.lock:
            if (lease.left or lease.denied) and lease.until > time.monotonic():
                return True
            item, cost, tagged = RateLimitItemPerMinute(amount), max(1, amount // _LEASES), f"{{{key_id}}}"
            try:
                async with asyncio.timeout(_DEADLINE):
                    granted = await self._limiter.hit(item, tagged, cost=cost)
                    stats = await self._limiter.get_window_stats(item, tagged)
            except (RedisError, OSError) as error:  # a full Redis too: a time-out of ours is an OSError
                log.warning("rates are not checked: %s", type(error).__name__)
                self._blind_until = time.monotonic() + _BLIND_SECONDS
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
    detail = f"This key has used its {amount} requests of this minute; wait {_seconds(lease)} s."
    state = [*_policy(amount), (b"ratelimit", _state(lease))]
    headers = {name.decode(): value.decode() for name, value in state}
    return Problem(429, detail, headers={**headers, "Retry-After": str(_seconds(lease))})
