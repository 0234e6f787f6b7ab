"""The collection `store_sizes`: the size of each store, measured every night to know its growth."""

from datetime import datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors


class SizeSamples:
    """Reads and writes of samples: one per day, which MongoDB deletes after 90 days."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._samples = db["store_sizes"]

    def put(self, at: datetime, sizes: Document) -> None:
        """Store the sample of a day, in place of an earlier one of the same day."""
        key = at.date().isoformat()
        with mongo_errors():
            self._samples.replace_one({"_id": key}, {"_id": key, "at": at, **sizes}, upsert=True)

    def between(self, first: datetime, last: datetime) -> list[Document]:
        """Return the samples that were taken from `first` to `last`, the newest first."""
        with mongo_errors():
            return list(self._samples.find({"at": {"$gte": first, "$lte": last}}, sort=[("at", DESCENDING)]))

    def of_collections(self) -> dict[str, int]:
        """Return the bytes of each collection on disk, with its indexes."""
        found: dict[str, int] = {}
        with mongo_errors():
            for name in self._db.list_collection_names(filter={"name": {"$not": {"$regex": "^system[.]"}}}):
                stats: dict[str, Any] = self._db.command("collStats", name)
                found[name] = int(stats["storageSize"]) + int(stats["totalIndexSize"])
        return found

    def free_bytes(self) -> int | None:
        """Return the free bytes of MongoDB's disk; None if MongoDB does not report them."""
        with mongo_errors():
            stats: dict[str, Any] = self._db.command("dbStats")
        if "fsTotalSize" not in stats:
            return None
        return int(stats["fsTotalSize"] - stats["fsUsedSize"])
