"""The collection `watched_series`: where anomalies of an account are looked for, and why not elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.anomalies import Grain, WatchedDocument, WatchedSeries
from metrics.breakouts import JudgedType
from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "watched_series"


class WatchedAccounts:
    """Reads and writes of watched series. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._watched = db[NAME]

    def put(
        self, workspace_id: str, account_id: str, grain: Grain, series: Sequence[WatchedSeries], at: datetime
    ) -> None:
        """Store the series of an account of one grain, in place of what was known of them."""
        query = {"_id": account_id, "workspaceId": workspace_id}
        fields = {"accountId": account_id, "at": at, grain: list(series)}
        with mongo_errors():
            self._watched.update_one(query, {"$set": fields}, upsert=True)

    def put_posts(self, workspace_id: str, types: Mapping[str, Sequence[JudgedType]], at: datetime) -> None:
        """Store the types of posts of accounts, in place of what was known of them."""
        writes = [
            UpdateOne(
                {"_id": account_id, "workspaceId": workspace_id},
                {"$set": {"accountId": account_id, "at": at, "posts": list(of_account)}},
                upsert=True,
            )
            for account_id, of_account in types.items()
        ]
        if writes:
            with mongo_errors():
                self._watched.bulk_write(writes, ordered=False)

    def of(self, workspace_id: str, account_id: str | None = None) -> list[WatchedDocument]:
        """Return the series of the accounts of a workspace, or of one, by account."""
        query = {"workspaceId": workspace_id} | ({"_id": account_id} if account_id is not None else {})
        with mongo_errors():
            return cast("list[WatchedDocument]", list(self._watched.find(query).sort("_id", 1)))

    def counts(self, workspace_id: str) -> dict[Grain, int]:
        """Return how many series of a workspace are watched, by grain."""
        found: dict[Grain, int] = {"hour": 0, "day": 0}
        for account in self.of(workspace_id):
            for grain in found:
                found[grain] += sum("unavailable" not in one for one in account.get(grain, ()))
        return found

    def hourly_counts(self) -> dict[str, int]:
        """Return how many series are watched by hour, by workspace."""
        stages: list[Document] = [
            {"$unwind": "$hour"},
            {"$match": {"hour.unavailable": {"$exists": False}}},
            {"$group": {"_id": "$workspaceId", "series": {"$sum": 1}}},
        ]
        with mongo_errors():
            return {row["_id"]: row["series"] for row in self._watched.aggregate(stages)}
