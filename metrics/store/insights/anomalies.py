"""The collection `anomalies`: what was out of the ordinary, as the pipeline found it and as a person judged it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast
from uuid import uuid4

from pymongo import DESCENDING, ReturnDocument, UpdateOne
from pymongo.database import Database

from metrics.anomalies import BUDGET, AnomalyDocument, Change, Grain, Kind, Status
from metrics.documents import Document, Platform
from metrics.periods import DAY
from metrics.store.errors import mongo_errors

NAME = "anomalies"
OF_PERSON = ("acknowledgedBy", "acknowledgedAt", "muted", "note")
"""The fields that a person sets; the pipeline never writes them."""
SETTLED = timedelta(minutes=10)
"""How long a run over all workspaces may take from its first anomaly of a day to those of whole platforms."""
_UNSEEN: Document = {
    "muted": {"$ne": True},
    "mutedBy": {"$exists": False},
    "acknowledgedBy": {"$exists": False},
    "status": {"$ne": "withdrawn"},
}
"""Anomalies that hold, and that neither a person nor a day of the whole platform has settled."""


ENDED_HOURS: Document = {"status": "ended", "scope": "account", "grain": "hour"}
"""What anomalies of hours have that are over; breakouts of posts are of the scope `post`."""


class CountedAnomalies(TypedDict):
    """A number of anomalies, and what they have in common."""

    grain: Grain
    kind: Kind
    status: Status
    acknowledged: bool
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which anomalies of a workspace are read; None: whatever the value."""

    status: Status | None = None
    kind: Kind | None = None
    metric: str | None = None
    account_id: str | None = None
    post_id: str | None = None


