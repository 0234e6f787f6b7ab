"""The watch over Redis's memory: another program that answers in place of Redis does not end it."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from serving.cache import redis_memory
from serving.cache.redis_memory import RedisMemory
from serving.process.supervision import Supervised
from tests.serving.test_redis_refusals import ProxiedRedis


@pytest.mark.parametrize("answer", [b"+\xff\xfe\r\n", b"$0\r\n\r\n", b"$17\r\nmaxmemory:unknown\r\n"])
def test_watch_goes_on_after_an_answer_that_is_no_report(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_memory, "SECONDS", 0.01)
    server = ProxiedRedis(tmp_path / "redis")
    server.start()
    server.proxy.answer_with(answer)

    async def watch() -> None:
        async with Redis.from_url(server.url) as redis:
            memory = RedisMemory(redis)
            task = Supervised("memory", memory.watch)
            task.start()
            await asyncio.sleep(1)
            await task.stop()
            assert not task.failure
            assert not memory.full

    asyncio.run(watch())
    server.proxy.close()
    server.stop()
