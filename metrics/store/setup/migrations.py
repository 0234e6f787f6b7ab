"""Conversions of stored documents that take long: they run in the background, batch by batch, and only once.

What is done stands in the collection `migrations`. Reads are right before, during and after a conversion.
"""

from collections.abc import Callable

from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document
from metrics.store.errors import mongo_errors

LABELS = "rollup-labels"
"""Rollups of versions before calendars get the version of the UTC calendar and the names of their periods."""
_BATCH = 5000
_FORMATS = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}

Progress = Callable[[int, int], None]
"""Called with the number of documents that were looked at, and of all."""


class Migrations:
    """Runs conversions, and knows which are done."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db

    def pending(self) -> list[str]:
        """Return the conversions that are to be done.

        A database that has rollups, and none without a calendar, is one of this version: that is recorded, so that it
        is not looked for again.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            if self._db["migrations"].find_one({"_id": LABELS}, {"_id": 1}) is not None:
                return []
            rollups = self._db["subject_rollups"], self._db["aggregated_metrics"]
            if any(one.find_one({"calendarVersion": None}, {"_id": 1}) is not None for one in rollups):
                return [LABELS]
            if any(one.find_one({}, {"_id": 1}) is not None for one in rollups):
                self._done(LABELS)
        return []

    def label_rollups(self, progress: Progress) -> int:
        """Give rollups without a calendar that of UTC, and the names of their periods; return how many.

        It can be repeated and interrupted at any time.

        Raises:
            MongoUnavailable: MongoDB does not answer; call again.
        """
        labelled = seen = 0
        with mongo_errors():
            collections = [self._db[name] for name in ("subject_rollups", "aggregated_metrics")]
            total = sum(collection.estimated_document_count() for collection in collections)
            for collection in collections:
                last = ""
                while ids := [
                    row["_id"]
                    for row in collection.find({"_id": {"$gt": last}}, {"_id": 1}).sort("_id", 1).limit(_BATCH)
                ]:
                    old = {"_id": {"$gte": ids[0], "$lte": ids[-1]}, "calendarVersion": None}
                    labelled += collection.update_many(old, [{"$set": _labels()}]).modified_count
                    seen, last = seen + len(ids), ids[-1]
                    progress(seen, max(total, seen))
            self._done(LABELS)
        return labelled

    def _done(self, name: str) -> None:
        self._db["migrations"].update_one({"_id": name}, {"$set": {"doneAt": utcnow()}}, upsert=True)


def _labels() -> Document:
    branches = [
        {
            "case": {"$eq": ["$period", period]},
            "then": {"$dateToString": {"date": "$periodStart", "format": text, "timezone": "UTC"}},
        }
        for period, text in _FORMATS.items()
    ]
    return {"calendarVersion": 0, "periodLabel": {"$switch": {"branches": branches, "default": "$$REMOVE"}}}
