"""The hub of this process's streams: the followed workspaces, their subscribers, and the reader that feeds them."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.events import TRIMMED
from metrics.redis.keys import events_key, version_key
from serving.auth import tickets
from serving.process.supervision import Supervised, Supervisor
from serving.stream.frames import Frame, Position, frames, parse_id
from serving.stream.open_streams import OpenStreams
from serving.stream.reader import Channel, Reader, newest
from serving.stream.subscriber import Subscriber

log = logging.getLogger(__name__)

CHUNK = 500
READER = "event reader"
CHECK_SECONDS = 20.0
"""How often the keys of streams are checked: the streams of a revoked key end well within 60 s."""
IDLE_SECONDS = 10.0
"""How long a workspace is still followed after its last client left, so that a client can reconnect cheaply."""
_TICK = 1.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the events of a workspace, up to the position `end`; `complete` says that no more follow at present."""

    frames: list[Frame]
    end: Position
    complete: bool


class Hub:
    """Connects the subscribers of this process with the event streams of their workspaces."""

    def __init__(
        self,
        redis: Redis,
        blocking: Redis,
        clients: OpenStreams,
        supervisor: Supervisor,
        *,
        max_events: int,
        cluster: bool,
    ) -> None:
        self._redis = redis
        self._blocking = blocking
        self._max_events = max_events
        self._cluster = cluster
        self._channels: dict[str, Channel] = {}
        self._readers: dict[str, tuple[Reader, Supervised]] = {}
        self._supervisor = supervisor
        self._loop = asyncio.get_running_loop()
        supervisor.start("stream maintenance", self._maintain)
        self.clients = clients
        self.closing = False

    @property
    def open_streams(self) -> int:
        """The number of connected clients."""
        return len(self.clients)

    @property
    def followed(self) -> int:
        """The number of followed workspaces."""
        return len(self._channels)

    def away(self, workspace_id: str) -> bool:
        """Tell whether the events of a workspace are unavailable at present."""
        found = self._readers.get(self._group(workspace_id))
        return found is not None and bool(found[0].problem)

    def problems(self) -> set[str]:
        """Return why no events are read at present; empty while they are."""
        return {reader.problem for reader, _ in self._readers.values() if reader.problem}

    async def follow(self, workspace_id: str) -> Channel:
        """Return the channel of a workspace, which is followed until `leave` is called.

        Raises:
            RedisUnavailable: the newest position of the stream cannot be read.
        """
        if self.away(workspace_id):
            raise RedisUnavailable("events are unavailable; try again")
        if workspace_id not in self._channels:
            last, position = await newest(self._redis, workspace_id)
            self._open(workspace_id, last, position)
        channel = self._channels[workspace_id]
        channel.followers += 1
        return channel

    def _open(self, workspace_id: str, last: bytes, position: tuple[int, int]) -> None:
        if workspace_id in self._channels:
            return
        channel = self._channels[workspace_id] = Channel(workspace_id, last, position)
        group = self._group(workspace_id)
        if group not in self._readers:
            reader = Reader(self._redis, self._blocking)
            self._readers[group] = reader, self._supervisor.start(READER, reader.run)
        self._readers[group][0].add(channel)

    def join(self, channel: Channel, subscriber: Subscriber) -> None:
        """Deliver all later events of a channel to a subscriber."""
        channel.subscribers.add(subscriber)
        subscriber.joined = True

    def leave(self, channel: Channel, subscriber: Subscriber) -> None:
        """Remove a subscriber from a channel."""
        channel.subscribers.discard(subscriber)
        channel.followers -= 1
        channel.idle_since = time.monotonic()

    async def has_all_after(self, workspace_id: str, after: str) -> bool:
        """Tell whether the stream still holds all events after an id; False for an id that is malformed or unknown.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if parse_id(after) is None:
            return False
        key = events_key(workspace_id)
        with redis_errors():
            if after == "0-0":
                # Approximate trimming never goes below the cap. So a shorter stream still has its beginning, unless
                # events were removed because of their age.
                if await self._redis.hget(version_key(workspace_id), TRIMMED):
                    return False
                return bool(await self._redis.xlen(key) < self._max_events)
            return bool(await self._redis.xrange(key, after, after))

    async def read(self, workspace_id: str, after: Position) -> Chunk:
        """Return the events of the next entries after a position, at most `CHUNK` entries.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        start = f"({after[0]}-{after[1]}"
        with redis_errors():
            entries: Any = await self._redis.xrange(events_key(workspace_id), start, "+", count=CHUNK)
        end = (parse_id(entries[-1][0].decode()) if entries else None) or after
        return Chunk(list(frames(workspace_id, entries)), end, complete=len(entries) < CHUNK)

    def stop_streams(self) -> None:
        """Ask every stream to end. May be called from any thread."""
        self.closing = True
        self._loop.call_soon_threadsafe(self.clients.end_all)

    def close(self) -> None:
        """End the streams; the supervisor ends the readers."""
        self.closing = True
        self.clients.end_all()

    def _group(self, workspace_id: str) -> str:
        """Return the name of the reader of a workspace: one of its own in a cluster, else one for all workspaces."""
        return workspace_id if self._cluster else ""

    async def _maintain(self) -> None:
        """Every second, keep connections alive and drop idle channels; every `CHECK_SECONDS`, check the keys."""
        checked = time.monotonic()
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            await self._maintain_channels(now)
            if now - checked >= CHECK_SECONDS:
                checked = now
                await self.clients.end_invalid()
                with suppress(RedisUnavailable):
                    await tickets.renew(self._redis, self.clients.tickets())

    async def _maintain_channels(self, now: float) -> None:
        for channel in list(self._channels.values()):
            away = self.away(channel.workspace_id)
            for subscriber in list(channel.subscribers):
                subscriber.beat(now, away=away)
            if not channel.followers and now - channel.idle_since > IDLE_SECONDS:
                await self._forget(channel)

    async def _forget(self, channel: Channel) -> None:
        del self._channels[channel.workspace_id]
        group = self._group(channel.workspace_id)
        self._readers[group][0].remove(channel)
        if self._cluster:
            _, task = self._readers.pop(group)
            await self._supervisor.stop(task)
