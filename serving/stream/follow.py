"""From a client's place to the present, and on from there: nothing missing, nothing twice, in order."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from metrics.errors import RedisUnavailable
from serving.stream.frames import BEAT, Frame, Position, parse_id, ping, reset
from serving.stream.hub import CHUNK, Hub
from serving.stream.reader import Channel
from serving.stream.subscriber import Subscriber

_AGAIN_SECONDS = 1.0
Give = Callable[[Sequence[Frame]], Awaitable[None]]
T = TypeVar("T")


class Follow:
    """Follows for one subscriber, behind `after` where that is given; `give` takes frames at the client's pace."""

    def __init__(self, hub: Hub, subscriber: Subscriber, after: str | None, give: Give) -> None:
        self._hub = hub
        self._subscriber = subscriber
        self._after = after
        self._give = give
        self._waited = False

    async def run(self) -> None:
        """Give frames until the subscription is over."""
        subscriber = self._subscriber
        channel = await self._patiently(lambda: self._hub.follow(subscriber.workspace_id))
        if channel is None:
            return
        try:
            if self._waited and self._after is None:
                await self._give([reset(subscriber.workspace_id, "events_unavailable")])
            await self._catch_up(channel)
            await self._give([ping()])
            await self._live()
        finally:
            self._hub.leave(channel, subscriber)

    async def _catch_up(self, channel: Channel) -> None:
        """Replay what came after the client's place, a chunk at a time, and join where nothing is missing."""
        subscriber = self._subscriber
        place = await self._place(self._after) if self._after else None
        while place is not None and not subscriber.ended:
            # Read after this place was passed, so a short answer holds everything up to it.
            passed = channel.position
            place, complete = await self._replay(place)
            if complete and channel.position <= max(place, passed):
                break
        subscriber.after = max(place or channel.position, channel.position)
        self._hub.join(channel, subscriber)

    async def _place(self, after: str) -> Position | None:
        workspace_id = self._subscriber.workspace_id
        if await self._patiently(lambda: self._hub.keeps(workspace_id, after)):
            return parse_id(after)
        await self._give([reset(workspace_id, "unknown_position", forget=True)])
        return None

    async def _replay(self, place: Position) -> tuple[Position, bool]:
        subscriber = self._subscriber
        after = f"{place[0]}-{place[1]}"
        found = await self._patiently(lambda: self._hub.read(subscriber.workspace_id, after)) or []
        wanted = [item for item in found if subscriber.wants(item)]
        if wanted:
            await self._give(wanted)
        return (found[-1].position if found else place), len(found) < CHUNK

    async def _live(self) -> None:
        subscriber, queue = self._subscriber, self._subscriber.queue
        while True:
            if queue:
                frames = list(queue)
                queue.clear()
                await self._give(frames)
            elif subscriber.lost is not None:
                await self._give([reset(subscriber.workspace_id, subscriber.lost)])
                return
            elif subscriber.ended:
                return
            else:
                await subscriber.wait()

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until Redis answers, telling the client that it does not; None where the subscription ended meanwhile."""
        said = False
        while not self._subscriber.ended:
            try:
                return await ask()
            except RedisUnavailable:
                await self._give([BEAT if said else ping(away=True)])
                said = self._waited = True
                await self._subscriber.wait(_AGAIN_SECONDS)
        return None
