"""Events: announced after each write, and kept in a Redis Stream so that clients can resume.

Each workspace has one stream. The id of an entry is the id of the event; its fields are `event`, `account`, `post` and
`data` (JSON in UTF-8, as clients receive it). An entry `reset` tells that the server was restarted or replaced: events
before it may be missing.

The number and the age of the events in a stream are limited, but the newest event is always kept: a client that has
seen it can resume after it, however long nothing happens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import uuid4

from redis import Redis
from redis.commands.core import Script

from metrics.anomalies import AnomalyDocument, Change, public
from metrics.batches import batched
from metrics.clock import isoformat
from metrics.documents import AccountState, AggregatedDocument, Observation, OperationDocument
from metrics.encoding import dump_json
from metrics.redis.errors import redis_errors
from metrics.redis.keys import announced_key, events_key, version_key
from metrics.redis.versions import CURRENT_VERSION, new_epoch

EventName = Literal[
    "metrics:update",
    "metrics:post",
    "metrics:aggregated",
    "collection:status",
    "alert:fired",
    "forecast:updated",
    "anomaly:opened",
    "anomaly:updated",
    "anomaly:closed",
    "post:breakout",
    "outlook:updated",
    "benchmark:updated",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)

MAX_EVENTS = 100_000
MAX_DAYS = 7
TRIMMED = "trimmed"
"""The field of a workspace's version key that is set once events were removed because of their age."""

_OF_BREAKOUT = (
    "workspaceId", "accountId", "postId", "platform", "metricType", "age", "observed", "expected", "multiple",
    "percentile", "score", "severity", "status", "model",
)  # fmt: skip
"""The fields of a breakout that `post:breakout` has."""
_BATCH = 500
_DAY_SECONDS = 86_400

_TRIM = f"""
local function trim(seconds, exactly)
  local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if not newest then return 0 end
  local oldest = (tonumber(redis.call('TIME')[1]) - tonumber(seconds)) * 1000
  oldest = math.min(oldest, tonumber(string.match(newest[1], '%d+')))
  local gone = redis.call('XTRIM', KEYS[2], 'MINID', exactly, string.format('%.0f', oldest))
  if gone > 0 then redis.call('HSET', KEYS[1], '{TRIMMED}', 1) end
  return gone
end
"""
"""Lua: a function that removes old events from the stream KEYS[2]; with `~` it may leave some, which is faster."""

_ANNOUNCE = (
    CURRENT_VERSION
    + _TRIM
    + """
if not redis.call('SET', KEYS[3], 1, 'NX', 'EX', 120) then
  return known[2] .. '-' .. known[3]
end
local version = known[2] .. '-' .. redis.call('HINCRBY', KEYS[1], 'n', 1)
for i = 4, #ARGV, 4 do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*',
             'event', ARGV[i], 'account', ARGV[i + 1], 'post', ARGV[i + 2], 'data', ARGV[i + 3])
end
trim(ARGV[3], '~')
return version
"""
)
"""Lua: raise the version and append the events in one step, so that no client reads an older answer after an event.

KEYS[3] is the idempotency key of the call: when redis-py repeats the command because its answer was lost, nothing is
announced twice.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """The news of one write, which clients can read from now on."""

    name: EventName
    workspace_id: str
    data: Mapping[str, Any]
    account_id: str | None = None
    post_id: str | None = None

    def encode(self) -> bytes:
        """Return `data` as JSON."""
        return dump_json(self.data)


def observation_event(observation: Observation) -> Event:
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


def rollup_event(document: AggregatedDocument) -> Event:
    """Return the event of one account's rollup: `metrics:aggregated`."""
    data: dict[str, Any] = {
        "workspaceId": document["workspaceId"],
        "accountId": document["accountId"],
        "period": document["period"],
        "periodStart": isoformat(document["periodStart"]),
        "periodEnd": isoformat(document["periodEnd"]),
        **({"periodLabel": document["periodLabel"]} if "periodLabel" in document else {}),
        "metrics": document["aggregatedMetrics"],
        "status": document["status"],
        "timestamp": isoformat(document["computedAt"]),
    }
    return Event("metrics:aggregated", document["workspaceId"], data, document["accountId"])


def benchmark_events(documents: Iterable[AggregatedDocument]) -> list[Event]:
    """Return the events of changed public rollups of weeks and months: one per workspace, platform and period.

    There is no event of an account, for a change of one account changes what is said of all in its group. Days have no
    event: no benchmark is of a day.
    """
    changed: dict[tuple[str, str, str, datetime], list[AggregatedDocument]] = {}
    for one in documents:
        if one["period"] in ("weekly", "monthly"):
            key = one["workspaceId"], one["platform"], one["period"], one["periodStart"]
            changed.setdefault(key, []).append(one)
    return [
        Event(
            "benchmark:updated",
            workspace_id,
            {
                "workspaceId": workspace_id,
                "platform": platform,
                "period": period,
                "periodStart": isoformat(start),
                "periodEnd": isoformat(some[0]["periodEnd"]),
                **({"periodLabel": some[0]["periodLabel"]} if "periodLabel" in some[0] else {}),
                "accounts": len(some),
                "timestamp": isoformat(max(one["computedAt"] for one in some)),
            },
        )
        for (workspace_id, platform, period, start), some in changed.items()
    ]


