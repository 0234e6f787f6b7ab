"""The collections `alerts` and `alert_firings`: thresholds of workspaces, and the periods in which they were crossed.

The `_id` of a firing is made of its alert and its period: so an alert fires at most once per period, whoever evaluates
it, and how often. A firing is a document before anything is sent, and stays `pending` until everything was sent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict, cast
from uuid import uuid4

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.clock import isoformat
from metrics.documents import Document, Reason
from metrics.periods import Period
from metrics.store.errors import mongo_errors
from metrics.store.workspace.channels import ChannelDocument, Delivery, Outbox

ALERTS, FIRINGS = "alerts", "alert_firings"

Comparison = Literal["above", "below", "rises", "falls"]
AlertState = Literal["waiting", "ok", "firing", "unknown"]
NotEvaluated = Literal[Reason, "partial", "not_comparable", "metric_gone"]
"""Why an alert has no value to compare. `partial`: hours or accounts are missing. `not_comparable`: no account was
connected during both periods. `metric_gone`: the definition was retired."""


class Evaluation(TypedDict):
    """What the last evaluation of an alert found for the newest period that has closed."""

    periodStart: datetime
    periodEnd: datetime
    periodLabel: str
    evaluatedAt: datetime
    value: NotRequired[float]
    changePercent: NotRequired[float]
    reason: NotRequired[NotEvaluated]


class AlertDocument(TypedDict):
    """A document of `alerts`. Periods that ended before `since` are not evaluated; `due` is the mark to evaluate it."""

    _id: str
    workspaceId: str
    name: str
    title: str
    metric: str
    comparison: Comparison
    threshold: float
    period: Period
    channels: list[ChannelDocument]
    createdAt: datetime
    changedAt: datetime
    since: datetime
    state: AlertState
    accountIds: NotRequired[list[str]]
    due: NotRequired[str]
    last: NotRequired[Evaluation]
    firedAt: NotRequired[datetime]


class FiringDocument(TypedDict):
    """A document of `alert_firings`: one alert in one period. `nextAt` is when a pending one is worked on again."""

    _id: str
    workspaceId: str
    alert: str
    title: str
    metric: str
    comparison: Comparison
    threshold: float
    period: Period
    periodStart: datetime
    periodEnd: datetime
    periodLabel: str
    value: float
    firedAt: datetime
    pending: bool
    nextAt: datetime
    deliveries: list[Delivery]
    changePercent: NotRequired[float]
    announcedAt: NotRequired[datetime]


def alert_id(workspace_id: str, name: str) -> str:
    """Return the `_id` of an alert."""
    return f"{workspace_id}|{name}"


def firing_id(workspace_id: str, name: str, period: Period, start: datetime) -> str:
    """Return the `_id` of the firing of an alert in a period."""
    return f"{alert_id(workspace_id, name)}|{period}|{isoformat(start)}"


def owner_of_channels(alert: str) -> str:
    """Return what the sealed URLs of an alert are bound to, by its `_id`."""
    return f"alert|{alert}"


class Alerts:
    """Reads and writes of alerts and firings. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._alerts, self._firings = db[ALERTS], db[FIRINGS]
        self.outbox = Outbox(self._firings, self._alerts)

    def all(self, workspace_id: str, names: Iterable[str] | None = None) -> list[AlertDocument]:
        """Return the alerts of a workspace by name, or those of the given names that exist."""
        query: Document = {"workspaceId": workspace_id}
        if names is not None:
            query["_id"] = {"$in": [alert_id(workspace_id, name) for name in names]}
        return self._find(query)

    def everywhere(self) -> list[AlertDocument]:
        """Return the alerts of all workspaces."""
        return self._find({})

    def due(self, limit: int) -> list[AlertDocument]:
        """Return alerts that are marked to be evaluated."""
        return self._find({"due": {"$exists": True}}, limit)

    def _find(self, query: Document, limit: int = 0) -> list[AlertDocument]:
        with mongo_errors():
            return cast("list[AlertDocument]", list(self._alerts.find(query, limit=limit).sort("_id", 1)))

    def put(self, alert: AlertDocument) -> None:
        """Store an alert in place of one of the same name; a mark to evaluate it stays."""
        fields = {name: value for name, value in alert.items() if name not in ("_id", "due")}
        change: Document = {"$set": fields}
        if gone := {name: "" for name in ("accountIds", "last", "firedAt") if name not in fields}:
            change["$unset"] = gone
        with mongo_errors():
            self._alerts.update_one({"_id": alert["_id"]}, change, upsert=True)

    def remove(self, workspace_id: str, name: str) -> bool:
        """Delete an alert with its firings; tell whether there was one."""
        with mongo_errors():
            self._firings.delete_many({"workspaceId": workspace_id, "alert": name})
            return self._alerts.delete_one({"_id": alert_id(workspace_id, name)}).deleted_count == 1

    def forget(self, account_ids: Iterable[str]) -> None:
        """Remove erased accounts from the lists of all alerts; an alert with an empty list has no value."""
        ids = list(account_ids)
        with mongo_errors():
            self._alerts.update_many({"accountIds": {"$in": ids}}, {"$pull": {"accountIds": {"$in": ids}}})

    def mark_due(self, workspace_id: str, periods: Iterable[Period]) -> None:
        """Mark the alerts of a workspace over these kinds of periods to be evaluated."""
        query = {"workspaceId": workspace_id, "period": {"$in": sorted(periods)}}
        with mongo_errors():
            self._alerts.update_many(query, {"$set": {"due": uuid4().hex}})

    def settle(self, alert: AlertDocument, found: Document) -> None:
        """Store what an evaluation found, and remove the mark; a mark that was made meanwhile stays.

        An alert that was changed or deleted meanwhile is left alone.
        """
        same = {"_id": alert["_id"], "changedAt": alert["changedAt"]}
        with mongo_errors():
            if found:
                self._alerts.update_one(same, {"$set": found})
            self._alerts.update_one({**same, "due": alert.get("due")}, {"$unset": {"due": ""}})

    def claim(self, firing: FiringDocument) -> bool:
        """Store a firing; False if the alert has fired in this period before."""
        with mongo_errors():
            try:
                self._firings.insert_one(cast("Document", dict(firing)))
            except DuplicateKeyError:
                return False
            return True

    def fired(self, ids: Sequence[str]) -> set[str]:
        """Return those of the given ids of firings that exist."""
        with mongo_errors():
            return {row["_id"] for row in self._firings.find({"_id": {"$in": list(ids)}}, {"_id": 1})}

    def firings(self, workspace_id: str, name: str, limit: int) -> list[FiringDocument]:
        """Return the newest firings of an alert, newest first."""
        query = {"workspaceId": workspace_id, "alert": name}
        with mongo_errors():
            found = self._firings.find(query, sort=[("periodStart", -1), ("_id", 1)], limit=limit)
            return cast("list[FiringDocument]", list(found))

    def note_announced(self, firing: FiringDocument, at: datetime) -> None:
        """Record that the event of a firing was announced."""
        with mongo_errors():
            self._firings.update_one({"_id": firing["_id"]}, {"$set": {"announcedAt": at}})
