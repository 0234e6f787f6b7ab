"""Reads without a key, a token or a ticket: paced, and fair by address, so that they keep nobody else waiting.

Anybody can send thousands of them at once, many on each connection. A token bucket lets so many through per second that
they take a small part of the event loop's time; further ones wait. Addresses take turns: a visitor who opens the
dashboard does not wait behind the requests of an address that sends thousands.
"""

import asyncio
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PER_SECOND = 300
"""An answer takes about half a millisecond, so this is about a seventh of the event loop's time."""
BURST = 100
"""The dashboard's page and its files are about thirty requests."""
PER_TURN = 2
"""Reads that are answered in one turn of the event loop, also within a burst."""
_UNBOUNDED_PATHS = ("/socket.io", "/healthz", "/readyz")
"""Paths without such a limit: a poll of Socket.IO lasts as long as its client wants, and probes have to be answered."""


_WAITING_PATHS = ("/connect/",)
"""Paths whose answers may wait for another host: a login asks a platform. They wait for their turn like all others, and
occupy no place while they wait; they have limits of their own."""


class FairTurns:
    """A token bucket whose waiting callers take turns by address (round robin)."""

    def __init__(self, per_second: float = PER_SECOND, burst: int = BURST) -> None:
        self._per_second, self._burst = per_second, burst
        self._tokens, self._counted_at = float(burst), 0.0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """The callers that wait, by address; the address whose turn is next comes first."""
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, address: str) -> None:
        """Return when it is the turn of a caller with this address."""
        self._refill()
        if not self._waiting and self._tokens >= 1:
            self._tokens -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        self._set_timer()
        # A caller that leaves cancels its turn, which `_next` then skips.
        await turn

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        self._tokens = min(self._tokens + (now - self._counted_at) * self._per_second, self._burst)
        self._counted_at = now

    def _set_timer(self) -> None:
        if self._timer is None and self._waiting:
            seconds = max(1 - self._tokens, 0) / self._per_second
            self._timer = asyncio.get_running_loop().call_later(seconds, self._give)

    def _give(self) -> None:
        """Give turns to those that wait, one for each token."""
        self._timer = None
        self._refill()
        while self._tokens >= 1 and (turn := self._next()) is not None:
            self._tokens -= 1
            turn.set_result(None)
        self._set_timer()

    def _next(self) -> asyncio.Future[None] | None:
        """Take the next caller off the queue, and put its address behind the others; None if nobody waits."""
        while self._waiting:
            address = next(iter(self._waiting))
            callers = self._waiting.pop(address)
            turn = callers.popleft()
            if callers:
                self._waiting[address] = callers
            if not turn.done():
                return turn
        return None


class KeylessReads:
    """Lets reads without credentials wait for their turn (`FairTurns`), and answers `PER_TURN` of them at a time.

    An answer is complete in memory before it is sent, so that a client that reads slowly occupies no place.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = FairTurns()
        self._places = asyncio.Semaphore(PER_TURN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, when it is its turn."""
        if not _is_keyless_read(scope):
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._turns.wait(_address(scope))
        if scope["path"].startswith(_WAITING_PATHS):
            await self._app(scope, receive, send)
            return
        async with self._places:
            await self._app(scope, receive, keep)
            # The place is free again in the next turn of the event loop.
            await asyncio.sleep(0)
        for message in messages:
            await send(message)


def _address(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else ""


def _is_keyless_read(scope: Scope) -> bool:
    """Tell whether a request is a read without credentials; those of paths that take none are not looked at.

    The forms of logins count as reads: anybody can send them too.
    """
    return (
        scope["type"] == "http"
        and (scope["method"] in ("GET", "HEAD") or scope["path"].startswith(_WAITING_PATHS))
        and not (b"ticket=" in scope["query_string"] and scope["path"].startswith("/analytics/"))
        and not scope["path"].startswith(_UNBOUNDED_PATHS)
        and not any(name == b"authorization" for name, _ in scope["headers"])
    )
