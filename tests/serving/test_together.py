"""Kept answers come with one question to Redis, for all who ask at the same time, and never under an older version."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis as AsyncRedis

from metrics.redis.client import cache_key, connect_async
from metrics.redis.events import Announcer
from metrics.settings import Settings
from serving.cache.answer_cache import AnswerCache
from serving.cache.breaker import Breaker
from serving.cache.finished import Answer
from serving.cache.states import AWAY, State
from serving.cache.versions import Together

WANTED = [f"answer {n}" for n in range(20)]


class Counted(Breaker):
    """Counts what Redis is asked."""

    questions = 0

    async def ask(self, question: Callable[[], Awaitable[Any]], probe: Callable[[], Awaitable[object]]) -> Any:
        self.questions += 1
        return await super().ask(question, probe)


@asynccontextmanager
async def together(settings: Settings) -> AsyncIterator[tuple[Together, Counted, AsyncRedis]]:
    breaker = Counted()
    async with connect_async(settings) as redis:
        yield Together(redis, breaker), breaker, redis
    await breaker.close()


async def keep(redis: AsyncRedis, key: str) -> None:
    await redis.set(key, Answer(key.encode(), b"", '"e"', None, expires=2**40).pack())


def key_of(wanted: str, version: str) -> str:
    return cache_key("w1", "metrics", wanted, version)


def test_many_answers_come_with_few_questions(settings: Settings) -> None:
    async def ask() -> None:
        async with together(settings) as (asked, breaker, redis):
            (state, nothing), breaker.questions = await asked.ask("w1"), 0
            assert nothing is None
            assert state.version is not None
            keys = [key_of(one, state.version) for one in WANTED]
            for key in keys:
                await keep(redis, key)
            missing = key_of("missing", state.version)
            replies = await asyncio.gather(*[asked.ask("w1", key) for key in [*keys, *keys, missing]])
            assert [kept.body if kept else None for _, kept in replies] == [*[k.encode() for k in [*keys, *keys]], None]
            assert {found for found, _ in replies} == {state}
            assert breaker.questions == 2

    asyncio.run(ask())


def test_state_and_answer_take_one_question(settings: Settings, announcer: Announcer) -> None:
    filled = list[str | None]()

    async def fill(state: State) -> bytes:
        filled.append(state.version)
        return b"answer"

    async def ask() -> None:
        async with connect_async(settings) as redis:
            breaker = Counted()
            cache = AnswerCache(redis, {"metrics": 300}, hot_bytes=0, breaker=breaker)
            await cache.get("w1", "metrics", "digest", fill)
            breaker.questions = 0
            assert (await cache.get("w1", "metrics", "digest", fill)).hit
            assert breaker.questions == 1
            version = await asyncio.to_thread(announcer.announce, "w1")
            assert not (await cache.get("w1", "metrics", "digest", fill)).hit
            assert filled[1:] == [version]

    asyncio.run(ask())


def test_who_leaves_takes_nothing_from_the_others(settings: Settings) -> None:
    async def ask() -> None:
        async with together(settings) as (asked, _, _):
            first, second = [asyncio.create_task(asked.ask("w1")) for _ in range(2)]
            await asyncio.sleep(0)
            first.cancel()
            assert (await second)[0].version

    asyncio.run(ask())


def test_nothing_is_known_while_redis_is_away() -> None:
    async def ask() -> None:
        nowhere = Settings(_env_file=None, redis_url="redis://127.0.0.1:1")
        async with together(nowhere) as (asked, breaker, _):
            assert await asked.ask("w1", "key") == (AWAY, None)
            assert breaker.open
            assert await asked.ask("w1", "key") == (AWAY, None)
            assert breaker.questions == 1

    asyncio.run(ask())
