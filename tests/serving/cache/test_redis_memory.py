"""The watch over Redis's memory: another program that answers in place of Redis does not end it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from serving.cache import redis_memory
from serving.cache.redis_memory import RedisMemory
from serving.process import supervision
from serving.process.supervision import Supervised
from tests.serving.test_redis_refusals import ProxiedRedis

OFTEN = 5


class Counting(Redis):
    """A client that notes when it has asked several times."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked, self.asked_often = 0, asyncio.Event()

    async def info(self, section: str | None = None, *sections: str, **options: Any) -> Any:
        self.asked += 1
        if self.asked == OFTEN:
            self.asked_often.set()
        return await super().info(section, *sections, **options)


@pytest.mark.parametrize("answer", [b"+\xff\xfe\r\n", b"$0\r\n\r\n", b"$17\r\nmaxmemory:unknown\r\n"])
def test_watch_goes_on_after_an_answer_that_is_no_report(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_memory, "SECONDS", 0.01)
    # A cancellation is lost often where questions follow one another this fast.
    monkeypatch.setattr(supervision, "CANCEL_AGAIN_SECONDS", 0.1)
    server = ProxiedRedis(tmp_path / "redis")
    server.start()
    server.proxy.answer_with(answer)

    async def watch() -> None:
        client: Any = Counting.from_url(server.url)
        async with client as redis:
            memory = RedisMemory(redis)
            task = Supervised("memory", memory.watch)
            task.start()
            await asyncio.wait_for(redis.asked_often.wait(), 30)
            await task.stop()
            assert not task.failure
            assert not memory.full

    asyncio.run(watch())
    server.proxy.close()
    server.stop()
