"""The cache of finished answers: in Redis under the workspace's `dataVersion`, with one filler per key (single flight).

The version is read before the stores are, so an answer that is kept under a version is never older than that version. A
write that happens in between moves the version: the answer under the old version goes to the requests that were made
before the write, and to no later one. A lock in Redis keeps several processes from computing the same answer at once
(a cache stampede).
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from metrics.errors import MongoUnavailable, RedisUnavailable
from metrics.redis.keys import cache_key, cached_keys_key
from serving.cache.answer import Answer, AnswersInMemory, encode_answer
from serving.cache.circuit_breaker import RedisCircuitBreaker
from serving.cache.plan import AnswerKey, Kind, ReadPlan, State
from serving.cache.redis_memory import RedisMemory
from serving.cache.versions import WorkspaceStates
from serving.process.measures import CACHE

log = logging.getLogger(__name__)

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_PUT = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], KEYS[1])
redis.call('EXPIRE', KEYS[2], ARGV[6])
local over = redis.call('ZCARD', KEYS[2]) - ARGV[5]
if over > 0 then
  local removed = redis.call('ZPOPMIN', KEYS[2], over)
  for i = 1, #removed, 2 do redis.call('UNLINK', removed[i]) end
end
"""
MAX_ANSWERS = 500
"""Answers that Redis keeps for one workspace; those that expire first make room. So no tenant can fill the cache."""
_LOCK_MS = 10_000
_POLL_SECONDS = (0.005, 0.05)
"""First and longest wait for another process's answer."""
_LONGEST_FILL = 30.0
"""The longest time in seconds that a request waits: for the lock of another process and for the store together."""


@dataclass(eq=False, slots=True)
class _Filling:
    """The task that computes an answer and stores it, the answer as soon as it is computed, and who waits for it.

    `waiting` is the number of requests that wait. They need not wait until the answer is stored.
    """

    answer: asyncio.Future[Answer]
    task: asyncio.Task[None]
    waiting: int = 0


