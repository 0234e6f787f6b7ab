"""Single flight: one call to Redis serves all requests of a moment with kept answers, never of an older version."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from metrics.redis.client import connect_async
from metrics.redis.events import Announcer
from metrics.redis.keys import cache_key
from metrics.settings import Settings
from serving.cache import versions
from serving.cache.answer import Answer
from serving.cache.answer_cache import AnswerCache
from serving.cache.circuit_breaker import RedisCircuitBreaker
from serving.cache.plan import AWAY, AnswerKey, ReadPlan, State
from serving.cache.versions import WorkspaceStates
from tests.waiting import until

KEY = AnswerKey("w1", "metrics", "digest")
WANTED = [f"answer {n}" for n in range(20)]


class Counted(RedisCircuitBreaker):
    """Counts the calls to Redis."""

    calls = 0

    async def call(self, command: Callable[[], Awaitable[Any]], probe: Callable[[], Awaitable[object]]) -> Any:
        self.calls += 1
        return await super().call(command, probe)


@asynccontextmanager
async def workspace_states(settings: Settings) -> AsyncIterator[tuple[WorkspaceStates, Counted, AsyncRedis]]:
    breaker = Counted()
    async with connect_async(settings) as redis:
        states = WorkspaceStates(redis, breaker)
        yield states, breaker, redis
        await states.close()
    await breaker.close()


async def keep(redis: AsyncRedis, key: str) -> None:
    await redis.set(key, Answer(key.encode(), b"", '"e"', None, expires=2**40).pack())


def key_of(wanted: str, version: str) -> str:
    return cache_key("w1", "metrics", wanted, version)


def test_many_answers_take_few_calls(settings: Settings) -> None:
    async def ask() -> None:
        async with workspace_states(settings) as (states, breaker, redis):
            (state, nothing), breaker.calls = await states.get("w1"), 0
            assert nothing is None
            assert state.version is not None
            keys = [key_of(one, state.version) for one in WANTED]
            for key in keys:
                await keep(redis, key)
            missing = key_of("missing", state.version)
            replies = await asyncio.gather(*[states.get("w1", key) for key in [*keys, *keys, missing]])
            assert [kept.body if kept else None for _, kept in replies] == [*[k.encode() for k in [*keys, *keys]], None]
            assert {found for found, _ in replies} == {state}
            assert breaker.calls == 2

    asyncio.run(ask())


def test_state_and_answer_take_one_call(settings: Settings, announcer: Announcer, redis_client: Redis) -> None:
    filled = list[str | None]()

    async def fill(state: State) -> bytes:
        filled.append(state.version)
        return b"answer"

    async def ask() -> None:
        async with connect_async(settings) as redis:
            breaker = Counted()
            cache = AnswerCache(redis, {"metrics": 300}, hot_bytes=0, breaker=breaker)
            await cache.get(ReadPlan(KEY, fill))
            # An answer is given before it is stored; the lock is released after that.
            lock = f"{key_of(KEY.digest, str(filled[0]))}:lock"
            await asyncio.to_thread(until, lambda: not redis_client.exists(lock))
            breaker.calls = 0
            assert (await cache.get(ReadPlan(KEY, fill))).hit
            assert breaker.calls == 1
            version = await asyncio.to_thread(announcer.announce, "w1")
            assert not (await cache.get(ReadPlan(KEY, fill))).hit
            assert filled[1:] == [version]
            await cache.close()

    asyncio.run(ask())


def test_caller_that_is_cancelled_does_not_cancel_the_others(settings: Settings) -> None:
    async def ask() -> None:
        async with workspace_states(settings) as (states, _, _):
            first, second = [asyncio.create_task(states.get("w1")) for _ in range(2)]
            await asyncio.sleep(0)
            first.cancel()
            assert (await second)[0].version

    asyncio.run(ask())


def test_state_is_empty_while_redis_is_away() -> None:
    async def ask() -> None:
        nowhere = Settings(_env_file=None, redis_url="redis://127.0.0.1:1")
        async with workspace_states(nowhere) as (states, breaker, _):
            assert await states.get("w1", "key") == (AWAY, None)
            assert breaker.open
            assert await states.get("w1", "key") == (AWAY, None)
            assert breaker.calls == 1

    asyncio.run(ask())


def test_call_that_does_not_end_keeps_nobody_waiting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callers of the call get no state, and so do those that come while it is still under way."""
    monkeypatch.setattr(versions, "_LONGEST_CALL", 0.1)

    async def ask() -> None:
        async with workspace_states(settings) as (states, breaker, _):
            never = asyncio.Event()
            monkeypatch.setattr(breaker, "call", lambda *_: never.wait())
            first = await asyncio.wait_for(asyncio.gather(states.get("w1"), states.get("w1", "key")), 60)
            later = await asyncio.wait_for(states.get("w1"), 60)
            assert [*first, later] == [(AWAY, None)] * 3
            monkeypatch.undo()
            never.set()
            assert (await states.get("w1"))[0].version is not None
            assert (await states.get("w2"))[0].version is not None

    asyncio.run(ask())


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_states_that_are_closed_leave_no_call(settings: Settings, steps: int) -> None:
    """A call that went on would take a connection of a client that is being closed, and never close it.

    `steps` is how often the loop turns before: the call has not begun, has begun, or waits for Redis.
    """

    async def ask() -> None:
        async with workspace_states(settings) as (states, _, _):
            caller = asyncio.create_task(states.get("w1"))
            for _ in range(steps):
                await asyncio.sleep(0)
            tasks = asyncio.all_tasks()
            await states.close()
            assert await asyncio.wait_for(caller, 60) == (AWAY, None)
            assert {task for task in tasks if not task.done()} == {asyncio.current_task()}

    asyncio.run(ask())
