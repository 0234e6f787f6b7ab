"""Reference servers of the benchmarks: the cost of Starlette and ASGI without code of Tidemark.

`/kept` answers the bytes of one Redis key through a plain route. `/stream` writes the events of one Redis Stream to
every client; the stream is read once and queued per client, without filter, bound, heartbeat, resume or authentication.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

KEY = os.environ.get("BENCH_KEY", "")
REDIS = os.environ.get("BENCH_REDIS", "")
_queues: set[asyncio.Queue[bytes]] = set()


async def kept(request: Request) -> Response:
    """Answer the bytes of the key."""
    return Response(await request.app.state.redis.get(KEY), media_type="application/json")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.redis = Redis.from_url(REDIS)
    reader = asyncio.create_task(_read(Redis.from_url(REDIS, socket_timeout=None))) if KEY.endswith("events") else None
    yield
    if reader is not None:
        reader.cancel()


async def _read(redis: Redis) -> None:
    last: bytes | str = "$"
    while True:
        # RESP2 answers a list of streams, each with its entries.
        answer: Any = await redis.xread({KEY: last}, block=5000)
        for _, entries in answer or []:
            for entry_id, fields in entries:
                last = entry_id
                data = b"id: %s\nevent: %s\ndata: %s\n\n" % (entry_id, fields[b"event"], fields[b"data"])
                for queue in _queues:
                    queue.put_nowait(data)


class Stream:
    """Event stream in bare ASGI."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the queued events until the client disconnects."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        _queues.add(queue)
        try:
            await send({"type": "http.response.start", "status": 200,
                        "headers": [(b"content-type", b"text/event-stream")]})  # fmt: skip
            await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
            while True:
                await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})
        finally:
            _queues.discard(queue)


app = Starlette(routes=[Route("/kept", kept), Route("/stream", Stream())], lifespan=_lifespan)
