"""Finished answers in Redis, under the `dataVersion` that they were read at; one filler per key.

The version is read before the stores are. A write that comes between reading and filling moves the version, so the
answer is given but not kept: what is found under a version was read while that version stood.
"""

import asyncio
import gzip
import hashlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import orjson
from redis.asyncio import Redis

from metrics.cache import CURRENT_VERSION, new_epoch
from metrics.errors import RedisUnavailable
from metrics.redisdb import cache_key, events_key, redis_errors, version_key

log = logging.getLogger(__name__)

Kind = Literal["metrics", "aggregated", "posts", "accounts"]
NO_EVENTS = "0-0"

_STATE = (
    CURRENT_VERSION
    + """
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {known[2] .. '-' .. known[3], last[1] and last[1][1] or '0-0'}
"""
)
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_LOCK_MS = 10_000
_WAIT_SECONDS = 2.0
_POLL_SECONDS = 0.05
_GZIP_FROM = 1024


@dataclass(frozen=True, slots=True)
class State:
    """Where a workspace's data stand: the version, and the id of the newest event. Empty while Redis is away."""

    version: str | None
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Finished bytes. `gzipped` is empty where it would not pay."""

    body: bytes
    gzipped: bytes
    etag: str
    cursor: str | None
    hit: bool = False

    def pack(self) -> bytes:
        """Return the answer as one value of Redis."""
        head = orjson.dumps([self.etag, self.cursor, len(self.body)])
        return head + b"\n" + self.body + self.gzipped

    @classmethod
    def unpack(cls, packed: bytes) -> "Answer":
        """Return a packed answer."""
        head, _, rest = packed.partition(b"\n")
        etag, cursor, size = orjson.loads(head)
        return cls(rest[:size], rest[size:], etag, cursor, hit=True)


Fill = Callable[[State], Awaitable[bytes]]


class AnswerCache:
    """Answers by workspace, kind and query."""

    def __init__(self, redis: "Redis", ttl: dict[Kind, int]) -> None:
        self._redis = redis
        self._ttl = ttl
        self._state = redis.register_script(_STATE)
        self._release = redis.register_script(_RELEASE)
        self._filling: dict[str, asyncio.Task[Answer]] = {}

    async def state(self, workspace_id: str) -> State:
        """Return where the workspace's data stand; empty while Redis is away."""
        try:
            with redis_errors():
                version, cursor = await self._state(
                    keys=[version_key(workspace_id), events_key(workspace_id)], args=[new_epoch()]
                )
        except RedisUnavailable as error:
            log.warning("answers are not cached: %s", error)
            return State(None, None)
        return State(version.decode(), cursor.decode())

    async def get(self, workspace_id: str, kind: Kind, digest: str, fill: Fill) -> Answer:
        """Return the answer to a query: the one that is kept, or what `fill` returns."""
        state = await self.state(workspace_id)
        if state.version is None:
            return await finish(await fill(state), state)
        key = cache_key(workspace_id, kind, digest, state.version)
        kept = await self._kept(key)
        if kept is not None:
            return kept
        task = self._filling.get(key)
        if task is None:
            task = asyncio.create_task(self._fill(workspace_id, kind, key, state, fill))
            self._filling[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        # A client that leaves does not take the answer from those who wait for the same.
        return await asyncio.shield(task)

    def _done(self, key: str, task: asyncio.Task[Answer]) -> None:
        self._filling.pop(key, None)
        if not task.cancelled():
            task.exception()

    async def _fill(self, workspace_id: str, kind: Kind, key: str, state: State, fill: Fill) -> Answer:
        token = uuid4().hex
        locked = await self._lock(f"{key}:lock", token)
        if not locked and (kept := await self._wait(key)) is not None:
            return kept
        try:
            answer = await finish(await fill(state), state)
            if (await self.state(workspace_id)).version == state.version:
                await self._keep(key, kind, answer)
            return answer
        finally:
            if locked:
                await self._unlock(f"{key}:lock", token)

    async def _kept(self, key: str) -> Answer | None:
        try:
            with redis_errors():
                packed: Any = await self._redis.get(key)
        except RedisUnavailable:
            return None
        return Answer.unpack(packed) if packed else None

    async def _keep(self, key: str, kind: Kind, answer: Answer) -> None:
        ttl = max(1, round(self._ttl[kind] * random.uniform(0.9, 1.0)))  # noqa: S311 - only spreads expiry
        try:
            with redis_errors():
                await self._redis.set(key, answer.pack(), ex=ttl)
        except RedisUnavailable as error:
            log.warning("an answer was not cached: %s", error)

    async def _lock(self, key: str, token: str) -> bool:
        try:
            with redis_errors():
                return bool(await self._redis.set(key, token, nx=True, px=_LOCK_MS))
        except RedisUnavailable:
            return True

    async def _unlock(self, key: str, token: str) -> None:
        try:
            with redis_errors():
                await self._release(keys=[key], args=[token])
        except RedisUnavailable as error:
            log.warning("a lock is left to its expiry: %s", error)

    async def _wait(self, key: str) -> Answer | None:
        for _ in range(round(_WAIT_SECONDS / _POLL_SECONDS)):
            await asyncio.sleep(_POLL_SECONDS)
            if (kept := await self._kept(key)) is not None:
                return kept
        return None


async def finish(body: bytes, state: State) -> Answer:
    """Return bytes with their compressed form and an ETag that is true of no other bytes."""
    etag = hashlib.sha256(f"{state.version}|".encode() + body).hexdigest()[:32]
    gzipped = await asyncio.to_thread(gzip.compress, body, 5) if len(body) >= _GZIP_FROM else b""
    return Answer(body, gzipped, f'"{etag}"', state.cursor)
