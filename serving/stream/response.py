"""Server-sent events as an ASGI response.

In measurements it costs half as much as `StreamingResponse` and a third of sse-starlette, because the bytes are encoded
once for all clients, and clients have no timers of their own.
"""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from metrics.store.api_keys import ApiKey
from serving.stream.follow import Follow
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
    """The events of one subscriber: those after the event id `after` if it is given, or else those from now on."""

    def __init__(
        self, hub: Hub, key: ApiKey, subscriber: Subscriber, after: str | None, ticket: str | None = None
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._key = key
        self._subscriber = subscriber
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

        subscriber, task = self._subscriber, asyncio.current_task()
        subscriber.abort = (scope.get("extensions") or {}).get(ABORT) or (lambda: task and task.cancel())
        client = self._hub.clients.enter(self._key, subscriber.end, self._ticket)
        watch = asyncio.create_task(_watch(receive, subscriber))
        if self._hub.closing:
            subscriber.end()
        try:
            await Follow(self._hub, subscriber, self._after, deliver).run()
        finally:
            self._hub.clients.leave(client)
            watch.cancel()


async def _watch(receive: Receive, subscriber: Subscriber) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.queue.clear()
    subscriber.end()
