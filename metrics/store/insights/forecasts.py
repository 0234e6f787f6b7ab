"""The collection `forecasts`: what was said of each series at the end of each day.

It has a document per account, metric and day; documents never change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import cast

from pymongo.collection import Collection
from pymongo.database import Database

from metrics.documents import Document
from metrics.forecasts import DueDocument, ForecastDocument, WorkspaceForecastDocument
from metrics.periods import DAY
from metrics.store.errors import mongo_errors
from metrics.store.insights.statements import add_new
from metrics.store.insights.workspace_sums import OF_DAYS, WorkspaceSums

NAME = "forecasts"
_RECENT = timedelta(days=7)
"""How much older than the newest forecast of a workspace that of one of its accounts may be, to be answered."""
_SUMS = ("points", "inside80", "inside95", "error", "expected")


def forecast_id(name: str, metric: str, day: datetime) -> str:
    """Return the `_id` of what is said of a metric of an account or a workspace at the end of a day."""
    return f"{name}|{metric}|{day:%Y-%m-%d}"


class Forecasts:
    """Reads and writes of forecasts. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._forecasts = db[NAME]
        self.of_workspaces: WorkspaceSums[WorkspaceForecastDocument] = WorkspaceSums(db, OF_DAYS, "day")

    def add(self, documents: Sequence[ForecastDocument]) -> int:
        """Store what is said of accounts; what was said before of the same series and day stays.

        Returns how many are new.
        """
        return add_new(self._forecasts, documents)

    def earlier(self, account_ids: Sequence[str], first: datetime, end: datetime) -> list[ForecastDocument]:
        """Return what was said of accounts on the days in `[first, end)` in time, oldest first."""
        query = {"accountId": {"$in": list(account_ids)}, "day": {"$gte": first, "$lt": end}}
        with mongo_errors():
            found = self._forecasts.find({**query, "hindcast": {"$exists": False}}).sort("day", 1)
            return cast("list[ForecastDocument]", list(found))

    def of_account(self, account_id: str, first: datetime) -> Iterator[ForecastDocument]:
        """Yield what was said of an account from a day on, without its back-tests and totals, oldest first."""
        return cast("Iterator[ForecastDocument]", said_of(self._forecasts, account_id, "day", first))

    def newest(self, workspace_id: str, metric: str, account_id: str | None = None) -> list[ForecastDocument]:
        """Return the newest that was said of a metric of each account, or of one, by account id.

        What is more than a week older than the newest of them is left out.
        """
        query: Document = {"workspaceId": workspace_id, "metric": metric}
        if account_id is not None:
            query["accountId"] = account_id
        with mongo_errors():
            newest = self._forecasts.find_one(query, {"day": 1}, sort=[("day", -1)])
            if newest is None:
                return []
            stages: list[Document] = [
                {"$match": {**query, "day": {"$gt": newest["day"] - _RECENT}}},
                {"$sort": {"day": -1}},
                {"$group": {"_id": "$accountId", "newest": {"$first": "$$ROOT"}}},
                {"$sort": {"_id": 1}},
            ]
            rows = self._forecasts.aggregate(stages, allowDiskUse=True)
            return [cast("ForecastDocument", row["newest"]) for row in rows]

    def counts(self, workspace_id: str, day: datetime) -> tuple[int, int]:
        """Return how many forecasts of a workspace's accounts there are of a day, and how many refusals."""
        query: Document = {"workspaceId": workspace_id, "day": day}
        with mongo_errors():
            everything = self._forecasts.count_documents(query)
            refused = self._forecasts.count_documents({**query, "unavailable": {"$exists": True}})
        return everything - refused, refused

    def due(self, first: datetime, last: datetime) -> DueDocument:
        """Return the sums of what came due on the days from `first` to `last`, over all workspaces."""
        return due_of(self._forecasts, {"day": {"$gte": first, "$lt": last + DAY}})


def said_of(collection: Collection[Document], account_id: str, start: str, first: datetime) -> Iterator[Document]:
    """Yield the documents of an account from a `start` on, without back-tests and totals, in order.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    query = {"accountId": account_id, start: {"$gte": first}}
    with mongo_errors():
        yield from collection.find(query, {"backtest": 0, "totals": 0, "due": 0, "misses": 0}).sort(start, 1)


def due_of(collection: Collection[Document], query: Document) -> DueDocument:
    """Return the sums of what came due over the documents of a query.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    stages: list[Document] = [
        {"$match": {**query, "due.points": {"$gt": 0}}},
        {"$group": {"_id": None, **{name: {"$sum": f"$due.{name}"} for name in _SUMS}}},
    ]
    with mongo_errors():
        row = next(iter(collection.aggregate(stages)), {})
    return cast("DueDocument", {name: row.get(name, 0) for name in _SUMS})
