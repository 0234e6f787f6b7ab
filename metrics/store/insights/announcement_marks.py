"""The collection `announcement_marks`: what was, or is about to be, said of a workspace and is not announced yet.

A run marks a workspace before it stores statements about it, and settles the mark after it has announced them. If it
dies in between, the mark stays, and the next run of the same asset announces them. Marks that are older than the
statements themselves expire.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from pymongo import DeleteOne, UpdateOne
from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "announcement_marks"
KEPT_DAYS = 120

Said = Literal["forecasts", "hourly_forecasts", "content_decay", "best_times", "post_outlooks"]
"""The collection of the statements."""


@dataclass(frozen=True, slots=True)
class AnnouncementMark:
    """Statements about a workspace to announce; each further mark changes `token`.

    `day` is the midnight of their day, or the start of their window of hours.
    """

    said: Said
    workspace_id: str
    day: datetime
    token: str

    @property
    def mark_id(self) -> str:
        """The `_id` of the mark."""
        return f"{self.workspace_id}|{self.said}|{self.day:%Y-%m-%dT%H}"


class AnnouncementMarks:
    """Reads and writes of marks. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._marks = db[NAME]

    def touch(self, said: Said, workspace_ids: Iterable[str], day: datetime) -> list[AnnouncementMark]:
        """Mark workspaces before statements of a day are stored; return the marks, which settle them."""
        token = uuid4().hex
        marks = [AnnouncementMark(said, workspace_id, day, token) for workspace_id in sorted(set(workspace_ids))]
        writes = [
            UpdateOne(
                {"_id": one.mark_id, "workspaceId": one.workspace_id},
                {"$set": {"said": said, "day": day, "token": token}},
                upsert=True,
            )
            for one in marks
        ]
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)
        return marks

    def pending(self, said: Said, workspace_ids: Sequence[str]) -> list[AnnouncementMark]:
        """Return the marks of workspaces that runs left behind, oldest day first."""
        query = {"said": said, "workspaceId": {"$in": list(workspace_ids)}}
        with mongo_errors():
            return [
                AnnouncementMark(said, row["workspaceId"], row["day"], row["token"])
                for row in self._marks.find(query).sort([("day", 1), ("_id", 1)])
            ]

    def settle(self, marks: Sequence[AnnouncementMark]) -> None:
        """Delete marks that were not made again since they were made or read."""
        writes = [DeleteOne({"_id": one.mark_id, "token": one.token}) for one in marks]
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)
