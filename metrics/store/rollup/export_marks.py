"""Days of workspaces that changed since they were exported: `export_marks`, and `warehouse_marks` of each warehouse.

A roll-up marks its day as changed; the export clears the mark, unless the day changed again in between. Without an
export, marks accumulate for as long as observations are kept, so that the first export finds all days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pymongo import DeleteOne, UpdateOne
from pymongo.collection import Collection

from metrics.batches import batched
from metrics.documents import Document
from metrics.store.errors import mongo_errors

WAREHOUSE_MARKS = "warehouse_marks"
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class ExportMark:
    """A day of a workspace to export; each further mark changes `token`."""

    mark_id: str
    workspace_id: str
    day: datetime
    token: str


class ExportMarks:
    """Reads and writes of marks. Each method raises `MongoUnavailable` if MongoDB does not answer.

    Several warehouses share a collection: `warehouse` is the one whose marks these are. It is None for marks that have
    a collection of their own.
    """

    def __init__(self, marks: Collection[Document], warehouse: str | None = None) -> None:
        self._marks = marks
        self._prefix = "" if warehouse is None else f"{warehouse}|"
        self._of: Document = {} if warehouse is None else {"warehouse": warehouse}

    def touch(self, workspace_ids: Iterable[str], day: datetime) -> None:
        """Mark a day of workspaces to be exported again."""
        self.touch_all((workspace_id, day) for workspace_id in sorted(workspace_ids))

    def touch_all(self, days: Iterable[tuple[str, datetime]]) -> int:
        """Mark days of workspaces to be exported again; return how many."""
        token, marked = uuid4().hex, 0
        for some in batched(days, _BATCH):
            writes = [
                UpdateOne(
                    {"_id": f"{self._prefix}{workspace_id}|{day:%Y-%m-%d}"},
                    {"$set": {"token": token, "workspaceId": workspace_id, "day": day, **self._of}},
                    upsert=True,
                )
                for workspace_id, day in some
            ]
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)
            marked += len(writes)
        return marked

    def pending(self, before: datetime, days: Sequence[datetime] | None = None) -> list[ExportMark]:
        """Return the marks of days before an instant, or of given days, oldest first."""
        query: Document = {"day": {"$lt": before}} if days is None else {"day": {"$in": list(days)}}
        with mongo_errors():
            return [
                ExportMark(m["_id"], m["workspaceId"], m["day"], m["token"])
                for m in self._marks.find({**query, **self._of}).sort([("day", 1), ("_id", 1)])
            ]

    def count(self) -> int:
        """Count the marks."""
        with mongo_errors():
            return self._marks.count_documents(self._of)

    def settle(self, marks: Sequence[ExportMark]) -> None:
        """Delete marks that were not made again since they were read."""
        writes = [DeleteOne({"_id": mark.mark_id, "token": mark.token}) for mark in marks]
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)

    def clear(self) -> None:
        """Delete all marks."""
        with mongo_errors():
            self._marks.delete_many(self._of)
