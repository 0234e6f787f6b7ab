"""Connections of Engine.IO that have not signed in yet: few per address and in all, and each for a short time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from serving.wire.protocol import ABORT

SIGN_IN_SECONDS = 10.0
PER_ADDRESS = 50
IN_ALL = 1000

Drop = Callable[[str, Callable[[], object] | None], Awaitable[None]]
"""Ends a connection, given its Engine.IO id and a function that aborts its websocket, if it has one."""


class SignIns:
    """Calls `drop` for each connection that has not signed in within `SIGN_IN_SECONDS`."""

    def __init__(self, drop: Drop) -> None:
        self._drop = drop
        self._waiting: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def are_too_many(self, scope: Mapping[str, Any]) -> bool:
        """Tell whether as many connections wait as may, of the address of this one or in all."""
        address = _address(scope)
        same = sum(other == address for other, _ in self._waiting.values())
        return same >= PER_ADDRESS or len(self._waiting) >= IN_ALL

    def begin(self, eio_sid: str, scope: dict[str, Any]) -> bool:
        """Wait for the sign-in of a connection; return False if too many others wait, and do nothing then."""
        if self.are_too_many(scope):
            return False
        self.end(eio_sid)
        abort = (scope.get("extensions") or {}).get(ABORT) if scope.get("type") == "websocket" else None
        self._waiting[eio_sid] = _address(scope), asyncio.create_task(self._drop_later(eio_sid, abort))
        return True

    def end(self, eio_sid: str) -> None:
        """Stop waiting: the connection has signed in, or has ended."""
        _, task = self._waiting.pop(eio_sid, (None, None))
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Stop waiting for all connections."""
        for eio_sid in list(self._waiting):
            self.end(eio_sid)

    async def _drop_later(self, eio_sid: str, abort: Callable[[], object] | None) -> None:
        await asyncio.sleep(SIGN_IN_SECONDS)
        del self._waiting[eio_sid]
        await self._drop(eio_sid, abort)


def _address(scope: Mapping[str, Any]) -> str:
    client: tuple[str, int] = scope.get("client") or ("", 0)
    return client[0]
