"""The queue of operations that have a run of their own, shared fairly among workspaces.

Operations are handed out in batches, each of which one run carries out. All queued collections of one account are one
batch, because a collection reads the whole account; any other operation is a batch of its own. The next batch is
one of the workspace with the fewest batches under way; among equals, of the one that was not served for the longest
time. So a workspace without a batch under way waits for at most one batch of each other workspace.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, OperationDocument, OperationKind
from metrics.errors import NotFound, QueueFull
from metrics.store.errors import mongo_errors

KINDS: tuple[OperationKind, ...] = ("collect", "aggregate")
"""Kinds of operations that this queue hands out. Histories of accounts have no place in it: they share a run."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_HANDED_OUT = {"$or": [{"state": "running"}, {"batchId": {"$exists": True}}]}
_WAITING = {"state": "queued", "kind": {"$in": list(KINDS)}, "batchId": {"$exists": False}}


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations that one run carries out. `id` is the id of the operation that was the oldest at the hand-out."""

    id: str
    operations: tuple[OperationDocument, ...]

    @property
    def first(self) -> OperationDocument:
        """An operation of the batch; all of them request the same work."""
        return self.operations[0]


@dataclass(frozen=True, slots=True)
class Turn:
    """The position of a workspace with queued operations in the round robin."""

    workspace_id: str
    oldest_id: str
    """The oldest operation of the workspace that was not handed out yet."""
    oldest_at: datetime
    under_way: int
    """Batches of the workspace that were handed out and are not finished."""
    served_at: datetime | None
    """The instant at which the newest batch was handed out; None if there was none."""


def next_turn(turns: Iterable[Turn]) -> Turn:
    """Return the turn that comes next."""
    return min(turns, key=lambda turn: (turn.under_way, turn.served_at or _NEVER, turn.oldest_at, turn.workspace_id))


class OperationQueue:
    """Hands out queued operations. It has one reader at a time: the sensor `requested_work`."""

    def __init__(self, db: Database[Document]) -> None:
        self._operations = db["operations"]

    def under_way(self) -> list[Batch]:
        """Return the batches that were handed out and are not finished, oldest first."""
        query = {"state": {"$in": ["queued", "running"]}, "kind": {"$in": list(KINDS)}, **_HANDED_OUT}
        with mongo_errors():
            found = cast("list[OperationDocument]", list(self._operations.find(query).sort("createdAt", 1)))
        batches: dict[str, list[OperationDocument]] = {}
        for operation in found:
            # An operation that an earlier version handed out has no batch: its run has the operation's own id.
            batches.setdefault(operation.get("batchId", operation["_id"]), []).append(operation)
        return [Batch(batch_id, tuple(operations)) for batch_id, operations in batches.items()]

    def hand_out(self, places: int) -> list[Batch]:
        """Hand out queued operations until `places` batches are under way; return the new batches in order."""
        batches: list[Batch] = []
        if not self._any_waiting():
            return batches
        free = places - len(self.under_way())
        while free > 0 and (turns := self._turns()):
            batch = self._take(next_turn(turns).oldest_id)
            if batch is not None:
                batches.append(batch)
                free -= 1
        return batches

    def batch(self, batch_id: str) -> Batch:
        """Return a batch with all its operations, finished ones as well.

        Raises:
            NotFound: there is no such batch.
        """
        with mongo_errors():
            found = list(self._operations.find({"batchId": batch_id}).sort("createdAt", 1))
            found = found or list(self._operations.find({"_id": batch_id}))
        if not found:
            raise NotFound(f"no operation {batch_id}")
        return Batch(batch_id, tuple(cast("list[OperationDocument]", found)))

    def require_room(self, workspace_id: str, most: int) -> None:
        """Refuse a further operation of a workspace that has `most` operations waiting.

        Raises:
            QueueFull: it has so many.
        """
        with mongo_errors():
            waiting = self._operations.count_documents({**_WAITING, "workspaceId": workspace_id}, limit=most)
        if waiting >= most:
            raise QueueFull(f"The workspace has {most} queued operations, the most at once; try again when some ended.")

    def _any_waiting(self) -> bool:
        with mongo_errors():
            return self._operations.find_one(_WAITING, {"_id": 1}) is not None

    def _turns(self) -> list[Turn]:
        """Return the turns of all workspaces with operations that were not handed out yet."""
        oldest: list[Document] = [
            {"$match": _WAITING},
            {"$sort": {"createdAt": 1}},
            {"$group": {"_id": "$workspaceId", "oldest": {"$first": "$_id"}, "at": {"$first": "$createdAt"}}},
        ]
        with mongo_errors():
            waiting = {group["_id"]: group for group in self._operations.aggregate(oldest)}
        under_way = [batch.first["workspaceId"] for batch in self.under_way()]
        served = self._served(list(waiting))
        return [
            Turn(name, group["oldest"], group["at"], under_way.count(name), served.get(name))
            for name, group in waiting.items()
        ]

    def _served(self, workspace_ids: list[str]) -> dict[str, datetime]:
        newest: list[dict[str, Any]] = [
            {"$match": {"workspaceId": {"$in": workspace_ids}, "handedOutAt": {"$exists": True}}},
            {"$sort": {"workspaceId": 1, "handedOutAt": -1}},
            {"$group": {"_id": "$workspaceId", "at": {"$first": "$handedOutAt"}}},
        ]
        with mongo_errors():
            return {group["_id"]: group["at"] for group in self._operations.aggregate(newest)}

    def _take(self, operation_id: str) -> Batch | None:
        """Make a batch of an operation and all queued operations for the same work; None if it is gone meanwhile."""
        with mongo_errors():
            first = self._operations.find_one({**_WAITING, "_id": operation_id})
            if first is None:
                return None
            same: Document = {"_id": operation_id}
            if first["kind"] == "collect" and "accountId" in first:
                same = {"kind": "collect", "workspaceId": first["workspaceId"], "accountId": first["accountId"]}
            now = utcnow()
            self._operations.update_many({**_WAITING, **same}, {"$set": {"batchId": operation_id, "handedOutAt": now}})
        try:
            return self.batch(operation_id)
        except NotFound:
            return None
