"""The collection `workspace_settings`: the retention of single workspaces; `_id` is the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from metrics.documents import Document
from metrics.errors import InvalidInput
from metrics.store.errors import mongo_errors

MIN_DAYS = 30
"""A post is read for 90 days, weekly at the end. So a post without observations for a month is no longer read."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days that observations and rollups of a workspace are kept; None: as long as those of other workspaces."""

    observations: int | None = None
    rollups: int | None = None


class Retention:
    """Reads and writes of the retention of workspaces."""

    def __init__(self, db: Database[Document]) -> None:
        self._settings = db["workspace_settings"]

    def set(self, workspace_id: str, days: Days) -> None:
        """Set the retention of a workspace; None removes the workspace's own retention.

        Raises:
            InvalidInput: a retention is shorter than `MIN_DAYS`.
        """
        fields = {"retentionDays": days.observations, "rollupRetentionDays": days.rollups}
        for name, value in fields.items():
            if value is not None and value < MIN_DAYS:
                raise InvalidInput(f"data is kept for at least {MIN_DAYS} days: {value} is too short", name)
        kept = {name: value for name, value in fields.items() if value is not None}
        removed = {name: "" for name, value in fields.items() if value is None}
        change = ({"$set": kept} if kept else {}) | ({"$unset": removed} if removed else {})
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)

    def deleting(self, workspace_id: str, first: datetime) -> None:
        """Record that observations before a day are about to be deleted: a longer retention does not restore them."""
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, {"$max": {"deletedBefore": first}}, upsert=True)

    def deleted(self) -> Mapping[str, datetime]:
        """Return, for workspaces whose observations were deleted, the first day that is still complete."""
        with mongo_errors():
            found = self._settings.find({"deletedBefore": {"$exists": True}})
            return {row["_id"]: row["deletedBefore"] for row in found}

    def all(self) -> Mapping[str, Days]:
        """Return the retention of workspaces that have their own."""
        with mongo_errors():
            found = {
                row["_id"]: Days(row.get("retentionDays"), row.get("rollupRetentionDays"))
                for row in self._settings.find().sort("_id", 1)
            }
        return {workspace_id: days for workspace_id, days in found.items() if days != Days()}