def forecasts_event(
    workspace_id: str, day: datetime, made_at: datetime, made: int, refused: int, *, grain: Literal["day", "hour"]
) -> Event:
    """Return the event of a workspace's forecasts by day or by hour, said in or after a day: `forecast:updated`."""
    data: dict[str, Any] = {
        "workspaceId": workspace_id,
        "grain": grain,
        "day": f"{day:%Y-%m-%d}",
        "madeAt": isoformat(made_at),
        "forecasts": made,
        "unavailable": refused,
    }
    return Event("forecast:updated", workspace_id, data)


def outlooks_event(workspace_id: str, hour: datetime, made_at: datetime) -> Event:
    """Return the event that something was said of young posts of a workspace until the end of an hour."""
    data = {"workspaceId": workspace_id, "hour": isoformat(hour), "madeAt": isoformat(made_at)}
    return Event("outlook:updated", workspace_id, data)


def anomaly_event(change: Change, anomaly: AnomalyDocument) -> Event:
    """Return the event of an anomaly that was found, changed, or ended or was withdrawn; it has no evidence."""
    shown = {name: value for name, value in public(anomaly).items() if name != "evidence"}
    data = {name: isoformat(value) if isinstance(value, datetime) else value for name, value in shown.items()}
    name: EventName = f"anomaly:{change}"  # type: ignore[assignment]
    return Event(name, anomaly["workspaceId"], data, anomaly.get("accountId"), anomaly.get("postId"))


def breakout_events(change: Literal["opened", "updated", "closed"], breakout: AnomalyDocument) -> list[Event]:
    """Return the events of a breakout: that of an anomaly; `post:breakout` if it was found, confirmed or withdrawn."""
    event = anomaly_event(change, breakout)
    if change == "updated":
        return [event]
    data: dict[str, Any] = {
        **{name: breakout.get(name) for name in _OF_BREAKOUT},
        "anomalyId": breakout["_id"],
        "publishedAt": isoformat(breakout["from"]),
        "timestamp": isoformat(breakout["changedAt"]),
    }
    return [event, Event("post:breakout", event.workspace_id, data, event.account_id, event.post_id)]


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
    if "platforms" in operation:
        data["platforms"] = {platform: dict(counted) for platform, counted in operation["platforms"].items()}
    if "error" in operation:
        data["error"] = operation["error"]
    return Event("collection:status", operation["workspaceId"], data, operation.get("accountId"))


def account_status(workspace_id: str, account_id: str, state: AccountState, reason: str) -> Event:
    """Return the event of an account's new state, above all `needs_reauth`: `collection:status`."""
    data = {"workspaceId": workspace_id, "accountId": account_id, "state": state, "reason": reason}
    return Event("collection:status", workspace_id, data, account_id)


class Announcer:
    """Announces writes: raises a workspace's `dataVersion` and appends its events, atomically."""

    def __init__(self, redis: Redis, max_events: int = MAX_EVENTS, max_days: int = MAX_DAYS) -> None:
        self._script: Script = redis.register_script(_ANNOUNCE)
        self._max_events = max_events
        self.redis = redis
        self._max_seconds = max_days * _DAY_SECONDS

    def announce(self, workspace_id: str, events: Sequence[Event] = ()) -> str:
        """Announce a write to a workspace; return its new `dataVersion`.

        Call it after MongoDB has acknowledged the write. Delivery is at least once: events come twice only if this
        raised after Redis had accepted them, and the caller announces them again.

        Raises:
            RedisUnavailable: Redis does not answer; announce again later.
        """
        version = b""
        with redis_errors():
            # Without events, one empty batch still raises the version.
            for batch in list(batched(events, _BATCH)) or [[]]:
                arguments: list[str | bytes | int] = [new_epoch(), self._max_events, self._max_seconds]
                for event in batch:
                    arguments += [event.name, event.account_id or "", event.post_id or "", event.encode()]
                keys = [version_key(workspace_id), events_key(workspace_id), announced_key(workspace_id, uuid4().hex)]
                version = self._script(keys=keys, args=arguments)
        return version.decode()

    def announce_public_rollups(self, workspace_id: str, documents: Sequence[AggregatedDocument]) -> None:
        """Announce rollups of watched accounts that were written; this is the `announce` of `roll(store.public, …)`.

        Days raise the version only, because custom ranges are merged from them.

        Raises:
            RedisUnavailable: Redis does not answer; announce again later.
        """
        self.announce(workspace_id, benchmark_events(documents))


def trim(redis: Redis, workspace_ids: Iterable[str], max_days: int) -> int:
    """Remove events older than `max_days` from the streams of workspaces; return how many were removed.

    Announcing does the same; this is for workspaces without new events. The newest event stays.

    Raises:
        RedisUnavailable: Redis does not answer; trim again.
    """
    gone = 0
    script = _TRIM + "return trim(ARGV[1], '=')"
    with redis_errors():
        for workspace_id in workspace_ids:
            keys = version_key(workspace_id), events_key(workspace_id)
            gone += int(redis.eval(script, 2, *keys, max_days * _DAY_SECONDS))
    return gone
