"""The collection `reading_memory`: data of an account that is kept from one reading to the next.

A document has the workspace and the account, and `reading` in the form of `pipelines.platforms.memory`. While the
platform refuses the account, `refusals {slots, slot}` has the number of consecutive slots with a refusal, and the last
of them. `history` is the progress of the backfill (`metrics.documents.History`).
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.documents import UNFINISHED_HISTORY, AccountDocument, Document, History
from metrics.store.errors import mongo_errors


class ReadingMemories:
    """Reads and writes of memories; each account has one."""

    def __init__(self, db: Database[Document]) -> None:
        self._memories = db["reading_memory"]

    def of(self, account_id: str) -> Document:
        """Return the memory of an account; empty if there is none."""
        return self.of_all([account_id]).get(account_id, {})

    def of_all(self, account_ids: Collection[str]) -> dict[str, Document]:
        """Return the memories of accounts by account; those without one are left out."""
        with mongo_errors():
            return {row["_id"]: row for row in self._memories.find({"_id": {"$in": list(account_ids)}})}

    def keep(self, account: AccountDocument, reading: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
        """Store the memory of a reading in place of `before`, which it started from (compare and swap).

        Return False if another reading has stored its memory in the meantime: that one stays, because it may have a gap
        that this reading did not see. The platform answered for the account, so its refusals are removed.
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
        """Remove the refusals of an account, because a client connected or resumed it."""
        with mongo_errors():
            self._memories.update_one({"_id": account_id}, {"$unset": {"refusals": ""}})

    def refused(self, account: AccountDocument, slot: datetime) -> int:
        """Record that the platform refused an account in a slot; return the number of consecutive refused slots."""
        with mongo_errors():
            known = (self._memories.find_one({"_id": account["_id"]}, {"refusals": 1}) or {}).get("refusals", {})
            slots = known.get("slots", 0) + (known.get("slot") != slot)
            change = {"$set": {"refusals": {"slots": slots, "slot": slot}}}
            self._memories.update_one(_query(account), change, upsert=True)
        return int(slots)

    def begin_history(self, account: AccountDocument, history: History) -> None:
        """Store a history that is to be read, in place of an earlier one of the account."""
        with mongo_errors():
            self._memories.update_one(_query(account), {"$set": {"history": dict(history)}}, upsert=True)

    def keep_history(self, account_id: str, history: History) -> bool:
        """Store the progress of a history; False if it was requested again meanwhile, or the account was erased."""
        query = {"_id": account_id, "history.operationId": history["operationId"]}
        with mongo_errors():
            return self._memories.update_one(query, {"$set": {"history": dict(history)}}).matched_count == 1

    def stop_history(self, account_id: str, reason: str, message: str, now: datetime) -> bool:
        """End a history that waits for its turn or for the end of a pause; False if it does not wait."""
        ended = {"state": "stopped", "finishedAt": now, "reason": reason, "message": message}
        change = {
            "$set": {f"history.{name}": value for name, value in ended.items()},
            "$unset": {"history.resumesAt": ""},
        }
        with mongo_errors():
            query = {"_id": account_id, "history.state": "waiting"}
            return self._memories.update_one(query, change).matched_count == 1

    def forget(self, account_id: str) -> None:
        """Delete the memory of an account that no longer exists."""
        with mongo_errors():
            self._memories.delete_one({"_id": account_id})

    def forget_collected(self, account_id: str) -> None:
        """Delete what readings of an account noted, because nothing of it may be stored.

        A history that is being read stays: it ends with the reason `terms`, as one that ended so before.
        """
        ended = {"history.state": {"$nin": list(UNFINISHED_HISTORY)}, "history.reason": {"$ne": "terms"}}
        with mongo_errors():
            self._memories.update_one({"_id": account_id}, {"$unset": {"reading": "", "refusals": ""}})
            self._memories.update_one({"_id": account_id, **ended}, {"$unset": {"history": ""}})

    def history(self, account_id: str) -> History | None:
        """Return the history of an account; None if it was never requested."""
        with mongo_errors():
            found = self._memories.find_one({"_id": account_id}, {"history": 1}) or {}
        return cast("History | None", found.get("history"))

    def histories(self, **scope: str) -> dict[str, History]:
        """Return histories by account; `scope` is a `workspaceId` or a `history.operationId`."""
        with mongo_errors():
            found = self._memories.find({**scope, "history": {"$exists": True}}, {"history": 1})
            return {row["_id"]: cast("History", row["history"]) for row in found}

    def unfinished_histories(self, now: datetime) -> Iterator[tuple[str, History]]:
        """Yield account id and history of unfinished histories that are not paused, the longest unread first.

        Histories that were never worked on come first.
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
