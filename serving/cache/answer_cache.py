"""Finished answers in Redis, under the `dataVersion` that they were read at; one filler per key.

The version is asked for before the stores are read, so what is found under a version is never older than it. A write
that comes in between moves the version: what was kept under the old one is given to those who asked before, and to
nobody after.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import uuid4

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import cache_key
from serving.cache.breaker import Breaker
from serving.cache.finished import Answer, HotCopies, finish
from serving.cache.states import State
from serving.cache.versions import Together
from serving.process.measures import CACHE

__all__ = ["AnswerCache", "Fill", "Kind", "State", "finish"]

log = logging.getLogger(__name__)

Kind = Literal["metrics", "aggregated", "posts", "accounts"]

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_LOCK_MS = 10_000
_POLL_SECONDS = (0.005, 0.05)
"""First and longest wait for another process's answer."""

Fill = Callable[[State], Awaitable[bytes]]


class AnswerCache:
    """Answers by workspace, kind and query. Use a client with little patience: reads do not need Redis."""

    def __init__(self, redis: "Redis", ttl: dict[Kind, int], hot_bytes: int, breaker: Breaker | None = None) -> None:
        self._redis = redis
        self._ttl = ttl
        self._release = redis.register_script(_RELEASE)
        self._filling: dict[str, asyncio.Task[Answer]] = {}
        self._getting: dict[str, asyncio.Task[Answer | None]] = {}
        self._hot = HotCopies(hot_bytes)
        self._hits = {kind: CACHE.labels(kind, "hit") for kind in ttl}
        self.breaker = breaker or Breaker()
        self._together = Together(redis, self.breaker)

    async def get(self, workspace_id: str, kind: Kind, digest: str, fill: Fill) -> Answer:
        """Return the answer to a query: the one that is kept, or what `fill` returns."""
        state, kept = await self.find(workspace_id, kind, digest)
        if state.version is None:
            CACHE.labels(kind, "bypass").inc()
            return await finish(await fill(state), state)
        if kept is not None:
            return kept
        CACHE.labels(kind, "miss").inc()
        key = cache_key(workspace_id, kind, digest, state.version)
        task = self._filling.get(key)
        if task is None:
            task = asyncio.create_task(self._fill(kind, key, state, fill))
            self._filling[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        # A client that leaves does not take the answer from those who wait for the same.
        return await asyncio.shield(task)

    async def find(self, workspace_id: str, kind: Kind, digest: str) -> tuple[State, Answer | None]:
        """Return where the workspace stands, and the answer that is kept for this state, if there is one."""
        seen = self._together.seen(workspace_id)
        likely = cache_key(workspace_id, kind, digest, seen) if seen is not None else None
        asked = None if likely in self._hot else likely
        state, kept = await self._together.ask(workspace_id, asked)
        if state.version is None:
            return state, None
        key = cache_key(workspace_id, kind, digest, state.version)
        answer = self._hot.get(key, state.cleared)
        if answer is None:
            # What came with the state is kept under the version that was likely, which may be an older one.
            answer = kept if key == asked else await self._kept(key)
            if answer is None:
                return state, None
            self._hot.put(key, answer, state.cleared)
        self._hits[kind].inc()
        return state, answer

    def _done(self, key: str, task: asyncio.Task[Answer]) -> None:
        self._filling.pop(key, None)
        if not task.cancelled():
            task.exception()

    async def _fill(self, kind: Kind, key: str, state: State, fill: Fill) -> Answer:
        """Fill as the only one, or take what the only one has kept; whose filler died or failed takes its place."""
        token = uuid4().hex
        deadline, (pause, longest) = time.monotonic() + _LOCK_MS / 1000, _POLL_SECONDS
        while not (locked := await self._lock(f"{key}:lock", token)) and time.monotonic() < deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
            if (kept := await self._kept(key)) is not None:
                return kept
        try:
            # Whoever held the lock before may have filled after we had looked.
            if locked and (kept := await self._get(key)) is not None:
                return kept
            answer = await finish(await fill(state), state)
            await self._keep(key, kind, answer)
            return answer
        finally:
            if locked:
                await self._unlock(f"{key}:lock", token)

    async def _ask(self, question: Callable[[], Awaitable[Any]], key: str) -> Any:
        return await self.breaker.ask(question, lambda: self._redis.exists(key))

    async def _kept(self, key: str) -> Answer | None:
        """Return what is kept under a key, asked for once for all who want it at the same time."""
        task = self._getting.get(key)
        if task is None:
            task = self._getting[key] = asyncio.create_task(self._get(key))
            task.add_done_callback(lambda _: self._getting.pop(key, None))
        return await asyncio.shield(task)

    async def _get(self, key: str) -> Answer | None:
        try:
            packed = await self._ask(lambda: self._redis.get(key), key)
        except RedisUnavailable:
            return None
        return Answer.unpack(packed) if packed else None

    async def _keep(self, key: str, kind: Kind, answer: Answer) -> None:
        ttl = max(1, round(self._ttl[kind] * random.uniform(0.9, 1.0)))  # noqa: S311 - only spreads expiry
        answer.expires = time.time() + ttl
        try:
            await self._ask(lambda: self._redis.set(key, answer.pack(), ex=ttl), key)
        except RedisUnavailable as error:
            log.warning("an answer was not cached: %s", error)

    async def _lock(self, key: str, token: str) -> bool:
        try:
            return bool(await self._ask(lambda: self._redis.set(key, token, nx=True, px=_LOCK_MS), key))
        except RedisUnavailable:
            return True

    async def _unlock(self, key: str, token: str) -> None:
        try:
            await self._ask(lambda: self._release(keys=[key], args=[token]), key)
        except RedisUnavailable as error:
            log.warning("a lock is left to its expiry: %s", error)

    async def close(self) -> None:
        """Let nothing run on."""
        await self.breaker.close()
