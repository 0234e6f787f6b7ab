"""The collection `hourly_forecasts`: what was said of the next hours of each series, every six hours.

It has a document per account, metric and window; documents never change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.forecasts import DueDocument, HourlyForecastDocument, WorkspaceHourlyForecastDocument
from metrics.periods import DAY
from metrics.store.errors import mongo_errors
from metrics.store.insights.forecasts import due_of, said_of
from metrics.store.insights.statements import add_new
from metrics.store.insights.workspace_sums import OF_HOURS, WorkspaceSums

NAME: Final = "hourly_forecasts"
_RECENT = 2 * DAY
"""How much older than the newest forecast of a workspace that of one of its accounts may be, to be answered."""


def hourly_forecast_id(account_id: str, metric: str, window: datetime) -> str:
    """Return the `_id` of what is said of a metric of an account at the end of a window."""
    return f"{account_id}|{metric}|{window:%Y-%m-%dT%H}"


class HourlyForecasts:
    """Reads and writes of forecasts by hour. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._forecasts = db[NAME]
        self.of_workspaces: WorkspaceSums[WorkspaceHourlyForecastDocument] = WorkspaceSums(db, OF_HOURS, "window")

    def add(self, documents: Sequence[HourlyForecastDocument]) -> int:
        """Store what is said of accounts; what was said before of the same series and window stays.

        Returns how many are new.
        """
        return add_new(self._forecasts, documents)

    def earlier(self, account_ids: Sequence[str], first: datetime, end: datetime) -> list[HourlyForecastDocument]:
        """Return what was said of accounts at the ends of windows in `[first, end)` in time, oldest first."""
        query = {"accountId": {"$in": list(account_ids)}, "window": {"$gte": first, "$lt": end}}
        with mongo_errors():
            found = self._forecasts.find({**query, "hindcast": {"$exists": False}}).sort("window", 1)
            return cast("list[HourlyForecastDocument]", list(found))

    def of_account(self, account_id: str, first: datetime) -> Iterator[HourlyForecastDocument]:
        """Yield what was said of an account from a window on, without its back-tests and totals, oldest first."""
        return cast("Iterator[HourlyForecastDocument]", said_of(self._forecasts, account_id, "window", first))

    def newest(self, workspace_id: str, metric: str, account_id: str | None = None) -> list[HourlyForecastDocument]:
        """Return the newest that was said of a metric of each account, or of one, by account id.

        What is more than two days older than the newest of them is left out.
        """
        query: Document = {"workspaceId": workspace_id, "metric": metric}
        if account_id is not None:
            query["accountId"] = account_id
        with mongo_errors():
            newest = self._forecasts.find_one(query, {"window": 1}, sort=[("window", -1)])
            if newest is None:
                return []
            stages: list[Document] = [
                {"$match": {**query, "window": {"$gt": newest["window"] - _RECENT}}},
                {"$sort": {"window": -1}},
                {"$group": {"_id": "$accountId", "newest": {"$first": "$$ROOT"}}},
                {"$sort": {"_id": 1}},
            ]
            rows = self._forecasts.aggregate(stages, allowDiskUse=True)
            return [cast("HourlyForecastDocument", row["newest"]) for row in rows]

    def counts(self, workspace_id: str, window: datetime) -> tuple[int, int]:
        """Return how many forecasts of a workspace's accounts there are of a window, and how many refusals."""
        query: Document = {"workspaceId": workspace_id, "window": window}
        with mongo_errors():
            everything = self._forecasts.count_documents(query)
            refused = self._forecasts.count_documents({**query, "unavailable": {"$exists": True}})
        return everything - refused, refused

    def due(self, first: datetime, last: datetime) -> DueDocument:
        """Return the sums of what came due in the windows from `first` to `last`, over all workspaces."""
        return due_of(self._forecasts, {"window": {"$gte": first, "$lte": last}})
