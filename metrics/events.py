"""Events: what is announced after it was written, and the stream that keeps it for who was away.

One Redis Stream per workspace. An entry's id is the id of the event; entries carry `event`, `account`, `post` and
`data` (JSON in UTF-8, as a client gets it). An entry `reset` stands where a server began anew: events before it may be
missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import uuid4

import orjson
from redis import Redis
from redis.commands.core import Script

from metrics.cache import CURRENT_VERSION, new_epoch
from metrics.clock import isoformat
from metrics.documents import AccountState, AggregatedDocument, Observation, OperationDocument
from metrics.redisdb import announced_key, events_key, redis_errors, version_key

EventName = Literal["metrics:update", "metrics:post", "metrics:aggregated", "collection:status"]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)

MAX_EVENTS = 100_000
_CHUNK = 500

_ANNOUNCE = (
    CURRENT_VERSION
    + """
if not redis.call('SET', KEYS[3], 1, 'NX', 'EX', 120) then
  return known[2] .. '-' .. known[3]
end
local version = known[2] .. '-' .. redis.call('HINCRBY', KEYS[1], 'n', 1)
for i = 3, #ARGV, 4 do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*',
             'event', ARGV[i], 'account', ARGV[i + 1], 'post', ARGV[i + 2], 'data', ARGV[i + 3])
end
return version
"""
)
"""The new version and the events in one step: who has seen the event reads no older answer.

KEYS[3] stands for this call: a client that repeats it, because the answer was lost on the way, announces nothing twice.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that can be read from now on."""

    name: EventName
    workspace_id: str
    data: Mapping[str, Any]
    account_id: str | None = None
    post_id: str | None = None

    def encode(self) -> bytes:
        """Return `data` as JSON; instants as RFC 3339."""
        return orjson.dumps(self.data, default=_default)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return isoformat(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def observed(observation: Observation) -> Event:
    """Return the event of one observation: `metrics:update` of an account, `metrics:post` of a post."""
    data: dict[str, Any] = {
        "workspaceId": observation.workspace_id,
        "accountId": observation.account_id,
        "metrics": dict(observation.metrics),
        "timestamp": isoformat(observation.slot),
        "collectedAt": isoformat(observation.collected_at),
    }
    if observation.unavailable:
        data["unavailable"] = dict(observation.unavailable)
    if observation.post_id is None:
        data["platform"] = observation.platform
        return Event("metrics:update", observation.workspace_id, data, observation.account_id)
    data["postId"] = observation.post_id
    return Event("metrics:post", observation.workspace_id, data, observation.account_id, observation.post_id)


def aggregated(document: AggregatedDocument) -> Event:
    """Return the event of one account's rollup: `metrics:aggregated`."""
    data: dict[str, Any] = {
        "workspaceId": document["workspaceId"],
        "accountId": document["accountId"],
        "period": document["period"],
        "periodStart": isoformat(document["periodStart"]),
        "periodEnd": isoformat(document["periodEnd"]),
        "metrics": document["aggregatedMetrics"],
        "status": document["status"],
        "timestamp": isoformat(document["computedAt"]),
    }
    return Event("metrics:aggregated", document["workspaceId"], data, document["accountId"])


def operation_status(operation: OperationDocument) -> Event:
    """Return the event of an operation's state: `collection:status`."""
    data: dict[str, Any] = {
        "workspaceId": operation["workspaceId"],
        "operationId": operation["_id"],
        "kind": operation["kind"],
        "state": operation["state"],
        "accounts": operation.get("accounts", {}),
    }
    if "progress" in operation:
        data["progress"] = dict(operation["progress"])
    if "error" in operation:
        data["error"] = operation["error"]
    return Event("collection:status", operation["workspaceId"], data, operation.get("accountId"))


def account_status(workspace_id: str, account_id: str, state: AccountState, reason: str) -> Event:
    """Return the event of an account that changed its state, `needs_reauth` above all: `collection:status`."""
    data = {"workspaceId": workspace_id, "accountId": account_id, "state": state, "reason": reason}
    return Event("collection:status", workspace_id, data, account_id)


class Announcer:
    """Announces writes: raises the workspace's `dataVersion` and appends its events, both or neither."""

    def __init__(self, redis: Redis, max_events: int = MAX_EVENTS) -> None:
        self._script: Script = redis.register_script(_ANNOUNCE)
        self._max_events = max_events
        self.redis = redis

    def announce(self, workspace_id: str, events: Sequence[Event] = ()) -> str:
        """Announce what was written to a workspace and return its new `dataVersion`.

        Call it after the write is acknowledged. Delivers at least once: twice only where this raised after Redis had
        taken the events, and the caller announces them again.

        Raises:
            RedisUnavailable: Redis does not answer; announce again later.
        """
        version = b""
        with redis_errors():
            for chunk in [events[i : i + _CHUNK] for i in range(0, len(events), _CHUNK)] or [()]:
                arguments: list[str | bytes | int] = [new_epoch(), self._max_events]
                for event in chunk:
                    arguments += [event.name, event.account_id or "", event.post_id or "", event.encode()]
                keys = [version_key(workspace_id), events_key(workspace_id), announced_key(workspace_id, uuid4().hex)]
                version = self._script(keys=keys, args=arguments)
        return version.decode()
