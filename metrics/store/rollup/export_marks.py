"""The collection `export_marks`: days of workspaces that changed since they were exported.

A roll-up marks its day as changed; the export clears the mark, unless the day changed again in between. Without an
export, marks accumulate for as long as observations are kept, so that the first export finds all days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pymongo import DeleteOne, UpdateOne
from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace


@dataclass(frozen=True, slots=True)
class ExportMark:
    """A day of a workspace to export; each further mark changes `token`."""

    mark_id: str
    workspace_id: str
    day: datetime
    token: str


class ExportMarks:
    """Reads and writes of marks."""

    def __init__(self, db: Database[Document], names: Namespace, prefix: str = "") -> None:
        self._marks = db[f"{prefix}{names.export_marks}"]

    def touch(self, workspace_ids: Iterable[str], day: datetime) -> None:
        """Mark a day of workspaces to be exported again."""
        token = uuid4().hex
        writes = [
            UpdateOne(
                {"_id": f"{workspace_id}|{day:%Y-%m-%d}"},
                {"$set": {"token": token, "workspaceId": workspace_id, "day": day}},
                upsert=True,
            )
            for workspace_id in sorted(workspace_ids)
        ]
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)

    def pending(self, before: datetime, days: Sequence[datetime] | None = None) -> list[ExportMark]:
        """Return the marks of days before an instant, or of given days, oldest first."""
        query: Document = {"day": {"$lt": before}} if days is None else {"day": {"$in": list(days)}}
        with mongo_errors():
            return [
                ExportMark(m["_id"], m["workspaceId"], m["day"], m["token"])
                for m in self._marks.find(query).sort([("day", 1), ("_id", 1)])
            ]

    def settle(self, marks: Sequence[ExportMark]) -> None:
        """Delete marks that were not made again since they were read."""
        writes = [DeleteOne({"_id": mark.mark_id, "token": mark.token}) for mark in marks]
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)
