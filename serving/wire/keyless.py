"""Middleware: reads without credentials, such as the dashboard's files, are answered a few per turn of the event loop.

Anybody can send thousands of them at once, many on each connection. Without a limit, each turn of the event loop would
answer one of every connection, and a read with a key would wait in each of its turns for all of them.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PER_TURN = 4
_OTHER_PATHS = ("/socket.io", "/healthz", "/readyz")
"""Paths that take no part: a poll of Socket.IO lasts as long as its client wants, and probes have to be answered."""


class KeylessReads:
    """Answers at most `PER_TURN` reads without a key, a token or a ticket in one turn of the event loop.

    An answer is complete in memory before it is sent, so that a client that reads slowly occupies no place.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._places = asyncio.Semaphore(PER_TURN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, when it is its turn."""
        if not _is_keyless_read(scope):
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        async with self._places:
            await self._app(scope, receive, keep)
            # The place is free again in the next turn.
            await asyncio.sleep(0)
        for message in messages:
            await send(message)


def _is_keyless_read(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and b"ticket=" not in scope["query_string"]
        and not scope["path"].startswith(_OTHER_PATHS)
        and not any(name == b"authorization" for name, _ in scope["headers"])
    )
