"""The collection `workspace_settings`: retention and consents of single workspaces; `_id` is the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from metrics.documents import Document, Platform
from metrics.errors import InvalidInput
from metrics.platforms.registry import NEEDING_CONSENT
from metrics.store.errors import mongo_errors

MIN_DAYS = 30
"""A post is read for 90 days, weekly at the end. So a post without observations for a month is no longer read."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days that observations and rollups of a workspace are kept; None: as long as those of other workspaces."""

    observations: int | None = None
    rollups: int | None = None


class Consents:
    """Reads and writes of the consents to mix the numbers of a platform with those of others, if its terms demand one.

    The field `youtubeDerived` is true if the workspace has the consent for YouTube.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._settings = db["workspace_settings"]

    def set(self, workspace_id: str, platform: Platform, *, given: bool) -> None:
        """Store that a workspace has the consent for a platform, or no longer has it."""
        change = {"$set" if given else "$unset": {f"{platform}Derived": True}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)

    def lacking(self, workspace_id: str) -> frozenset[Platform]:
        """Return the platforms whose terms demand a consent that the workspace does not have."""
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}) or {}
        return frozenset(name for name in NEEDING_CONSENT if row.get(f"{name}Derived") is not True)

    def all(self) -> Mapping[str, frozenset[Platform]]:
        """Return the platforms for which workspaces have a consent; workspaces without any are left out."""
        with mongo_errors():
            rows = list(self._settings.find().sort("_id", 1))
        found = {row["_id"]: frozenset(n for n in NEEDING_CONSENT if row.get(f"{n}Derived") is True) for row in rows}
        return {workspace_id: platforms for workspace_id, platforms in found.items() if platforms}


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
