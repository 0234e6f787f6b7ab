"""One XREAD per workspace and process, fanned out to bounded queues in memory."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redisdb import events_key, redis_errors
from serving.stream.frames import Frame, frame, parse_id

log = logging.getLogger(__name__)

QUEUE = 1000
_BLOCK_MS = 5000
_COUNT = 500
_PAUSE = 0.5

Reason = str


@dataclass(eq=False, slots=True)
class Subscriber:
    """One client: what it asked for, and what waits for it. `lost` says why it lost its place."""

    account_id: str | None = None
    post_id: str | None = None
    events: frozenset[str] = frozenset()
    frames: deque[Frame] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost: Reason | None = None
    closing: bool = False

    def wants(self, item: Frame) -> bool:
        """Tell whether the client asked for this event."""
        return (
            (not self.events or item.event in self.events)
            and (self.account_id is None or item.account_id == self.account_id)
            and (self.post_id is None or item.post_id == self.post_id)
        )

    def offer(self, item: Frame) -> None:
        """Queue a frame, or mark the client as lost where its queue is full."""
        if self.lost is not None or not self.wants(item):
            return
        if len(self.frames) >= QUEUE:
            self.lose("slow_reader")
            return
        self.frames.append(item)
        self.wake.set()

    def lose(self, reason: Reason) -> None:
        """Mark the client as having lost its place; what waits for it is dropped."""
        self.lost = reason
        self.frames.clear()
        self.wake.set()


class _Channel:
    """The reader of one workspace's stream and its subscribers."""

    def __init__(self, redis: Redis, workspace_id: str) -> None:
        self._redis = redis
        self._key = events_key(workspace_id)
        self.subscribers: set[Subscriber] = set()
        self.ready = asyncio.Event()
        self.last = b""
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                with redis_errors():
                    if not self.last:
                        newest: Any = await self._redis.xrevrange(self._key, count=1)
                        self.last = newest[0][0] if newest else b"0-0"
                    self.ready.set()
                    found: Any = await self._redis.xread({self._key: self.last}, count=_COUNT, block=_BLOCK_MS)
            except RedisUnavailable as error:
                log.warning("a stream's reader waits for Redis: %s", error)
                self._lose("events_unavailable")
                await asyncio.sleep(_PAUSE)
                continue
            for _, entries in found or []:
                for entry_id, fields in entries:
                    item = frame(entry_id, fields)
                    self.last = entry_id
                    for subscriber in self.subscribers:
                        subscriber.offer(item)

    def _lose(self, reason: Reason) -> None:
        # Where Redis comes back without its data, ids begin anew: the next read starts at what is newest then.
        self.last = b""
        self.ready.clear()
        for subscriber in self.subscribers:
            subscriber.lose(reason)


class Hub:
    """Subscriptions of this process."""

    def __init__(self, redis: Redis, blocking: Redis, max_events: int) -> None:
        self._redis = redis
        self._blocking = blocking
        self._max_events = max_events
        self._channels: dict[str, _Channel] = {}
        self.closing = False

    @property
    def clients(self) -> int:
        """How many clients follow."""
        return sum(len(c.subscribers) for c in self._channels.values())

    async def subscribe(self, workspace_id: str, subscriber: Subscriber) -> None:
        """Register a client before anything is replayed to it.

        Raises:
            RedisUnavailable: the reader has no connection.
        """
        channel = self._channels.get(workspace_id)
        if channel is None:
            channel = self._channels[workspace_id] = _Channel(self._blocking, workspace_id)
        channel.subscribers.add(subscriber)
        subscriber.closing = self.closing
        try:
            await asyncio.wait_for(channel.ready.wait(), 3)
        except TimeoutError:
            await self.unsubscribe(workspace_id, subscriber)
            raise RedisUnavailable("events are out of reach; try again") from None
        except BaseException:
            await self.unsubscribe(workspace_id, subscriber)
            raise

    async def unsubscribe(self, workspace_id: str, subscriber: Subscriber) -> None:
        """Forget a client; the last one of a workspace stops its reader."""
        channel = self._channels.get(workspace_id)
        if channel is None:
            return
        channel.subscribers.discard(subscriber)
        if not channel.subscribers:
            del self._channels[workspace_id]
            await _stop(channel.task)

    async def replay(self, workspace_id: str, after: str) -> list[Frame] | None:
        """Return what came after an id, or None where the id is malformed, no longer kept, or beyond the end.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if parse_id(after) is None:
            return None
        key = events_key(workspace_id)
        with redis_errors():
            if after == "0-0":
                # Approximate trimming never goes below the cap: below it, the beginning is still there.
                kept = await self._redis.xlen(key) < self._max_events
            else:
                kept = bool(await self._redis.xrange(key, after, after))
            if not kept:
                return None
            entries: Any = await self._redis.xrange(key, f"({after}", "+")
            return [frame(entry_id, fields) for entry_id, fields in entries]

    def stop_streams(self) -> None:
        """Ask every stream to end."""
        self.closing = True
        for channel in self._channels.values():
            for subscriber in channel.subscribers:
                subscriber.closing = True
                subscriber.wake.set()

    async def close(self) -> None:
        """End streams and readers."""
        self.stop_streams()
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await _stop(channel.task)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
