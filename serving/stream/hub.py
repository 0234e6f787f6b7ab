"""The streams of this process: who follows which workspace, and the reader that feeds them."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import events_key, redis_errors, version_key
from metrics.redis.events import TRIMMED
from serving.stream.clients import Clients
from serving.stream.frames import Frame, frame, parse_id
from serving.stream.reader import Channel, Reader, newest
from serving.stream.subscriber import Subscriber

log = logging.getLogger(__name__)

CHUNK = 500
CHECK_SECONDS = 20.0
"""How often keys are looked at: a revoked one ends its streams well within 60 s."""
IDLE_SECONDS = 10.0
"""How long a workspace is followed after its last client left: clients that reconnect find it as it was."""
_TICK = 1.0


class Hub:
    """Subscriptions of this process."""

    def __init__(self, redis: Redis, blocking: Redis, clients: Clients, *, max_events: int, cluster: bool) -> None:
        self._redis = redis
        self._blocking = blocking
        self._max_events = max_events
        self._cluster = cluster
        self._channels: dict[str, Channel] = {}
        self._readers: dict[str, Reader] = {}
        self._loop = asyncio.get_running_loop()
        self._keeper = asyncio.create_task(self._keep())
        self.clients = clients
        self.closing = False

    @property
    def open_streams(self) -> int:
        """How many clients are connected."""
        return len(self.clients)

    @property
    def followed(self) -> int:
        """How many workspaces are followed."""
        return len(self._channels)

    def follows(self, workspace_id: str) -> bool:
        """Tell whether a workspace is followed, or was a moment ago."""
        return workspace_id in self._channels

    def away(self, workspace_id: str) -> bool:
        """Tell whether the events of a workspace are out of reach at present."""
        reader = self._readers.get(self._group(workspace_id))
        return reader is not None and not reader.connected

    async def follow(self, workspace_id: str) -> Channel:
        """Return the channel of a workspace, followed until `leave`.

        Raises:
            RedisUnavailable: nobody knows where the stream stands.
        """
        if self.away(workspace_id):
            raise RedisUnavailable("events are out of reach; try again")
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
            self._readers[group] = Reader(self._redis, self._blocking)
        self._readers[group].add(channel)

    def join(self, channel: Channel, subscriber: Subscriber) -> None:
        """Give a subscriber what comes from now on."""
        channel.subscribers.add(subscriber)
        subscriber.joined = True

    def leave(self, channel: Channel, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        channel.subscribers.discard(subscriber)
        channel.followers -= 1
        channel.idle_since = time.monotonic()

    async def keeps(self, workspace_id: str, after: str) -> bool:
        """Tell whether everything after an id is still there; not where the id is malformed or beyond the end.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if parse_id(after) is None:
            return False
        key = events_key(workspace_id)
        with redis_errors():
            if after == "0-0":
                # Approximate trimming never goes below the cap: below it, the beginning is still there, unless it was
                # too old.
                if await self._redis.hget(version_key(workspace_id), TRIMMED):
                    return False
                return bool(await self._redis.xlen(key) < self._max_events)
            return bool(await self._redis.xrange(key, after, after))

    async def read(self, workspace_id: str, after: str) -> list[Frame]:
        """Return the next events after an id, `CHUNK` at most; fewer mean that these are all.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        with redis_errors():
            entries: Any = await self._redis.xrange(events_key(workspace_id), f"({after}", "+", count=CHUNK)
        return [frame(workspace_id, entry_id, fields) for entry_id, fields in entries]

    def stop_streams(self) -> None:
        """Ask every stream to end; from any thread."""
        self.closing = True
        self._loop.call_soon_threadsafe(self.clients.end_all)

    async def close(self) -> None:
        """End streams and readers."""
        self.closing = True
        self.clients.end_all()
        await _stop(self._keeper)
        for reader in self._readers.values():
            await _stop(reader.task)

    def _group(self, workspace_id: str) -> str:
        return workspace_id if self._cluster else ""

    async def _keep(self) -> None:
        checked = time.monotonic()
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            for channel in list(self._channels.values()):
                away = self.away(channel.workspace_id)
                for subscriber in list(channel.subscribers):
                    subscriber.beat(now, away=away)
                if not channel.followers and now - channel.idle_since > IDLE_SECONDS:
                    await self._forget(channel)
            if now - checked >= CHECK_SECONDS:
                checked = now
                try:
                    await self.clients.end_invalid()
                except Exception:
                    log.exception("keys of streams were not checked")

    async def _forget(self, channel: Channel) -> None:
        del self._channels[channel.workspace_id]
        group = self._group(channel.workspace_id)
        self._readers[group].remove(channel)
        if self._cluster:
            await _stop(self._readers.pop(group).task)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
