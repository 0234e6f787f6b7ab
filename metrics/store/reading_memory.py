"""The collection `reading_memory`: what the reading of an account has to know of its earlier readings.

A document has the workspace and the account, `reading` (the form is `pipelines.platforms.memory`'s) and, while the
platform refuses the account, `refusals {slots, slot}`: in how many slots it did so in a row, and the last of these.
`history` is how far the time before the account's connection was read (`metrics.documents.History`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.documents import UNFINISHED_HISTORY, AccountDocument, Document, History
from metrics.store.errors import mongo_errors


class ReadingMemories:
    """Reads and writes of memories; there is one per account."""

    def __init__(self, db: Database[Document]) -> None:
        self._memories = db["reading_memory"]

    def of(self, account_id: str) -> Document:
        """Return the memory of an account, empty where there is none."""
        with mongo_errors():
            return self._memories.find_one({"_id": account_id}) or {}

    def keep(self, account: AccountDocument, reading: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
        """Keep what a reading has to know of the last one, over the memory `before` that it began with.

        Return False where another reading kept something in the meantime: that stays, for it may hold a gap that this
        reading did not see. The account was answered, so its refusals are over.
        """
        began_with = {"reading": before if before is not None else {"$exists": False}}
        change = {"$set": {"reading": dict(reading)}, "$unset": {"refusals": ""}}
        with mongo_errors():
            try:
                done = self._memories.update_one({**_query(account), **began_with}, change, upsert=True)
            except DuplicateKeyError:
                return False
        return done.matched_count == 1 or done.upserted_id is not None

    def forgive(self, account_id: str) -> None:
        """Forget that the platform refused an account: somebody connected or resumed it."""
        with mongo_errors():
            self._memories.update_one({"_id": account_id}, {"$unset": {"refusals": ""}})

    def refused(self, account: AccountDocument, slot: datetime) -> int:
        """Note that the platform refused an account in a slot; return in how many slots in a row it did."""
        with mongo_errors():
            known = (self._memories.find_one({"_id": account["_id"]}, {"refusals": 1}) or {}).get("refusals", {})
            slots = known.get("slots", 0) + (known.get("slot") != slot)
            change = {"$set": {"refusals": {"slots": slots, "slot": slot}}}
            self._memories.update_one(_query(account), change, upsert=True)
        return int(slots)

    def begin_history(self, account: AccountDocument, history: History) -> None:
        """Note that the history of an account is to be read, in place of what was noted of it."""
        with mongo_errors():
            self._memories.update_one(_query(account), {"$set": {"history": dict(history)}}, upsert=True)

    def keep_history(self, account_id: str, history: History) -> bool:
        """Keep how far a history is; False where it was asked for anew meanwhile, or its account was erased."""
        query = {"_id": account_id, "history.operationId": history["operationId"]}
        with mongo_errors():
            return self._memories.update_one(query, {"$set": {"history": dict(history)}}).matched_count == 1

    def stop_history(self, account_id: str, reason: str, message: str, now: datetime) -> bool:
        """End a history that waits for its turn or for the end of a pause; False where none does."""
        ended = {"state": "stopped", "finishedAt": now, "reason": reason, "message": message}
        change = {
            "$set": {f"history.{name}": value for name, value in ended.items()},
            "$unset": {"history.resumesAt": ""},
        }
        with mongo_errors():
            query = {"_id": account_id, "history.state": "waiting"}
            return self._memories.update_one(query, change).matched_count == 1

    def forget(self, account_id: str) -> None:
        """Delete the memory of an account that is not there any more."""
        with mongo_errors():
            self._memories.delete_one({"_id": account_id})

    def history(self, account_id: str) -> History | None:
        """Return how far the history of an account is; None where it was never asked for."""
        with mongo_errors():
            found = self._memories.find_one({"_id": account_id}, {"history": 1}) or {}
        return cast("History | None", found.get("history"))

    def histories(self, **scope: str) -> dict[str, History]:
        """Return the histories of the accounts of `workspaceId`, or of `history.operationId`, by account."""
        with mongo_errors():
            found = self._memories.find({**scope, "history": {"$exists": True}}, {"history": 1})
            return {row["_id"]: cast("History", row["history"]) for row in found}

    def unfinished_histories(self, now: datetime) -> Iterator[tuple[str, History]]:
        """Yield account and history of those that are to be read and that no pause holds up, the longest unread first.

        One that was never worked on comes first of all.
        """
        query = {
            "history.state": {"$in": list(UNFINISHED_HISTORY)},
            "$or": [{"history.resumesAt": {"$exists": False}}, {"history.resumesAt": {"$lte": now}}],
        }
        with mongo_errors():
            order = [("history.workedAt", 1), ("history.askedAt", 1), ("_id", 1)]
            for row in self._memories.find(query, {"history": 1}).sort(order):
                yield row["_id"], cast("History", row["history"])


def _query(account: AccountDocument) -> Document:
    # An upsert into a sharded collection names the shard key; it follows from the id.
    return {"_id": account["_id"], "workspaceId": account["workspaceId"], "accountId": account["_id"]}
