"""Server-sent events as an ASGI response.

In measurements it costs half as much as `StreamingResponse` and a third of sse-starlette, because the bytes are encoded
once for all clients, and clients have no timers of their own.
"""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from metrics.store.api_keys import ApiKey
from serving.stream.follow import Deliver, Follow
from serving.stream.frames import RETRY, Frame
from serving.stream.hub import Hub
from serving.stream.subscriber import Subscriber
from serving.wire.protocol import ABORT

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Vary": "Authorization",
}


class EventStream(Response):
    """The events of one subscriber: those after the event id `after` if it is given, or else those from now on.

    A subclass may have several subscribers, which share the connection.
    """

    def __init__(
        self, hub: Hub, key: ApiKey, subscriber: Subscriber, after: str | None, ticket: str | None = None
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._key = key
        self._subscribers: Sequence[Subscriber] = (subscriber,)
        self._after = after
        self._ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, its key becomes invalid, or the server stops."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._connected(scope, receive, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = RETRY

        async def deliver(frames: Sequence[Frame]) -> None:
            nonlocal head
            data = frames[0].data if len(frames) == 1 else b"".join([item.data for item in frames])
            if head:
                data, head = head + data, b""
            await send({"type": "http.response.body", "body": data, "more_body": True})

        task = asyncio.current_task()
        abort = (scope.get("extensions") or {}).get(ABORT) or (lambda: task and task.cancel())
        for subscriber in self._subscribers:
            subscriber.abort = abort
        client = self._hub.clients.enter(self._key, self._end, self._ticket)
        watch = asyncio.create_task(self._watch(receive))
        if self._hub.closing:
            self._end()
        try:
            await self._follow(deliver)
        finally:
            self._hub.clients.leave(client)
            watch.cancel()

    async def _follow(self, deliver: Deliver) -> None:
        await Follow(self._hub, self._subscribers[0], self._after, deliver).run()

    def _end(self) -> None:
        for subscriber in self._subscribers:
            subscriber.end()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        for subscriber in self._subscribers:
            subscriber.queue.clear()
        self._end()
