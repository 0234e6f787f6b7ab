"""The reader of events follows further workspaces while it reads, and ends when it is cancelled."""

import asyncio

from redis import Redis

from metrics.redis.client import connect_async
from metrics.redis.keys import events_key
from metrics.settings import Settings
from serving.stream.reader import Channel, Reader
from serving.stream.subscriber import Subscriber


async def _follow_at_once(settings: Settings, redis_client: Redis, number: int, ticks: int) -> None:
    redis, blocking = connect_async(settings, timeout=2, retries=1), connect_async(settings, timeout=4, retries=0)
    reader = Reader(redis, blocking)
    running = asyncio.create_task(reader.run())
    subscribers = []
    try:
        for n in range(number):
            channel, subscriber = Channel(f"w{n}", b"0-0", (0, 0)), Subscriber(f"w{n}")
            channel.subscribers.add(subscriber)
            subscribers.append(subscriber)
            reader.add(channel)
            if n == 0:
                await asyncio.sleep(0.05)
            for _ in range(ticks):
                await asyncio.sleep(0)
        for n in range(number):
            redis_client.xadd(events_key(f"w{n}"), {"event": "x", "account": "a", "post": "", "data": "{}"})
        async with asyncio.timeout(60):
            for subscriber in subscribers:
                await subscriber.wait()
                assert len(subscriber.queue) == 1
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=60)
        assert running.done(), "a cancelled reader ends"
        await redis.aclose()
        await blocking.aclose()


def test_workspaces_that_are_followed_at_once_are_all_read(settings: Settings, redis_client: Redis) -> None:
    for ticks in range(12):
        redis_client.flushall()
        asyncio.run(_follow_at_once(settings, redis_client, 5, ticks))