class Anomalies:
    """Reads and writes of anomalies. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._anomalies = db[NAME]
        self._settings = db["workspace_settings"]

    def touching(self, account_ids: Sequence[str], first: datetime, end: datetime) -> list[AnomalyDocument]:
        """Return the anomalies of accounts that are open or that overlap `[first, end)`, oldest first.

        Breakouts of posts are left out: what is found in the series of accounts says nothing of them.
        """
        overlap: Document = {"from": {"$lt": end}, "to": {"$gt": first}}
        query: Document = {"accountId": {"$in": list(account_ids)}, "$or": [{"status": "open"}, overlap]}
        return self._found({**query, "kind": {"$ne": "breakout"}})

    def breakouts(self, workspace_id: str, since: datetime) -> list[AnomalyDocument]:
        """Return the breakouts of a workspace that are open, or whose post was published from `since` on."""
        query: Document = {"workspaceId": workspace_id, "kind": "breakout"}
        return self._found({**query, "$or": [{"status": "open"}, {"from": {"$gte": since}}]})

    def earlier_breakouts(self, account_id: str, metric_type: str, before: datetime, most: int) -> list[Document]:
        """Return the newest breakouts of a type of posts that were published before an instant, newest first."""
        query = {"accountId": account_id, "kind": "breakout", "metricType": metric_type, "from": {"$lt": before}}
        query["status"] = "ended"
        with mongo_errors():
            found = self._anomalies.find(query, {"score": 1, "postId": 1})
            return list(found.sort([("from", DESCENDING), ("_id", DESCENDING)]).limit(most))

    def earlier(self, account_id: str, metric: str, direction: str, before: datetime, most: int) -> list[Document]:
        """Return the newest anomalies of a series in a direction that began before an instant, newest first."""
        query = {"accountId": account_id, "to": {"$lte": before}, "metric": metric, "direction": direction}
        query["status"] = "ended"
        with mongo_errors():
            return list(self._anomalies.find(query, {"score": 1}).sort("to", DESCENDING).limit(most))

    def of_platform(self, platform: Platform, first: datetime, end: datetime) -> list[AnomalyDocument]:
        """Return the anomalies of a platform in all workspaces that overlap `[first, end)` and are not withdrawn."""
        query: Document = {"platform": platform, "from": {"$lt": end}, "to": {"$gt": first}}
        return self._found({**query, "status": {"$ne": "withdrawn"}})

    def of_collection(self, workspace_id: str, first: datetime, end: datetime) -> list[AnomalyDocument]:
        """Return the anomalies of the collection of whole platforms in a workspace that overlap `[first, end)`."""
        query: Document = {"workspaceId": workspace_id, "from": {"$lt": end}, "to": {"$gt": first}}
        return self._found({**query, "scope": "platform", "kind": "collection"})

    def hourly_count(self, first: datetime, end: datetime) -> int:
        """Count the anomalies of hours of all workspaces that began in `[first, end)` and are not withdrawn.

        The alarm budget is of series: breakouts of posts do not count.
        """
        query = {"from": {"$gte": first, "$lt": end}, "grain": "hour", "status": {"$ne": "withdrawn"}}
        query["kind"] = {"$ne": "breakout"}
        with mongo_errors():
            return self._anomalies.count_documents(query)

    def breakout_counts(self, first: datetime, end: datetime) -> Counter[str]:
        """Count the breakouts of all workspaces whose posts were published in `[first, end)`, by status."""
        stages: list[Document] = [
            {"$match": {"kind": "breakout", "from": {"$gte": first, "$lt": end}}},
            {"$group": {"_id": "$status", "count": {"$sum": 1}}},
        ]
        with mongo_errors():
            return Counter({row["_id"]: row["count"] for row in self._anomalies.aggregate(stages)})

    def counted(self, workspace_id: str, first: datetime, end: datetime) -> list[CountedAnomalies]:
        """Count the anomalies of a workspace that began in `[first, end)`."""
        names = {"grain": "$grain", "kind": "$kind", "status": "$status"}
        seen = {"acknowledged": {"$gt": ["$acknowledgedBy", None]}}
        stages: list[Document] = [
            {"$match": {"workspaceId": workspace_id, "from": {"$gte": first, "$lt": end}}},
            {"$group": {"_id": names | seen, "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        with mongo_errors():
            rows = list(self._anomalies.aggregate(stages))
        return [cast("CountedAnomalies", {**row["_id"], "count": row["count"]}) for row in rows]

    def to_tell(self, workspace_id: str, severity: int, since: datetime, now: datetime) -> list[AnomalyDocument]:
        """Return the anomalies of a workspace that are worth a message: found since an instant, and of a severity.

        Open ones are, and what has ended before it could be told, if that is at most two days ago: hours, as after a
        pipeline stood still, days of whole platforms, and posts that were first found at the age of a day. The run that
        finds days looks at whole platforms last: days wait until it has.
        """
        found: Document = {"$gte": since}
        recent: Document = {"$gte": max(since, now - 2 * DAY)}
        kinds = [
            {"status": "open", "grain": "hour", "foundAt": found},
            {"status": "open", "grain": "day", "foundAt": {**found, "$lte": now - SETTLED}},
            {"status": "ended", "scope": "platform", "foundAt": recent},
            {**ENDED_HOURS, "foundAt": recent, "to": {"$gte": now - 2 * DAY}},
            {"status": "ended", "kind": "breakout", "foundAt": recent, "to": {"$gte": now - 3 * DAY}},
        ]
        return self._found({"workspaceId": workspace_id, "severity": {"$gte": severity}, **_UNSEEN, "$or": kinds})

    def still_to_tell(self, workspace_id: str, anomaly_ids: Sequence[str]) -> list[AnomalyDocument]:
        """Return those of the given anomalies that still hold, and that nobody has acknowledged or muted."""
        return self._found({"workspaceId": workspace_id, "_id": {"$in": list(anomaly_ids)}, **_UNSEEN})

    def write(self, changes: Sequence[tuple[Change, AnomalyDocument]]) -> None:
        """Store anomalies as the pipeline found them; what a person set stays, and so does when each was found.

        Each is `untold` from then on, so that its event is not lost if the run dies before it has announced it.
        """
        writes, token = [], uuid4().hex
        for happened, one in changes:
            fields = {name: value for name, value in one.items() if name not in (*OF_PERSON, "_id", "foundAt")}
            fields["untold"] = {"change": happened, "token": token}
            change: Document = {"$set": fields, "$setOnInsert": {"foundAt": one["foundAt"]}}
            gone = [name for name in ("mutedBy", "known") if name not in one]
            if gone:
                change["$unset"] = dict.fromkeys(gone, "")
            writes.append(UpdateOne({"_id": one["_id"], "workspaceId": one["workspaceId"]}, change, upsert=True))
        if writes:
            with mongo_errors():
                self._anomalies.bulk_write(writes, ordered=False)

    def untold(self, workspace_id: str, *, breakouts: bool) -> list[AnomalyDocument]:
        """Return the breakouts, or else the other anomalies, of a workspace that were not announced yet, oldest first.

        Each kind is announced by the run that finds it.
        """
        kind = {"kind": "breakout" if breakouts else {"$ne": "breakout"}}
        return self._found({"workspaceId": workspace_id, "untold.change": {"$exists": True}, **kind})

    def told(self, documents: Sequence[AnomalyDocument]) -> None:
        """Record that the last changes of anomalies were announced, unless these were written again since."""
        writes = [
            UpdateOne(
                {"_id": one["_id"], "workspaceId": one["workspaceId"], "untold.token": one["untold"]["token"]},
                {"$unset": {"untold": ""}},
            )
            for one in documents
        ]
        if writes:
            with mongo_errors():
                self._anomalies.bulk_write(writes, ordered=False)

    def page(
        self,
        workspace_id: str,
        wanted: Wanted,
        first: datetime,
        end: datetime,
        limit: int,
        after: tuple[datetime, str] | None = None,
    ) -> list[AnomalyDocument]:
        """Return up to `limit` anomalies of a workspace that overlap `[first, end)`, newest first, after a position."""
        query: Document = {"workspaceId": workspace_id, "from": {"$lt": end}, "to": {"$gt": first}}
        named = {
            "status": wanted.status, "kind": wanted.kind, "metric": wanted.metric, "accountId": wanted.account_id,
            "postId": wanted.post_id,
        }  # fmt: skip
        query |= {name: value for name, value in named.items() if value is not None}
        if after is not None:
            began, last = after
            query["$or"] = [{"from": {"$lt": began}}, {"from": began, "_id": {"$lt": last}}]
        with mongo_errors():
            found = self._anomalies.find(query).sort([("from", DESCENDING), ("_id", DESCENDING)]).limit(limit)
            return cast("list[AnomalyDocument]", list(found))

    def get(self, workspace_id: str, anomaly_id: str) -> AnomalyDocument | None:
        """Return an anomaly of a workspace, or None."""
        with mongo_errors():
            return cast(
                "AnomalyDocument | None",
                self._anomalies.find_one({"_id": anomaly_id, "workspaceId": workspace_id}),
            )

    def change(
        self, workspace_id: str, anomaly_id: str, fields: Mapping[str, Any], removed: Sequence[str]
    ) -> AnomalyDocument | None:
        """Set and remove what a person may set; return the anomaly, or None if the workspace has none of the id."""
        change: Document = {"$set": dict(fields)} | ({"$unset": dict.fromkeys(removed, "")} if removed else {})
        with mongo_errors():
            found = self._anomalies.find_one_and_update(
                {"_id": anomaly_id, "workspaceId": workspace_id}, change, return_document=ReturnDocument.AFTER
            )
        return cast("AnomalyDocument | None", found)

    def budget(self, workspace_id: str) -> float:
        """Return how many alarms a week a series of a workspace may give."""
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}, {"alarmBudget": 1}) or {}
        return float(row.get("alarmBudget", BUDGET))

    def set_budget(self, workspace_id: str, budget: float | None) -> None:
        """Set how many alarms a week a series of a workspace may give; None: the usual number."""
        change = {"$unset": {"alarmBudget": ""}} if budget is None else {"$set": {"alarmBudget": budget}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)

    def _found(self, query: Document) -> list[AnomalyDocument]:
        with mongo_errors():
            return cast("list[AnomalyDocument]", list(self._anomalies.find(query).sort([("from", 1), ("_id", 1)])))
