"""Reader of Redis Streams: one blocking XREAD over the events of all followed workspaces, fanned out to subscribers.

Redis Cluster allows an XREAD only within one hash slot, so there each followed workspace has a reader of its own.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from time import time
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import events_key
from serving.process.measures import LAG
from serving.stream.frames import Position, frames, parse_id
from serving.stream.subscriber import Subscriber

log = logging.getLogger(__name__)

BLOCK_SECONDS = 2.0
READ_TIMEOUT = 2 * BLOCK_SECONDS
"""A server that stays silent for twice as long as the command asked it to block counts as unavailable."""
_COUNT = 500
_PAUSE = 0.2
_LONGEST_PAUSE = 1.0


@dataclass(eq=False, slots=True)
class Channel:
    """A followed workspace: the last event that was read, and the subscribers that get the next ones."""

    workspace_id: str
    last: bytes
    position: Position
    subscribers: set[Subscriber] = field(default_factory=set)
    followers: int = 0
    idle_since: float = 0.0


class Reader:
    """Reads the events after the last ones of its channels, and fans them out to the subscribers."""

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        self._redis = redis
        self._blocking = blocking
        self._channels: dict[bytes, Channel] = {}
        self._changed = asyncio.Event()
        self._reading: asyncio.Task[Any] | None = None
        self._renewing = False
        self.problem = ""
        """Why no events are read at present; empty while they are."""

    def add(self, channel: Channel) -> None:
        """Follow a channel from its position on."""
        self._channels[events_key(channel.workspace_id).encode()] = channel
        self._changed.set()
        if self._reading is not None and not self._renewing:
            # The XREAD under way does not include this channel: cancel it and repeat it from the same positions. A
            # second cancellation would interrupt redis-py while it gives its connection back.
            self._renewing = True
            self._reading.cancel()

    def remove(self, channel: Channel) -> None:
        """Stop following a channel from the next read on."""
        self._channels.pop(events_key(channel.workspace_id).encode(), None)

    async def run(self) -> None:
        """Read until cancelled. While Redis is away or refuses commands, log it once, wait, and read on."""
        try:
            await self._keep_reading()
        except Exception as error:
            self.problem = f"the reader of events failed ({type(error).__name__})"
            raise

    async def _keep_reading(self) -> None:
        pause = _PAUSE
        while True:
            if not self._channels:
                # Without channels there are no positions that an outage could have invalidated.
                self.problem = ""
                self._changed.clear()
                await self._changed.wait()
            try:
                if self.problem:
                    await self._check_positions()
                found = await self._read()
            except RedisUnavailable as error:
                self._report(str(error))
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads retries
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if self.problem:
                log.info("Redis is available again, streams continue")
            self.problem, pause = "", _PAUSE
            for key, entries in found:
                self._fan_out(self._channels.get(key), entries)

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("streams wait for their events: %s", problem)
        self.problem = problem

    async def _read(self) -> Any:
        positions: dict[Any, Any] = {key: channel.last for key, channel in self._channels.items()}
        with redis_errors():
            self._reading = asyncio.create_task(self._read_after(positions))
            try:
                return await self._reading or []
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not self._renewing or (task is not None and task.cancelling()):
                    raise
                return []
            finally:
                self._reading, self._renewing = None, False

    async def _read_after(self, positions: dict[Any, Any]) -> Any:
        # The command is made here, so that none is made by a task that is cancelled before it has begun.
        return await self._blocking.xread(positions, count=_COUNT, block=round(1000 * BLOCK_SECONDS))

    def _fan_out(self, channel: Channel | None, entries: Any) -> None:
        if channel is None:
            return
        # Entries that are skipped as malformed are read as well: the next read begins after them.
        for item in frames(channel.workspace_id, entries):
            channel.position = item.position
            for subscriber in channel.subscribers:
                subscriber.offer(item)
            LAG.observe(max(0.0, time() - item.position[0] / 1000))
        if entries:
            channel.last = entries[-1][0]
            channel.position = parse_id(channel.last.decode()) or channel.position

    async def _check_positions(self) -> None:
        """After an outage, reset the clients of channels whose last event is gone, and go on at the newest event."""
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
    """Return the id and the position of the newest event.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        entries: Any = await redis.xrevrange(events_key(workspace_id), count=1)
    last: bytes = entries[0][0] if entries else b"0-0"
    return last, parse_id(last.decode()) or (0, 0)
