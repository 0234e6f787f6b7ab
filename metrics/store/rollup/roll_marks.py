"""The collection `roll_marks`: periods of workspaces that have to be rolled up again.

A writer of observations marks the periods that they belong to. A roll-up claims the marks before it reads, and settles
them after it has written. A mark that is made in between stays. So no observation is lost, whether it arrives while its
day is being rolled up or while nothing runs: the marks are state, not a cursor that could be lost.

A settled mark that is not made again for `KEPT_DAYS` expires. The next mark of the same period gets a higher number
than the expired one, so that a roll-up that read less of the log is still recognised by its lower number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import UpdateOne
from pymongo.database import Database

from metrics.clock import isoformat, utcnow
from metrics.documents import Document
from metrics.periods import HOUR, Period
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace
from metrics.store.upserts import upsert_all

KEPT_DAYS = 40
"""Longer than any period, so that the period of an expired mark has ended."""

Touched = tuple[str, Period, datetime]
"""(workspace id, period, its start)."""


def mark_id(workspace_id: str, period: Period, start: datetime) -> str:
    """Return the `_id` of a mark."""
    return f"{workspace_id}|{period}|{isoformat(start)}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A mark as a roll-up read it at `claimed`, before anything else: settling clears the mark only if it is unchanged.

    `newest` is when the period was last marked.
    """

    mark_id: str
    touched: int
    workspace_id: str
    start: datetime
    newest: datetime
    claimed: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A period that has to be rolled up again; `since` is when each workspace began to wait.

    `touched` grows with every further mark.
    """

    start: datetime
    since: Mapping[str, datetime]
    touched: int

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The sorted ids of the workspaces for which the period has to be rolled up."""
        return tuple(sorted(self.since))


def _milliseconds(at: datetime) -> int:
    """Return the first number of a new mark: a time, which is above the number that any expired mark had reached."""
    return int(at.timestamp() * 1000)


class RollMarks:
    """Reads and writes of marks."""

    def __init__(self, db: Database[Document], names: Namespace, prefix: str = "") -> None:
        self._marks = db[f"{prefix}{names.roll_marks}"]

    def touch(self, touched: Iterable[Touched]) -> None:
        """Mark periods to be rolled up again."""
        now = utcnow()
        writes = [
            UpdateOne(
                # An upsert into a sharded collection names the shard key; it follows from the id.
                {"_id": mark_id(workspace_id, period, start), "workspaceId": workspace_id},
                [
                    {
                        "$set": {
                            "touched": {"$add": [{"$ifNull": ["$touched", _milliseconds(now)]}, 1]},
                            "dirty": True,
                            "touchedAt": now,
                            "since": {"$min": ["$since", now]},
                            "period": period,
                            "periodStart": start,
                        }
                    },
                    {"$unset": "settledAt"},
                ],
                upsert=True,
            )
            for workspace_id, period, start in sorted(set(touched))
        ]
        with mongo_errors():
            upsert_all(self._marks, writes)

    def pending(self, period: Period) -> list[Pending]:
        """Return the periods to roll up again, oldest first, each with its workspaces."""
        stages: list[Document] = [
            {"$match": {"dirty": True, "period": period}},
            {
                "$group": {
                    "_id": "$periodStart",
                    "since": {"$push": {"k": "$workspaceId", "v": {"$ifNull": ["$since", "$touchedAt"]}}},
                    "touched": {"$sum": "$touched"},
                }
            },
            {"$sort": {"_id": 1}},
        ]
        with mongo_errors():
            rows = list(self._marks.aggregate(stages))
        return [Pending(m["_id"], {pair["k"]: pair["v"] for pair in m["since"]}, m["touched"]) for m in rows]

    def marked(self, among: Iterable[Touched]) -> set[Touched]:
        """Return which of some periods have a mark: they wait to be rolled up, or are being rolled up."""
        ids = {mark_id(*one): one for one in among}
        with mongo_errors():
            return {ids[m["_id"]] for m in self._marks.find({"_id": {"$in": list(ids)}, "dirty": True}, {"_id": 1})}

    def waiting_since(self, workspace_ids: Sequence[str], at: datetime) -> list[Touched]:
        """Return the periods of workspaces that waited to be rolled up at any time from `at` until now."""
        unsettled: list[Document] = [{"dirty": True}, {"touchedAt": {"$gte": at}}, {"settledAt": {"$gte": at}}]
        query: Document = {"workspaceId": {"$in": list(workspace_ids)}, "$or": unsettled}
        with mongo_errors():
            return [(m["workspaceId"], m["period"], m["periodStart"]) for m in self._marks.find(query)]

    def touched(self, workspace_ids: Sequence[str], period: Period, start: datetime) -> dict[str, int]:
        """Return a number that grows whenever a period is marked, by workspace.

        A roll-up that reads the number before the log has read at least as much of the log as one with a lower number.
        A period without a mark has the number of a mark that was made an hour ago.
        """
        never = _milliseconds(utcnow() - HOUR)
        ids = [mark_id(workspace_id, period, start) for workspace_id in workspace_ids]
        with mongo_errors():
            found = {m["workspaceId"]: m["touched"] for m in self._marks.find({"_id": {"$in": ids}})}
        return {workspace_id: found.get(workspace_id, never) for workspace_id in workspace_ids}

    def claim(self, period: Period, starts: Sequence[datetime], workspaces: Sequence[str] | None = None) -> list[Claim]:
        """Read the marks of periods; a roll-up calls this before it reads any observation."""
        query: Document = {"dirty": True, "period": period, "periodStart": {"$in": list(starts)}}
        if workspaces is not None:
            query["workspaceId"] = {"$in": list(workspaces)}
        now = utcnow()
        with mongo_errors():
            return [
                Claim(
                    m["_id"],
                    m["touched"],
                    m["workspaceId"],
                    m["periodStart"],
                    m["touchedAt"],
                    now,
                )
                for m in self._marks.find(query)
            ]

    def settle(self, claims: Sequence[Claim]) -> None:
        """Clear claimed marks that were not made again since; the others wait since they were claimed."""
        now = utcnow()
        writes: list[UpdateOne] = []
        for claim in claims:
            clear = {"$set": {"dirty": False, "settledAt": now}, "$unset": {"since": ""}}
            writes.append(UpdateOne({"_id": claim.mark_id, "touched": claim.touched}, clear))
            touched_again = {"_id": claim.mark_id, "touched": {"$gt": claim.touched}, "dirty": True}
            writes.append(UpdateOne(touched_again, {"$max": {"since": claim.claimed}}))
        if writes:
            with mongo_errors():
                self._marks.bulk_write(writes, ordered=False)

    def count(self) -> Mapping[Period, int]:
        """Count the periods that wait to be rolled up, by kind of period."""
        with mongo_errors():
            rows = self._marks.aggregate(
                [{"$match": {"dirty": True}}, {"$group": {"_id": "$period", "n": {"$sum": 1}}}]
            )
            return {row["_id"]: row["n"] for row in rows}

    def oldest(self) -> datetime | None:
        """Return the oldest time at which a waiting period was last marked; None if no period waits."""
        with mongo_errors():
            found = self._marks.find_one({"dirty": True}, {"touchedAt": 1}, sort=[("touchedAt", 1)])
        return found["touchedAt"] if found else None