class AnswerCache:
    """Finished answers by key. Give it a client with short time-outs, because reads go on without Redis."""

    def __init__(
        self,
        redis: "Redis",
        ttl: dict[Kind, int],
        hot_bytes: int,
        breaker: RedisCircuitBreaker | None = None,
    ) -> None:
        self._redis = redis
        self._ttl = ttl
        self._release = redis.register_script(_RELEASE)
        self._put = redis.register_script(_PUT)
        self._memory = RedisMemory(redis)
        self._filling: dict[str, _Filling] = {}
        self._getting: dict[str, asyncio.Task[Answer | None]] = {}
        self._in_memory = AnswersInMemory(hot_bytes)
        self._hits = {kind: CACHE.labels(kind, "hit") for kind in ttl}
        self.breaker = breaker or RedisCircuitBreaker()
        self._states = WorkspaceStates(redis, self.breaker)

    async def get(self, plan: ReadPlan) -> Answer:
        """Return the answer to a read: the kept one, or what `plan.read` returns, which is kept from then on."""
        state, kept = await self.find(plan.key)
        if state.version is None:
            CACHE.labels(plan.key.kind, "bypass").inc()
            return await encode_answer(await plan.read(state), state)
        if kept is not None:
            return kept
        CACHE.labels(plan.key.kind, "miss").inc()
        key = _redis_key(plan.key, state.version)
        return await self._wait(key, self._filling.get(key) or self._begin(plan, key, state))

    async def find(self, key: AnswerKey) -> tuple[State, Answer | None]:
        """Return the present state of the key's workspace, and the answer that is kept for this state, if any."""
        last_version = self._states.last_version(key.workspace_id)
        guess = _redis_key(key, last_version) if last_version is not None else None
        wanted = None if guess in self._in_memory else guess
        state, kept = await self._states.get(key.workspace_id, wanted)
        if state.version is None:
            return state, None
        name = guess if guess is not None and state.version == last_version else _redis_key(key, state.version)
        answer = self._in_memory.get(name, state.cleared)
        if answer is None:
            # The answer that came with the state belongs to the version that was guessed, which may be an older one.
            answer = kept if name == wanted else await self._load_shared(name)
            if answer is None:
                return state, None
            self._in_memory.put(name, answer, state.cleared)
        self._hits[key.kind].inc()
        return state, answer

    def _begin(self, plan: ReadPlan, key: str, state: State) -> _Filling:
        """Begin to compute an answer."""
        answer = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._fill(plan, key, state, answer))
        filling = self._filling[key] = _Filling(answer, task)
        task.add_done_callback(lambda _: self._done(key, filling))
        return filling

    async def _wait(self, key: str, filling: _Filling) -> Answer:
        """Wait for an answer. A request that leaves does not end the work for the others; the last one does."""
        filling.waiting += 1
        try:
            async with asyncio.timeout(_LONGEST_FILL):
                return await asyncio.shield(filling.answer)
        except TimeoutError as error:
            raise MongoUnavailable("the store did not answer in time; try again") from error
        finally:
            filling.waiting -= 1
            if not filling.waiting and not filling.answer.done():
                # A request that comes now must not wait for a task that is being cancelled.
                self._forget(key, filling)
                filling.task.cancel()

    def _done(self, key: str, filling: _Filling) -> None:
        """Forget a task that has ended; its error is that of the requests which still wait for its answer."""
        self._forget(key, filling)
        error = None if filling.task.cancelled() else filling.task.exception()
        if filling.answer.done():
            if error is not None:
                log.error("an answer could not be stored", exc_info=error)
        elif error is None:
            filling.answer.cancel()
        else:
            filling.answer.set_exception(error)
            # Where no request waits any more, nobody else would retrieve it.
            filling.answer.exception()

    def _forget(self, key: str, filling: _Filling) -> None:
        if self._filling.get(key) is filling:
            del self._filling[key]

    async def _fill(self, plan: ReadPlan, key: str, state: State, found: asyncio.Future[Answer]) -> None:
        """Compute an answer under a lock, or take the one that another process computed under it; then store it.

        `found` gets the answer before it is stored. Where the other process died or failed, the lock ends by itself and
        this process computes the answer.
        """
        token = uuid4().hex
        deadline, (pause, longest) = time.monotonic() + _LOCK_MS / 1000, _POLL_SECONDS
        while not (locked := await self._lock(f"{key}:lock", token)) and time.monotonic() < deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
            if (kept := await self._load_shared(key)) is not None:
                found.set_result(kept)
                return
        try:
            # The process that held the lock before may have filled the key after we had looked for it.
            if locked and (kept := await self._load(key)) is not None:
                found.set_result(kept)
                return
            answer = await encode_answer(await plan.read(state), state)
            ttl = max(1, round(self._ttl[plan.key.kind] * random.uniform(0.9, 1.0)))  # noqa: S311 - spreads expiry
            answer.expires = time.time() + ttl
            # From here on, requests find the answer in memory, and none asks Redis for it.
            self._in_memory.put(key, answer.as_hit(), state.cleared)
            found.set_result(answer)
            await self._store(plan.key.workspace_id, key, ttl, answer)
        finally:
            if locked:
                await self._unlock(f"{key}:lock", token)

    async def _call(self, command: Callable[[], Awaitable[Any]], key: str) -> Any:
        return await self.breaker.call(command, lambda: self._redis.exists(key))

    async def _load_shared(self, key: str) -> Answer | None:
        """Return the answer under a key; requests that want it at the same time share one command."""
        task = self._getting.get(key)
        if task is None:
            task = self._getting[key] = asyncio.create_task(self._load(key))
            task.add_done_callback(lambda _: self._getting.pop(key, None))
        return await asyncio.shield(task)

    async def _load(self, key: str) -> Answer | None:
        try:
            packed = await self._call(lambda: self._redis.get(key), key)
        except RedisUnavailable:
            return None
        return Answer.unpack(packed) if packed else None

    async def _store(self, workspace_id: str, key: str, ttl: int, answer: Answer) -> None:
        """Keep an answer in Redis for `ttl` seconds."""
        if self._memory.full:
            return
        arguments: list[bytes | int | float] = [
            answer.pack(),
            ttl,
            time.time(),
            answer.expires,
            MAX_ANSWERS,
            max(self._ttl.values()),
        ]
        keys = [key, cached_keys_key(workspace_id)]
        try:
            await self._call(lambda: self._put(keys=keys, args=arguments), key)
        except RedisUnavailable as error:
            log.warning("an answer was not cached: %s", error)

    async def watch_memory(self) -> None:
        """Watch until cancelled whether Redis has memory for cached answers."""
        await self._memory.watch()

    async def _lock(self, key: str, token: str) -> bool:
        try:
            return bool(await self._call(lambda: self._redis.set(key, token, nx=True, px=_LOCK_MS), key))
        except RedisUnavailable:
            return True

    async def _unlock(self, key: str, token: str) -> None:
        try:
            await self._call(lambda: self._release(keys=[key], args=[token]), key)
        except RedisUnavailable as error:
            log.warning("a lock is left to its expiry: %s", error)

    async def close(self) -> None:
        """End what is under way, so that no task holds a connection to Redis any more.

        That is: answers that are being computed, stored or loaded, calls for states, and the circuit breaker's probe.
        """
        tasks = [*[filling.task for filling in self._filling.values()], *self._getting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._states.close()
        await self.breaker.close()


def _redis_key(key: AnswerKey, version: str) -> str:
    return cache_key(key.workspace_id, key.kind, key.digest, version)
