"""The collection `watched_accounts`, and the field `watchOff` of workspaces' settings.

`Store.public` has the numbers of watched accounts.
"""

from collections.abc import Collection
from datetime import datetime
from typing import cast

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.documents import Document, Platform, WatchedDocument, WatchedState
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import PUBLIC

_NOT_READ: WatchedState = "unsupported"
_READABLE: Document = {"state": {"$ne": _NOT_READ}, "source": "public", "erasing": {"$ne": True}}
_ORDER = [("platform", 1), ("key", 1)]


def watched_id(workspace_id: str, platform: Platform, key: str) -> str:
    """Return the `_id` of a watched account."""
    return f"{workspace_id}|{platform}|{key}"


class WatchLists:
    """Reads and writes of watched accounts. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._watched = db[PUBLIC.accounts]
        self._settings = db["workspace_settings"]

    def all(self, workspace_id: str, platform: Platform | None = None) -> list[WatchedDocument]:
        """Return the watched accounts of a workspace, by platform and key."""
        query: Document = {"workspaceId": workspace_id, **({"platform": platform} if platform else {})}
        with mongo_errors():
            return cast("list[WatchedDocument]", list(self._watched.find(query).sort(_ORDER)))

    def find(self, workspace_id: str, platform: Platform, key: str) -> WatchedDocument | None:
        """Return the account that is watched under a key, or under a name that has the form of one; None without one.

        After a renaming, an account is found by its former and by its present handle; the former one has precedence.
        """
        with mongo_errors():
            if found := self._watched.find_one({"_id": watched_id(workspace_id, platform, key)}):
                return cast("WatchedDocument", found)
            named = {"handle": key.removeprefix("@")} if key.startswith("@") else {"platformAccountId": key}
            query = {"workspaceId": workspace_id, "platform": platform, **named}
            return cast("WatchedDocument | None", self._watched.find_one(query, sort=_ORDER))

    def of_own(self, account_id: str) -> WatchedDocument | None:
        """Return the watched account that is a connected account; None if that is not watched."""
        with mongo_errors():
            return cast("WatchedDocument | None", self._watched.find_one({"own": account_id}))

    def count_of_others(self, workspace_id: str) -> int:
        """Count the watched accounts of a workspace that are not its own."""
        with mongo_errors():
            return self._watched.count_documents({"workspaceId": workspace_id, "own": {"$exists": False}})

    def put(self, watched: WatchedDocument) -> None:
        """Store a watched account in place of one with the same key."""
        with mongo_errors():
            self._watched.replace_one({"_id": watched["_id"]}, cast("Document", dict(watched)), upsert=True)

    def change(self, watched: WatchedDocument, fields: Document, removed: Collection[str] = ()) -> None:
        """Set some fields of a watched account, and remove others; nothing is done if it was removed meanwhile."""
        change = {"$set": fields} if fields else {}
        change |= {"$unset": dict.fromkeys(removed, "")} if removed else {}
        if change:
            with mongo_errors():
                self._watched.update_one({"_id": watched["_id"]}, change)

    def resolve(self, watched: WatchedDocument, platform_account_id: str, fields: Document) -> bool:
        """Set the platform's id of an account, and other fields; False if another account of the workspace has it."""
        try:
            self.change(watched, {"platformAccountId": platform_account_id, **fields})
        except DuplicateKeyError:
            return False
        return True

    def to_look_at(self, platform: Platform, before: datetime) -> list[WatchedDocument]:
        """Return the accounts that the platform was not asked about since `before`, those that waited longest first.

        They are of all workspaces that did not switch the platform off. Left out are accounts of platforms without a
        route, and those whose numbers a person enters.
        """
        query: Document = {
            **_READABLE,
            "platform": platform,
            "$or": [{"lookedAt": {"$exists": False}}, {"lookedAt": {"$lt": before}}],
        }
        with mongo_errors():
            query["workspaceId"] = {"$nin": [row["_id"] for row in self._settings.find({"watchOff": platform}, {})]}
            found = self._watched.find(query).sort([("lookedAt", 1), ("_id", 1)])
            return cast("list[WatchedDocument]", list(found))

    def still_read(self, watched_ids: Collection[str]) -> dict[str, WatchedDocument]:
        """Return those of some accounts that are still to be read, as they are now, by id.

        An account may have been removed since its reading began, its numbers may be entered by a person, or its
        workspace may have switched the platform off.
        """
        with mongo_errors():
            query = {**_READABLE, "_id": {"$in": list(watched_ids)}}
            found = cast("list[WatchedDocument]", list(self._watched.find(query)))
            workspaces = {one["workspaceId"] for one in found}
            rows = list(self._settings.find({"_id": {"$in": list(workspaces)}}, {"watchOff": 1}))
        off = {(row["_id"], platform) for row in rows for platform in row.get("watchOff", ())}
        return {one["_id"]: one for one in found if (one["workspaceId"], one["platform"]) not in off}

    def owned(self, platform: Platform) -> list[WatchedDocument]:
        """Return the watched accounts of all workspaces that are connected accounts of their workspace."""
        query: Document = {"platform": platform, "own": {"$exists": True}, "erasing": {"$ne": True}}
        with mongo_errors():
            return cast("list[WatchedDocument]", list(self._watched.find(query).sort("_id", 1)))

    def count_unread(self, before: datetime) -> int:
        """Count the accounts that are to be read, were watched before an instant, and were not looked at since then."""
        unread = {"$or": [{"lookedAt": {"$exists": False}}, {"lookedAt": {"$lt": before}}]}
        query: Document = {**_READABLE, "state": {"$nin": ["unsupported", "off"]}, "connectedAt": {"$lt": before}}
        with mongo_errors():
            return self._watched.count_documents({**query, **unread})

    def mark_erasing(self, query: Document) -> None:
        """Mark the accounts that match as being erased: what runs still read of them is discarded."""
        with mongo_errors():
            self._watched.update_many(query, {"$set": {"erasing": True}})

    def forget_names(self, platform: Platform, before: datetime) -> list[str]:
        """Remove what a platform told of accounts, if it did not tell it again since `before`; return their ids.

        Such accounts keep the handle or the id with which they were added, and are resolved again.
        """
        query = {"platform": platform, "lookedAt": {"$lt": before}, "platformAccountId": {"$exists": True}}
        typed = {"$replaceOne": {"input": "$key", "find": "@", "replacement": ""}}
        forgotten: list[Document] = [
            {"$set": {"handle": typed, "state": "pending", "stateSince": before}},
            {"$unset": ["platformAccountId", "stateReason"]},
        ]
        with mongo_errors():
            found = [row["_id"] for row in self._watched.find(query, {"_id": 1})]
            self._watched.update_many({**query, "_id": {"$in": found}}, forgotten)
        return found

    def platforms_off(self, workspace_id: str) -> frozenset[Platform]:
        """Return the platforms on which a workspace watches no accounts because it switched them off."""
        with mongo_errors():
            row = self._settings.find_one({"_id": workspace_id}, {"watchOff": 1}) or {}
        return frozenset(row.get("watchOff", ()))

    def switch(self, workspace_id: str, platform: Platform, *, on: bool) -> None:
        """Store that a workspace switched a platform on or off. The states of its accounts are not changed here."""
        change = {"$pull" if on else "$addToSet": {"watchOff": platform}}
        with mongo_errors():
            self._settings.update_one({"_id": workspace_id}, change, upsert=True)
