"""Circuit breaker around Redis, for reads that can go on without it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from metrics.errors import RedisFull, RedisUnavailable
from metrics.redis.errors import redis_errors

log = logging.getLogger(__name__)

TIMEOUT = 0.5
"""Seconds that a read waits for Redis before it goes to MongoDB instead."""
_PROBE_SECONDS = 0.25
_CALLS_AT_ONCE = 64
T = TypeVar("T")


class Breaker:
    """Forwards calls to Redis. After one fails, it rejects all calls until a probe in the background succeeds."""

    def __init__(self) -> None:
        self._probing: asyncio.Task[None] | None = None
        self._room = asyncio.Semaphore(_CALLS_AT_ONCE)

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
            async with self._room:
                with redis_errors():
                    return await command()
        except RedisFull:
            raise
        except RedisUnavailable as error:
            if self._probing is None:
                log.warning("reads go to MongoDB alone: %s", error.__cause__ or error)
                self._probing = asyncio.create_task(self._probe_until_it_succeeds(probe))
            raise

    async def _probe_until_it_succeeds(self, probe: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            with suppress(RedisUnavailable):
                with redis_errors():
                    await probe()
                log.info("reads are cached again")
                self._probing = None
                return

    async def close(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
