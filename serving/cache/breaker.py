"""Redis for what can do without it: asked with little patience, and not at all while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from metrics.errors import RedisFull, RedisUnavailable
from metrics.redis.client import redis_errors

log = logging.getLogger(__name__)

TIMEOUT = 0.5
"""Seconds that a read waits for Redis before it asks MongoDB instead."""
_MEND_SECONDS = 0.25
_AT_ONCE = 64
T = TypeVar("T")


class Breaker:
    """Passes questions on until one is not answered; then none, until one of its own is."""

    def __init__(self) -> None:
        self._mending: asyncio.Task[None] | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)

    @property
    def open(self) -> bool:
        """Whether Redis is not asked at present."""
        return self._mending is not None

    async def ask(self, question: Callable[[], Awaitable[T]], probe: Callable[[], Awaitable[object]]) -> T:
        """Return the answer; `probe` is what Redis is asked until it answers again.

        Raises:
            RedisUnavailable: it was not asked, or did not answer.
            RedisFull: it took no writes.
        """
        if self._mending is not None:
            raise RedisUnavailable("Redis was away just now; it is asked again when it is back")
        try:
            async with self._room:
                with redis_errors():
                    return await question()
        except RedisFull:
            raise
        except RedisUnavailable as error:
            if self._mending is None:
                log.warning("reads go to MongoDB alone: %s", error.__cause__ or error)
                self._mending = asyncio.create_task(self._mend(probe))
            raise

    async def _mend(self, probe: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(_MEND_SECONDS)
            with suppress(RedisUnavailable):
                with redis_errors():
                    await probe()
                log.info("reads are cached again")
                self._mending = None
                return

    async def close(self) -> None:
        """Stop asking."""
        if self._mending is not None:
            self._mending.cancel()
            with suppress(asyncio.CancelledError):
                await self._mending
