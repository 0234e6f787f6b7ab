"""Where workspaces stand, and kept answers with it: asked of Redis once for everyone who asks at the same time.

An answer that was kept is given only after Redis said, later than it was asked for, that its version is the present
one: so it is never older than what was announced before, in whatever process and however far behind its stream is. What
this costs is shared: one question per workspace is under way, and who comes meanwhile shares the next. A question
carries the keys of the answers that are wanted if the version is still the one that was seen last, as it mostly is; so
state and answers come with one command, and a key that several want comes once.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import events_key, version_key
from metrics.redis.versions import CURRENT_VERSION, new_epoch
from serving.cache.breaker import Breaker
from serving.cache.finished import Answer
from serving.cache.states import AWAY, State

_SCRIPT = (
    CURRENT_VERSION
    + """
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local kept = KEYS[3] and redis.call('MGET', unpack(KEYS, 3)) or {}
return {known[2] .. '-' .. known[3], last[1] and last[1][1] or '0-0', known[4] or '0', kept}
"""
)
_AT_ONCE = 16
"""Answers of one question: others of Redis's clients wait for as long as it copies them."""
_SIZE = 20_000

Reply = tuple[State, Answer | None]


@dataclass(eq=False, slots=True)
class _Waiting:
    """Who waits for a state, and for what is kept under `key` where one is given."""

    key: str | None
    reply: asyncio.Future[Reply]


class Together:
    """Questions about workspaces."""

    def __init__(self, redis: Redis, breaker: Breaker) -> None:
        self._redis = redis
        self._breaker = breaker
        self._script = redis.register_script(_SCRIPT)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, list[_Waiting]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._seen: OrderedDict[str, str] = OrderedDict()

    def seen(self, workspace_id: str) -> str | None:
        """Return the version that the workspace had when it was last asked for, if it is known."""
        return self._seen.get(workspace_id)

    async def ask(self, workspace_id: str, key: str | None = None) -> Reply:
        """Return where the workspace's data stand, as Redis says from now on, and what is kept under a key of it.

        The state is empty while Redis is away.
        """
        if self._breaker.open:
            return AWAY, None
        # A future each: who leaves does not take the answer from the others.
        mine = _Waiting(key, self._loop.create_future())
        self._waiting.setdefault(workspace_id, []).append(mine)
        if workspace_id not in self._asking:
            self._asking[workspace_id] = asyncio.create_task(self._answer(workspace_id))
        return await mine.reply

    async def _answer(self, workspace_id: str) -> None:
        try:
            while workspace_id in self._waiting:
                asking, keys = self._next(workspace_id)
                state, kept = AWAY, dict[str, Answer]()
                try:
                    state, kept = await self._ask(workspace_id, keys)
                finally:
                    for one in asking:
                        if not one.reply.done():
                            one.reply.set_result((state, kept.get(one.key) if one.key else None))
        finally:
            del self._asking[workspace_id]

    def _next(self, workspace_id: str) -> tuple[list[_Waiting], list[str]]:
        """Take those whose question is next, and the keys that they want, each once; who wants more waits on."""
        asking, left, keys = list[_Waiting](), list[_Waiting](), dict[str, None]()
        for one in self._waiting.pop(workspace_id):
            if one.key is None or one.key in keys or len(keys) < _AT_ONCE:
                asking.append(one)
                keys |= {one.key: None} if one.key else {}
            else:
                left.append(one)
        if left:
            self._waiting[workspace_id] = left
        return asking, list(keys)

    async def _ask(self, workspace_id: str, keys: list[str]) -> tuple[State, dict[str, Answer]]:
        own = [version_key(workspace_id), events_key(workspace_id)]

        async def question() -> Any:
            return await self._script(keys=[*own, *keys], args=[new_epoch()])

        try:
            version, cursor, cleared, kept = await self._breaker.ask(question, lambda: self._redis.exists(own[0]))
        except RedisUnavailable:
            return AWAY, {}
        state = State(version.decode(), cursor.decode(), cleared)
        self._see(workspace_id, version.decode())
        found = zip(keys, kept, strict=True)
        return state, {key: Answer.unpack(packed) for key, packed in found if packed}

    def _see(self, workspace_id: str, version: str) -> None:
        self._seen[workspace_id] = version
        self._seen.move_to_end(workspace_id)
        while len(self._seen) > _SIZE:
            self._seen.popitem(last=False)
