"""The collections `workspace_forecasts` and `workspace_hourly_forecasts`: what was said of sums over accounts.

Each has a document per workspace, metric, and day or window; documents never change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors
from metrics.store.insights.statements import add_new

OF_DAYS, OF_HOURS = "workspace_forecasts", "workspace_hourly_forecasts"
SaidT = TypeVar("SaidT", bound=Mapping[str, Any])


class WorkspaceSums(Generic[SaidT]):
    """Reads and writes of what was said of sums. Each method raises `MongoUnavailable` if MongoDB does not answer.

    `start` is the field with the day, or the window, at whose end it was said.
    """

    def __init__(self, db: Database[Document], name: str, start: str) -> None:
        self._said, self._start = db[name], start

    def add(self, documents: Sequence[SaidT]) -> int:
        """Store what is said of workspaces; what was said before of the same series and time stays.

        Returns how many are new.
        """
        return add_new(self._said, documents)

    def earlier(self, workspace_id: str, first: datetime, end: datetime) -> list[SaidT]:
        """Return what was said of a workspace in `[first, end)` in time, oldest first."""
        query = {
            "workspaceId": workspace_id, self._start: {"$gte": first, "$lt": end}, "hindcast": {"$exists": False},
        }  # fmt: skip
        with mongo_errors():
            return cast("list[SaidT]", list(self._said.find(query).sort(self._start, 1)))

    def newest(self, workspace_id: str, metric: str) -> SaidT | None:
        """Return the newest that was said of a metric of a workspace; None if nothing was."""
        with mongo_errors():
            found = self._said.find_one({"workspaceId": workspace_id, "metric": metric}, sort=[(self._start, -1)])
        return cast("SaidT | None", found)
