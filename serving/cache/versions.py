"""Single flight per workspace: callers that arrive during a Redis call share the next one.

A kept answer is sent only after Redis has confirmed, later than the request arrived, that the answer's version is the
present one. So no answer is older than an event that was announced before the request, in any process. Requests share
the cost: at most one call per workspace is under way, and the next call serves all requests that arrive meanwhile. A
call also carries the keys of the answers that the requests want, under the last known version, which mostly is still
the present one. So one command returns the state and the answers, and an answer that several requests want only once.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from redis.asyncio import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.keys import events_key, version_key
from metrics.redis.versions import CURRENT_VERSION, new_epoch
from serving.cache.answer import Answer
from serving.cache.circuit_breaker import RedisCircuitBreaker
from serving.cache.plan import AWAY, State

log = logging.getLogger(__name__)

_SCRIPT = (
    CURRENT_VERSION
    + """
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local kept = KEYS[3] and redis.call('MGET', unpack(KEYS, 3)) or {}
return {known[2] .. '-' .. known[3], last[1] and last[1][1] or '0-0', known[4] or '0', kept}
"""
)
_ANSWERS_PER_CALL = 16
"""The limit is low because Redis's other clients wait while it copies the answers of a call."""
_WORKSPACES = 20_000
_LONGEST_CALL = 2.5
"""Seconds after which the callers of a call get no state. A caller waits for the call under way and the next one."""

Reply = tuple[State, Answer | None]


@dataclass(eq=False, slots=True)
class _Waiting:
    """A caller that waits for a state, and for the answer under `key` where one is given."""

    key: str | None
    reply: asyncio.Future[Reply]


class WorkspaceStates:
    """Reads the states of workspaces from Redis, and kept answers with them."""

    def __init__(self, redis: Redis, breaker: RedisCircuitBreaker) -> None:
        self._redis = redis
        self._breaker = breaker
        self._script = redis.register_script(_SCRIPT)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, list[_Waiting]] = {}
        self._calling: dict[str, asyncio.Task[None]] = {}
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._last_versions: LRUCache[str, str] = LRUCache(_WORKSPACES)

    def last_version(self, workspace_id: str) -> str | None:
        """Return the version that the workspace had at the last call, if it is known."""
        return self._last_versions.get(workspace_id)

    async def get(self, workspace_id: str, key: str | None = None) -> Reply:
        """Return the state of a workspace, as Redis gives it from now on, and the answer that is kept under a key.

        The state is empty while Redis is away, and if a call does not end. One timer for each call sees to that, and
        not one for each caller, since thousands of callers may share a call.
        """
        if self._breaker.open:
            return AWAY, None
        # Every caller has a future of its own: one that is cancelled does not cancel the others.
        mine = _Waiting(key, self._loop.create_future())
        self._waiting.setdefault(workspace_id, []).append(mine)
        if workspace_id not in self._calling:
            self._calling[workspace_id] = asyncio.create_task(self._serve(workspace_id))
        return await mine.reply

    async def close(self) -> None:
        """End the calls that are under way; their callers get no state."""
        calls = list(self._calling.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        # A call that had not begun yet has not taken its callers.
        for caller in [caller for callers in self._waiting.values() for caller in callers]:
            if not caller.reply.done():
                caller.reply.set_result((AWAY, None))

    async def _serve(self, workspace_id: str) -> None:
        """Call Redis as long as there are callers that wait for this workspace."""
        try:
            while workspace_id in self._waiting:
                callers, keys = self._next_callers(workspace_id)
                self._set_deadline(workspace_id, callers)
                state, kept = AWAY, dict[str, Answer]()
                try:
                    state, kept = await self._call(workspace_id, keys)
                except Exception:
                    log.exception("the state of a workspace could not be read; its reads go to MongoDB alone")
                finally:
                    self._deadlines.pop(workspace_id).cancel()
                    for caller in callers:
                        if not caller.reply.done():
                            caller.reply.set_result((state, kept.get(caller.key) if caller.key else None))
        finally:
            del self._calling[workspace_id]

    def _set_deadline(self, workspace_id: str, callers: list[_Waiting]) -> None:
        self._deadlines[workspace_id] = self._loop.call_later(_LONGEST_CALL, self._give_up, workspace_id, callers)

    def _give_up(self, workspace_id: str, callers: list[_Waiting]) -> None:
        """Give the callers of a call that does not end an empty state, and those that have come meanwhile."""
        late = [*callers, *self._waiting.pop(workspace_id, ())]
        log.warning(
            "Redis gave no state of a workspace within %.1f s; %d reads go to MongoDB alone", _LONGEST_CALL, len(late)
        )
        for caller in late:
            if not caller.reply.done():
                caller.reply.set_result((AWAY, None))
        self._set_deadline(workspace_id, [])

    def _next_callers(self, workspace_id: str) -> tuple[list[_Waiting], list[str]]:
        """Take the callers that the next call serves, and the keys that they want, each once. The others wait on."""
        served, left, keys = list[_Waiting](), list[_Waiting](), dict[str, None]()
        for caller in self._waiting.pop(workspace_id):
            if caller.key is None or caller.key in keys or len(keys) < _ANSWERS_PER_CALL:
                served.append(caller)
                keys |= {caller.key: None} if caller.key else {}
            else:
                left.append(caller)
        if left:
            self._waiting[workspace_id] = left
        return served, list(keys)

    async def _call(self, workspace_id: str, keys: list[str]) -> tuple[State, dict[str, Answer]]:
        own = [version_key(workspace_id), events_key(workspace_id)]

        async def command() -> tuple[State, dict[str, Answer]]:
            return _parse(keys, await self._script(keys=[*own, *keys], args=[new_epoch()]))

        try:
            state, kept = await self._breaker.call(command, lambda: self._redis.exists(own[0]))
        except RedisUnavailable:
            return AWAY, {}
        self._last_versions[workspace_id] = str(state.version)
        return state, kept


def _parse(keys: list[str], reply: Any) -> tuple[State, dict[str, Answer]]:
    """Return the state and the kept answers that the script returned.

    Raises:
        RedisUnavailable: the reply is not one of the script; another program answers in place of Redis.
    """
    try:
        version, cursor, cleared, packed = reply
        found = {key: Answer.unpack(one) for key, one in zip(keys, packed, strict=True) if one}
        kept = {key: answer for key, answer in found.items() if answer is not None}
        return State(version.decode(), cursor.decode(), cleared), kept
    except (ValueError, TypeError, AttributeError) as error:
        raise RedisUnavailable("Redis sent an answer of another form than its script returns") from error
