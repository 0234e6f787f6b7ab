"""One XREAD over the streams of all followed workspaces.

A cluster answers an XREAD over one slot only, so there each followed workspace has a reader of its own.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from time import time
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import events_key, redis_errors
from serving.process.measures import LAG
from serving.stream.frames import Position, frame, parse_id
from serving.stream.subscriber import Subscriber

log = logging.getLogger(__name__)

BLOCK_SECONDS = 2.0
READ_TIMEOUT = 2 * BLOCK_SECONDS
"""A server that is silent for longer than it was asked to wait is out of reach."""
_COUNT = 500
_PAUSE = 0.2
_LONGEST_PAUSE = 1.0


@dataclass(eq=False, slots=True)
class Channel:
    """A followed workspace: how far it was read, and who gets what comes."""

    workspace_id: str
    last: bytes
    position: Position
    subscribers: set[Subscriber] = field(default_factory=set)
    followers: int = 0
    idle_since: float = 0.0


class Reader:
    """Reads on behind the last events of its channels and fans out what comes."""

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        self._redis = redis
        self._blocking = blocking
        self._channels: dict[bytes, Channel] = {}
        self._changed = asyncio.Event()
        self._reading: asyncio.Task[Any] | None = None
        self._renewing = False
        self.connected = True
        self.task = asyncio.create_task(self._run())

    def add(self, channel: Channel) -> None:
        """Follow a channel from where it stands."""
        self._channels[events_key(channel.workspace_id).encode()] = channel
        self._changed.set()
        if self._reading is not None:
            # The XREAD under way does not know the channel: it is given up and asked again, from the same places.
            self._renewing = True
            self._reading.cancel()

    def remove(self, channel: Channel) -> None:
        """Follow a channel no more, from the next read on."""
        self._channels.pop(events_key(channel.workspace_id).encode(), None)

    async def _run(self) -> None:
        pause = _PAUSE
        while True:
            if not self._channels:
                # Without a place there is none to doubt.
                self.connected = True
                self._changed.clear()
                await self._changed.wait()
            try:
                if not self.connected:
                    await self._check_places()
                found = await self._read()
            except RedisUnavailable as error:
                if self.connected:
                    log.warning("streams wait for Redis: %s", error.__cause__ or error)
                self.connected = False
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if not self.connected:
                log.info("streams go on")
            self.connected, pause = True, _PAUSE
            for key, entries in found:
                self._fan_out(self._channels.get(key), entries)

    async def _read(self) -> Any:
        places: dict[Any, Any] = {key: channel.last for key, channel in self._channels.items()}
        with redis_errors():
            read = self._blocking.xread(places, count=_COUNT, block=round(1000 * BLOCK_SECONDS))
            self._reading = asyncio.ensure_future(read)
            try:
                return await self._reading or []
            except asyncio.CancelledError:
                if not self._renewing:
                    raise
                return []
            finally:
                self._reading, self._renewing = None, False

    def _fan_out(self, channel: Channel | None, entries: Any) -> None:
        if channel is None:
            return
        for entry_id, fields in entries:
            item = frame(channel.workspace_id, entry_id, fields)
            channel.last, channel.position = entry_id, item.position
            for subscriber in channel.subscribers:
                subscriber.offer(item)
            LAG.observe(max(0.0, time() - item.position[0] / 1000))

    async def _check_places(self) -> None:
        """After an outage: where the last event that was read is gone, say so and go on at the newest."""
        for channel in list(self._channels.values()):
            if channel.last == b"0-0":
                continue
            with redis_errors():
                kept = await self._redis.xrange(events_key(channel.workspace_id), channel.last, channel.last)
            if not kept:
                channel.last, channel.position = await newest(self._redis, channel.workspace_id)
                for subscriber in channel.subscribers:
                    subscriber.lose_place("events_lost", channel.position)


async def newest(redis: Redis, workspace_id: str) -> tuple[bytes, Position]:
    """Return the id and the place of the newest event.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        entries: Any = await redis.xrevrange(events_key(workspace_id), count=1)
    last: bytes = entries[0][0] if entries else b"0-0"
    return last, parse_id(last.decode()) or (0, 0)
