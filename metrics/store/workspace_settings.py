"""The collection `workspace_settings`: retention, consents and alarm budgets of workspaces; `_id` is the workspace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.database import Database

from metrics.documents import Document, Platform
from metrics.errors import InvalidInput
from metrics.platforms.registry import NEEDING_CONSENT, STORING_NEEDS_CONSENT
from metrics.store.errors import mongo_errors

MIN_DAYS = 30
"""A post is read for 90 days, weekly at the end. So a post without observations for a month is no longer read."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days that observations and rollups of a workspace are kept; None: as long as those of other workspaces."""

    observations: int | None = None
    rollups: int | None = None


class Consents:
    """Reads and writes of the consents that platforms' terms demand.

    There are two kinds: to mix the numbers of a platform with those of others, and to store them at all. The field
    `youtubeDerived` is true if the workspace has the former for YouTube, `consents.pinterest` if it has the latter for
    Pinterest.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._settings = db["workspace_settings"]

    def set(self, workspace_id: str, platform: Platform, *, given: bool) -> None:
        """Store that a workspace has the consent for a platform, or no longer has it.

        What was stored with a consent is not deleted here: see `metrics.upkeep.erase.withdraw_consent`.
        """
        change = {"$set" if given else "$unset": {_field(platform): True}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)

    def lacking(self, workspace_id: str) -> frozenset[Platform]:
        """Return the platforms whose numbers the workspace may not mix with those of others."""
        return self._lacking(workspace_id, NEEDING_CONSENT)

    def not_stored(self, workspace_id: str) -> frozenset[Platform]:
        """Return the platforms of which nothing may be stored in the workspace."""
        return self._lacking(workspace_id, STORING_NEEDS_CONSENT)

    def may_store(self, workspace_id: str, platform: Platform) -> bool:
        """Tell whether what a platform's API returned may be stored in a workspace."""
        return platform not in STORING_NEEDS_CONSENT or platform not in self.not_stored(workspace_id)

    def storing(self, platform: Platform) -> frozenset[str] | None:
        """Return the workspaces in which a platform's numbers may be stored; None for all of them."""
        if platform not in STORING_NEEDS_CONSENT:
            return None
        with mongo_errors():
            return frozenset(row["_id"] for row in self._settings.find({_field(platform): True}, {"_id": 1}))

    def all(self) -> Mapping[str, frozenset[Platform]]:
        """Return the platforms for which workspaces have a consent; workspaces without any are left out."""
        with mongo_errors():
            rows = list(self._settings.find().sort("_id", 1))
        found = {row["_id"]: given_consents(row) for row in rows}
        return {workspace_id: platforms for workspace_id, platforms in found.items() if platforms}

    def _lacking(self, workspace_id: str, platforms: frozenset[Platform]) -> frozenset[Platform]:
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}) or {}
        return frozenset(name for name in platforms if not _is_given(row, name))


def given_consents(row: Mapping[str, Any]) -> frozenset[Platform]:
    """Return the platforms for which the settings of a workspace have a consent."""
    return frozenset(name for name in NEEDING_CONSENT | STORING_NEEDS_CONSENT if _is_given(row, name))


def without_consents(row: Mapping[str, Any], platforms: Collection[Platform]) -> dict[str, Any]:
    """Return the settings of a workspace without its consents for some platforms."""
    gone = {_field(platform) for platform in platforms}
    found = {name: value for name, value in row.items() if name not in gone}
    if isinstance(kept := found.get("consents"), Mapping):
        found["consents"] = {name: value for name, value in kept.items() if f"consents.{name}" not in gone}
    return found


def _field(platform: Platform) -> str:
    return f"consents.{platform}" if platform in STORING_NEEDS_CONSENT else f"{platform}Derived"


def _is_given(row: Mapping[str, Any], platform: Platform) -> bool:
    value: object = row
    for part in _field(platform).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is True


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
