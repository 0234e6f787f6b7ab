"""The collection `collections`: a record per account and slot (collected, failed or skipped), with the reason."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import cast

from pymongo import ReplaceOne, UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from metrics.clock import isoformat
from metrics.documents import CollectionDocument, Document, Platform, Problem
from metrics.periods import HOUR
from metrics.store.errors import duplicates, mongo_errors
from metrics.store.setup.namespaces import Namespace

IN_TIME: Mapping[str, object] = {"state": "collected", "notRecoverable": {"$exists": False}}
"""Query for records of accounts that were read in time. An account that was read later lacks its levels."""

_HOUR_MS = 3_600_000


def record_id(account_id: str, slot: datetime) -> str:
    """Return the `_id` of the record of one account in one slot."""
    return f"{account_id}|{isoformat(slot)}"


class CollectionRecords:
    """Reads and writes of collection records."""

    def __init__(self, db: Database[Document], names: Namespace) -> None:
        self._records = db[names.collections]

    def put(self, records: Iterable[CollectionDocument]) -> None:
        """Store records; a record that was collected in time is not replaced by a failure or a later, partial one."""
        writes = []
        for record in records:
            # An upsert into a sharded collection names the shard key; it follows from the id.
            query: Document = {
                "_id": record["_id"],
                "workspaceId": record["workspaceId"],
                "accountId": record["accountId"],
            }
            if record["state"] != "collected":
                query["state"] = {"$ne": "collected"}
            elif "notRecoverable" in record:
                query["$nor"] = [dict(IN_TIME)]
            writes.append(ReplaceOne(query, cast("Document", record), upsert=True))
        if not writes:
            return
        with mongo_errors():
            try:
                self._records.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                # If the stored record is better, the upsert fails with a duplicate `_id`: the stored one stays.
                duplicates(error)

    def add_problems(self, problems: Mapping[tuple[str, str, datetime], Problem]) -> None:
        """Add problems that checks found to the records of `(workspace, account, slot)`, where there is one."""
        writes = [
            UpdateOne(
                {"_id": record_id(account_id, slot), "workspaceId": workspace_id, "accountId": account_id},
                {"$addToSet": {"problems": problem}},
            )
            for (workspace_id, account_id, slot), problem in problems.items()
        ]
        if writes:
            with mongo_errors():
                self._records.bulk_write(writes, ordered=False)

    def of_slot(self, slot: datetime, platform: Platform | None = None) -> list[CollectionDocument]:
        """Return the records of one slot."""
        query: Document = {"slot": slot, **({"platform": platform} if platform else {})}
        with mongo_errors():
            return cast("list[CollectionDocument]", list(self._records.find(query)))

    def accounts_with_record(self, start: datetime, end: datetime) -> set[str]:
        """Return the accounts that have a record of any slot in `[start, end)`."""
        with mongo_errors():
            return set(self._records.distinct("accountId", {"slot": {"$gte": start, "$lt": end}}))

    def accounts_by_slot(
        self, platform: Platform, slots: Collection[datetime], where: Mapping[str, object], most: int
    ) -> dict[datetime, list[str]]:
        """Return, by slot, the sorted ids of accounts whose records of a platform match a query.

        At most `most` accounts are returned per slot; slots without any are left out.
        """
        stages: list[Document] = [
            {"$match": {"slot": {"$in": list(slots)}, "platform": platform, **where}},
            {"$sort": {"accountId": 1}},
            {"$group": {"_id": "$slot", "accounts": {"$firstN": {"input": "$accountId", "n": most}}}},
        ]
        with mongo_errors():
            return {row["_id"]: row["accounts"] for row in self._records.aggregate(stages)}

    def internal_errors(self, since: datetime) -> dict[str, int]:
        """Count records since a slot that failed because of errors in Tidemark itself: `{error type and place: n}`."""
        match = {"slot": {"$gte": since}, "state": "failed", "reason": "internal_error"}
        with mongo_errors():
            rows = self._records.aggregate([{"$match": match}, {"$group": {"_id": "$message", "n": {"$sum": 1}}}])
            return {row["_id"]: row["n"] for row in rows}

    def calls(self, account_ids: Iterable[str], slot: datetime) -> dict[str, int]:
        """Return the number of calls of accounts in a slot, by account; accounts without a record are left out."""
        query = {"_id": {"$in": [record_id(account_id, slot) for account_id in account_ids]}}
        with mongo_errors():
            return {row["accountId"]: row["calls"] for row in self._records.find(query, {"accountId": 1, "calls": 1})}

    def has_ended_slot(self, slot: datetime, platform: Platform) -> bool:
        """Tell whether any account of a platform has a record that was made after the end of a slot.

        An earlier record comes from a collection on demand during the slot.
        """
        query = {"slot": slot, "platform": platform, "finishedAt": {"$gte": slot + HOUR}}
        with mongo_errors():
            return self._records.find_one(query, {"_id": 1}) is not None

    def newest_collected_slot(self) -> datetime | None:
        """Return the newest slot in which any account was collected, or None if there is none."""
        with mongo_errors():
            row = self._records.find_one({"state": "collected"}, {"slot": 1}, sort=[("slot", -1)])
        return row["slot"] if row else None

    def recorded(self, slots: Collection[datetime]) -> dict[str, set[datetime]]:
        """Return, by account, those slots of which it has a record that was made after the end of the slot.

        An earlier record comes from a collection on demand during the slot.
        """
        stages: list[Document] = [
            {
                "$match": {
                    "slot": {"$in": list(slots)},
                    "$expr": {"$gte": ["$finishedAt", {"$add": ["$slot", _HOUR_MS]}]},
                }
            },
            {"$group": {"_id": "$accountId", "slots": {"$push": "$slot"}}},
        ]
        with mongo_errors():
            return {row["_id"]: set(row["slots"]) for row in self._records.aggregate(stages, allowDiskUse=True)}

    def states(self, platform: Platform, slots: Collection[datetime]) -> dict[datetime, dict[str, tuple[str, int]]]:
        """Return the records of a platform's slots as `{slot: {accountId: (state, observations)}}`.

        The states are those of records, plus `late` for an account that was read when its levels were no longer
        available.
        """
        query = {"slot": {"$in": list(slots)}, "platform": platform}
        fields = {"slot": 1, "accountId": 1, "state": 1, "notRecoverable": 1, "observations": 1}
        found: dict[datetime, dict[str, tuple[str, int]]] = {}
        with mongo_errors():
            for row in self._records.find(query, fields):
                late = row["state"] == "collected" and "notRecoverable" in row
                state = "late" if late else row["state"]
                found.setdefault(row["slot"], {})[row["accountId"]] = (state, row.get("observations", 0))
        return found

    def failed_before(self, slot: datetime, reasons: Collection[str], before: datetime) -> dict[Platform, list[str]]:
        """Return, by platform, the accounts that failed in a slot for given reasons and finished before an instant."""
        query = {"slot": slot, "state": "failed", "reason": {"$in": list(reasons)}, "finishedAt": {"$lt": before}}
        found: dict[Platform, list[str]] = {}
        with mongo_errors():
            for row in self._records.find(query, {"platform": 1, "accountId": 1}).sort("accountId", 1):
                found.setdefault(row["platform"], []).append(row["accountId"])
        return found

    def last_by_account(self, workspace_id: str) -> dict[str, dict[str, CollectionDocument]]:
        """Return the newest record and the newest collected record by account: `{accountId: {"last", "collected"}}`."""
        pipeline: list[Document] = [
            {"$match": {"workspaceId": workspace_id}},
            {"$sort": {"slot": 1}},
            {
                "$group": {
                    "_id": "$accountId",
                    "last": {"$last": "$$ROOT"},
                    "collected": {"$max": {"$cond": [{"$eq": ["$state", "collected"]}, "$slot", None]}},
                }
            },
        ]
        with mongo_errors():
            rows = list(self._records.aggregate(pipeline, allowDiskUse=True))
            wanted = [record_id(r["_id"], r["collected"]) for r in rows if r["collected"]]
            collected = {d["accountId"]: d for d in self._records.find({"_id": {"$in": wanted}})}
        return {
            r["_id"]: cast(
                "dict[str, CollectionDocument]",
                {"last": r["last"], **({"collected": collected[r["_id"]]} if r["_id"] in collected else {})},
            )
            for r in rows
        }
