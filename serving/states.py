"""Where workspaces stand, asked of Redis once for everyone who asks at the same time.

An answer that was kept is given only after Redis said, later than it was asked for, that its version is the present
one: so it is never older than what was announced before, in whatever process and however far behind its stream is. What
this costs is shared: one question per workspace is under way, and who comes meanwhile shares the next.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from metrics.cache import CURRENT_VERSION, new_epoch
from metrics.errors import RedisUnavailable
from metrics.redisdb import events_key, version_key
from serving.breaker import Breaker

_STATE = (
    CURRENT_VERSION
    + """
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return {known[2] .. '-' .. known[3], last[1] and last[1][1] or '0-0', known[4] or '0'}
"""
)


@dataclass(frozen=True, slots=True)
class State:
    """Where a workspace's data stand: the version, the id of the newest event, how often its cache was cleared.

    Empty while Redis is away.
    """

    version: str | None
    cursor: str | None
    cleared: bytes = b""


AWAY = State(None, None)


class States:
    """States of workspaces."""

    def __init__(self, redis: Redis, breaker: Breaker) -> None:
        self._redis = redis
        self._breaker = breaker
        self._script = redis.register_script(_STATE)
        self._waiting: dict[str, list[asyncio.Future[State]]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def get(self, workspace_id: str) -> State:
        """Return where the workspace's data stand, as Redis says from now on; empty while it is away."""
        if self._breaker.open:
            return AWAY
        # A future each: who leaves does not take the answer from the others.
        mine: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, []).append(mine)
        if workspace_id not in self._asking:
            self._asking[workspace_id] = asyncio.create_task(self._answer(workspace_id))
        return await mine

    async def _answer(self, workspace_id: str) -> None:
        try:
            while waiting := self._waiting.pop(workspace_id, None):
                state = AWAY
                try:
                    state = await self._ask(workspace_id)
                finally:
                    for one in waiting:
                        if not one.done():
                            one.set_result(state)
        finally:
            del self._asking[workspace_id]

    async def _ask(self, workspace_id: str) -> State:
        keys = [version_key(workspace_id), events_key(workspace_id)]

        async def question() -> Any:
            return await self._script(keys=keys, args=[new_epoch()])

        try:
            version, cursor, cleared = await self._breaker.ask(question, lambda: self._redis.exists(keys[0]))
        except RedisUnavailable:
            return AWAY
        return State(version.decode(), cursor.decode(), cleared)
