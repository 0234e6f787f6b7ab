"""Circuit breaker around Redis, for reads that can go on without it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from metrics.errors import RedisFull, RedisUnavailable
from metrics.redis.errors import redis_errors
from serving.process.supervision import cancel

log = logging.getLogger(__name__)

TIMEOUT = 0.5
"""Seconds that a read waits for Redis before it goes to MongoDB instead."""
_PROBE_SECONDS = 0.25
_LONGEST_PAUSE = 15.0
_STEADY_SECONDS = 5.0
"""A circuit that stays closed for this long has recovered."""
_CALLS_AT_ONCE = 64
T = TypeVar("T")


class RedisCircuitBreaker:
    """Forwards calls to Redis. After one fails, it rejects all calls until a probe in the background succeeds."""

    def __init__(self) -> None:
        self._probing: asyncio.Task[None] | None = None
        self._calls_at_once = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._pause = _PROBE_SECONDS
        self._closed_at = -_STEADY_SECONDS

    @property
    def open(self) -> bool:
        """True while calls are rejected."""
        return self._probing is not None

    async def call(self, command: Callable[[], Awaitable[T]], probe: Callable[[], Awaitable[object]]) -> T:
        """Return the result of a command; if it fails, `probe` is repeated until it succeeds.

        Raises:
            RedisUnavailable: the circuit is open, or Redis did not answer.
            RedisFull: Redis took no writes; the circuit stays closed.
        """
        if self._probing is not None:
            raise RedisUnavailable("Redis failed recently; no commands are sent until it answers a probe")
        try:
            async with self._calls_at_once:
                with redis_errors():
                    return await command()
        except RedisFull:
            raise
        except RedisUnavailable as error:
            if self._probing is None:
                log.warning("reads go to MongoDB alone: %s", error)
                self._set_pause()
                self._probing = asyncio.create_task(self._probe_until_it_succeeds(probe))
            raise

    def _set_pause(self) -> None:
        """Wait longer before the probe if the circuit was closed only for a moment.

        A server may answer the probe and deny the commands, for example because of its access list.
        """
        steady = time.monotonic() - self._closed_at >= _STEADY_SECONDS
        self._pause = _PROBE_SECONDS if steady else min(2 * self._pause, _LONGEST_PAUSE)

    async def _probe_until_it_succeeds(self, probe: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(self._pause)
            try:
                with redis_errors():
                    await probe()
            except RedisUnavailable:
                continue
            except Exception:
                log.exception("the probe of Redis failed and is repeated")
                continue
            log.info("reads are cached again")
            self._closed_at = time.monotonic()
            self._probing = None
            return

    async def close(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            await cancel(self._probing)
