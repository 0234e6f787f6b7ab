"""A stream as an ASGI answer: replay without gap or doubling, then what happens.

Measured, this costs half of what `StreamingResponse` does and a third of sse-starlette: bytes are made once for all
clients, and no client has timers of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from metrics.errors import RedisUnavailable
from metrics.store.keys import ApiKey
from serving.protocol import ABORT
from serving.stream.frames import HEARTBEAT, RETRY, Position, parse_id, ping, reset
from serving.stream.hub import CHUNK, Hub
from serving.stream.reader import Channel
from serving.stream.subscriber import Subscriber

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Vary": "Authorization",
}
_AGAIN_SECONDS = 1.0
Write = Callable[[bytes], Awaitable[None]]
T = TypeVar("T")


class EventStream(Response):
    """The events of one subscriber, behind `after` where that is given."""

    def __init__(self, hub: Hub, key: ApiKey, subscriber: Subscriber, after: str | None) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._key = key
        self._subscriber = subscriber
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client, its key or the server is gone."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._connected(scope, receive, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        subscriber, task = self._subscriber, asyncio.current_task()
        subscriber.abort = (scope.get("extensions") or {}).get(ABORT) or (lambda: task and task.cancel())
        client = self._hub.clients.enter(self._key, subscriber.end)
        watch = asyncio.create_task(_watch(receive, subscriber))
        if self._hub.closing:
            subscriber.end()
        try:
            await self._follow(write)
        finally:
            self._hub.clients.leave(client)
            watch.cancel()

    async def _follow(self, write: Write) -> None:
        head = _Head(write)
        channel = await self._patiently(head.write, lambda: self._hub.follow(self._subscriber.workspace_id))
        if channel is None:
            return
        try:
            if head.said and self._after is None:
                await head.write(reset(channel.workspace_id, "events_unavailable").data)
            await self._catch_up(head.write, channel)
            await head.write(ping().data)
            await self._live(write)
        finally:
            self._hub.leave(channel, self._subscriber)

    async def _catch_up(self, write: Write, channel: Channel) -> None:
        """Replay what came after the client's place, a chunk at a time, and join where nothing is missing."""
        hub, subscriber = self._hub, self._subscriber
        place = await self._place(write, self._after) if self._after else None
        while place is not None and not subscriber.ended:
            # Read after this place was passed, so a short answer holds everything up to it.
            passed = channel.position
            place, complete = await self._replay(write, place)
            if complete and channel.position <= max(place, passed):
                break
        subscriber.after = max(place or channel.position, channel.position)
        hub.join(channel, subscriber)

    async def _place(self, write: Write, after: str) -> Position | None:
        workspace_id = self._subscriber.workspace_id
        if await self._patiently(write, lambda: self._hub.keeps(workspace_id, after)):
            return parse_id(after)
        await write(reset(workspace_id, "unknown_position", forget=True).data)
        return None

    async def _replay(self, write: Write, place: Position) -> tuple[Position, bool]:
        hub, subscriber = self._hub, self._subscriber
        after = f"{place[0]}-{place[1]}"
        found = await self._patiently(write, lambda: hub.read(subscriber.workspace_id, after)) or []
        wanted = b"".join([item.data for item in found if subscriber.wants(item)])
        if wanted:
            await write(wanted)
        return (found[-1].position if found else place), len(found) < CHUNK

    async def _live(self, write: Write) -> None:
        subscriber = self._subscriber
        queue = subscriber.queue
        while True:
            if queue:
                data = queue.popleft().data if len(queue) == 1 else b"".join([item.data for item in queue])
                queue.clear()
                await write(data)
            elif subscriber.lost is not None:
                await write(reset(subscriber.workspace_id, subscriber.lost).data)
                return
            elif subscriber.ended:
                return
            else:
                await subscriber.wait()

    async def _patiently(self, write: Write, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until Redis answers, telling the client that it does not; None where the stream ended meanwhile."""
        said = False
        while not self._subscriber.ended:
            try:
                return await ask()
            except RedisUnavailable:
                await write(HEARTBEAT if said else ping(away=True).data)
                said = True
                await self._subscriber.wait(_AGAIN_SECONDS)
        return None


class _Head:
    """Writes `retry` in one block with whatever is first."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.said = False

    async def write(self, data: bytes) -> None:
        if not self.said:
            self.said, data = True, RETRY + data
        await self._write(data)


async def _watch(receive: Receive, subscriber: Subscriber) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.queue.clear()
    subscriber.end()
