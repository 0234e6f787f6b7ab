"""The collection `post_curves`: the engagement of each post at fixed ages, derived from the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.documents import Document, MetricType, Platform
from metrics.post_curves import PostCurveDocument
from metrics.store.errors import mongo_errors
from metrics.store.upserts import upsert_all

NAME = "post_curves"


class PostCurves:
    """Reads and writes of curves. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._curves = db[NAME]

    def put(self, curves: Sequence[PostCurveDocument]) -> None:
        """Store curves; those that are stored already are replaced."""
        writes = []
        for curve in curves:
            facts = {name: value for name, value in curve.items() if name not in ("_id", "workspaceId")}
            change: Document = {"$set": facts}
            if "dueAt" not in curve:
                change["$unset"] = {"dueAt": ""}
            writes.append(UpdateOne({"_id": curve["_id"], "workspaceId": curve["workspaceId"]}, change, upsert=True))
        with mongo_errors():
            upsert_all(self._curves, writes)

    def next_readings(self, workspace_id: str, since: datetime) -> Mapping[str, datetime | None]:
        """Return when the next value of each curve can be known, by post; None for a final curve."""
        query = {"workspaceId": workspace_id, "publishedAt": {"$gte": since}}
        with mongo_errors():
            return {row["_id"]: row.get("dueAt") for row in self._curves.find(query, {"dueAt": 1})}

    def young(self, workspace_id: str, start: datetime, end: datetime) -> list[PostCurveDocument]:
        """Return the curves of a workspace's posts that were published in `[start, end)`, oldest first."""
        query = {"workspaceId": workspace_id, "publishedAt": {"$gte": start, "$lt": end}}
        with mongo_errors():
            found = self._curves.find(query).sort([("publishedAt", 1), ("_id", 1)])
            return cast("list[PostCurveDocument]", list(found))

    def of_accounts(
        self, workspace_id: str, account_ids: Sequence[str], start: datetime, end: datetime
    ) -> list[PostCurveDocument]:
        """Return the curves of accounts' posts that were published in `[start, end)`, oldest first."""
        query = {
            "workspaceId": workspace_id,
            "accountId": {"$in": list(account_ids)},
            "publishedAt": {"$gte": start, "$lt": end},
        }
        with mongo_errors():
            found = self._curves.find(query).sort([("publishedAt", 1), ("_id", 1)])
            return cast("list[PostCurveDocument]", list(found))

    def of_posts(self, workspace_id: str, post_ids: Sequence[str]) -> list[PostCurveDocument]:
        """Return the curves of some posts of a workspace, oldest first."""
        with mongo_errors():
            found = self._curves.find({"workspaceId": workspace_id, "_id": {"$in": list(post_ids)}})
            return cast("list[PostCurveDocument]", list(found.sort([("publishedAt", 1), ("_id", 1)])))

    def newest(
        self,
        platform: Platform,
        metric_type: MetricType,
        start: datetime,
        end: datetime,
        limit: int,
        workspace_id: str | None = None,
    ) -> list[PostCurveDocument]:
        """Return the newest curves of a type of posts that were published in `[start, end)`, oldest first.

        They are those of one workspace, or of all.
        """
        query: Document = {
            "platform": platform, "metricType": metric_type, "publishedAt": {"$gte": start, "$lt": end},
        }  # fmt: skip
        if workspace_id is not None:
            query["workspaceId"] = workspace_id
        with mongo_errors():
            found = self._curves.find(query).sort([("publishedAt", -1), ("_id", 1)]).limit(limit)
            return cast("list[PostCurveDocument]", list(found)[::-1])
