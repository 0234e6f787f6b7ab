"""The collections `anomaly_alerts` and `anomaly_messages`: which anomalies a workspace is told of, and what was sent.

A workspace has at most one rule. A message is a document before anything is sent, and stays `pending` until everything
was sent. A unique index over `anomalyIds` keeps an anomaly out of a second message, whoever makes it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, cast

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.documents import Document
from metrics.store.errors import mongo_errors
from metrics.store.workspace.channels import ChannelDocument, Delivery, Outbox

RULES, MESSAGES = "anomaly_alerts", "anomaly_messages"


class AnomalyAlertDocument(TypedDict):
    """A document of `anomaly_alerts`; `_id` is the workspace. `nextAt` is when its next message may be made."""

    _id: str
    workspaceId: str
    minSeverity: int
    channels: list[ChannelDocument]
    createdAt: datetime
    changedAt: datetime
    nextAt: datetime


class AnomalyMessageDocument(TypedDict):
    """A document of `anomaly_messages`: one message. `nextAt` is when a pending one is worked on again."""

    _id: str
    workspaceId: str
    anomalyIds: list[str]
    madeAt: datetime
    pending: bool
    nextAt: datetime
    deliveries: list[Delivery]


def owner_of_anomaly_channels(workspace_id: str) -> str:
    """Return what the sealed URLs of a workspace's rule are bound to."""
    return f"anomaly-alert|{workspace_id}"


class AnomalyAlerts:
    """Reads and writes of rules and messages. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._rules, self._messages = db[RULES], db[MESSAGES]
        self.outbox = Outbox(self._messages, self._rules)

    def get(self, workspace_id: str) -> AnomalyAlertDocument | None:
        """Return the rule of a workspace, or None."""
        with mongo_errors():
            return cast("AnomalyAlertDocument | None", self._rules.find_one({"_id": workspace_id}))

    def everywhere(self) -> list[AnomalyAlertDocument]:
        """Return the rules of all workspaces."""
        return self._find({})

    def due(self, now: datetime) -> list[AnomalyAlertDocument]:
        """Return the rules that have a channel, and whose last message is long enough ago."""
        return self._find({"channels.0": {"$exists": True}, "nextAt": {"$lte": now}})

    def _find(self, query: Document) -> list[AnomalyAlertDocument]:
        with mongo_errors():
            return cast("list[AnomalyAlertDocument]", list(self._rules.find(query).sort("_id", 1)))

    def put(self, rule: AnomalyAlertDocument) -> None:
        """Store the rule of a workspace in place of the former one, whose `createdAt` and `nextAt` stay."""
        once = ("createdAt", "nextAt")
        change = {
            "$set": {name: value for name, value in rule.items() if name not in ("_id", *once)},
            "$setOnInsert": {name: value for name, value in rule.items() if name in once},
        }
        with mongo_errors():
            self._rules.update_one({"_id": rule["_id"]}, change, upsert=True)

    def remove(self, workspace_id: str) -> bool:
        """Delete the rule of a workspace with its messages; tell whether there was one."""
        with mongo_errors():
            self._messages.delete_many({"workspaceId": workspace_id})
            return self._rules.delete_one({"_id": workspace_id}).deleted_count == 1

    def told(self, anomaly_ids: Sequence[str]) -> set[str]:
        """Return those of the given anomalies that are in a message."""
        wanted = set(anomaly_ids)
        with mongo_errors():
            found = self._messages.find({"anomalyIds": {"$in": sorted(wanted)}}, {"anomalyIds": 1})
            return wanted & {one for row in found for one in row["anomalyIds"]}

    def claim(self, rule: AnomalyAlertDocument, message: AnomalyMessageDocument, next_at: datetime) -> bool:
        """Store a message, and put the next one off; False if somebody else did so, or changed the rule.

        The next message is put off first: if the process ends in between, the anomalies wait until then.
        """
        same = {"_id": rule["_id"], "nextAt": rule["nextAt"], "changedAt": rule["changedAt"]}
        with mongo_errors():
            if self._rules.update_one(same, {"$set": {"nextAt": next_at}}).matched_count == 0:
                return False
            try:
                self._messages.insert_one(cast("Document", dict(message)))
            except DuplicateKeyError:
                return False
            return True

    def messages(self, workspace_id: str, limit: int) -> list[AnomalyMessageDocument]:
        """Return the newest messages of a workspace, newest first."""
        with mongo_errors():
            found = self._messages.find({"workspaceId": workspace_id}, sort=[("madeAt", -1), ("_id", 1)], limit=limit)
            return cast("list[AnomalyMessageDocument]", list(found))
