"""Replay of the events after a client's position, then live events: none missing, none twice, in order."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

from metrics.errors import RedisUnavailable
from serving.stream.frames import BEAT, Frame, Position, parse_id, ping, reset
from serving.stream.hub import Hub
from serving.stream.reader import Channel
from serving.stream.subscriber import Subscriber

_RETRY_SECONDS = 1.0
Deliver = Callable[[Sequence[Frame]], Awaitable[None]]
T = TypeVar("T")


class Follow:
    """Follows a workspace for one subscriber, from the event id `after` or from now on.

    `deliver` sends frames to the client, and returns when the connection has taken them (back-pressure). While a chunk
    of missed events is read and delivered, `replaying` is held.
    """

    def __init__(
        self,
        hub: Hub,
        subscriber: Subscriber,
        after: str | None,
        deliver: Deliver,
        replaying: AbstractAsyncContextManager[Any] | None = None,
    ) -> None:
        self._hub = hub
        self._subscriber = subscriber
        self._after = after
        self._deliver = deliver
        self._replaying = nullcontext() if replaying is None else replaying
        self._waited = False

    async def run(self) -> None:
        """Deliver frames until the subscription is over."""
        subscriber = self._subscriber
        channel = await self._retry(lambda: self._hub.follow(subscriber.workspace_id))
        if channel is None:
            return
        try:
            if self._waited and self._after is None:
                await self._deliver([reset(subscriber.workspace_id, "events_unavailable")])
            await self._catch_up(channel)
            await self._deliver([ping()])
            await self._live()
        finally:
            self._hub.leave(channel, subscriber)

    async def _catch_up(self, channel: Channel) -> None:
        """Replay the events after the client's position, a chunk at a time; join the channel when none is missing."""
        subscriber = self._subscriber
        place = await self._place(channel, self._after) if self._after else None
        while place is not None and not subscriber.ended:
            # The replay reads later than the channel did, so a chunk that is not full holds everything up to here.
            reached = channel.position
            async with self._replaying:
                place, complete = await self._replay(place)
            if complete and channel.position <= max(place, reached):
                break
        subscriber.after = max(place or channel.position, channel.position)
        self._hub.join(channel, subscriber)

    async def _place(self, channel: Channel, after: str) -> Position | None:
        workspace_id = self._subscriber.workspace_id
        if await self._retry(lambda: self._hub.has_all_after(workspace_id, after)):
            return parse_id(after)
        # The replay begins where the channel is now: an event that arrives while the reset is sent is not missed.
        place = channel.position
        await self._deliver([reset(workspace_id, "unknown_position", at=place)])
        return place

    async def _replay(self, place: Position) -> tuple[Position, bool]:
        subscriber = self._subscriber
        chunk = await self._retry(lambda: self._hub.read(subscriber.workspace_id, place))
        if chunk is None:
            return place, True
        wanted = [item for item in chunk.frames if subscriber.wants(item)]
        if wanted:
            await self._deliver(wanted)
        return chunk.end, chunk.complete

    async def _live(self) -> None:
        subscriber, queue = self._subscriber, self._subscriber.queue
        while True:
            if queue:
                frames = list(queue)
                queue.clear()
                await self._deliver(frames)
            elif subscriber.lost is not None:
                await self._deliver([reset(subscriber.workspace_id, subscriber.lost)])
                return
            elif subscriber.ended:
                return
            else:
                await subscriber.wait()

    async def _retry(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Repeat a call until Redis answers, and tell the client once that events are unavailable.

        Return None if the subscription ended meanwhile.
        """
        told = False
        while not self._subscriber.ended:
            try:
                return await call()
            except RedisUnavailable:
                await self._deliver([BEAT if told else ping(away=True)])
                told = self._waited = True
                await self._subscriber.wait(_RETRY_SECONDS)
        return None
