"""The collection `roll_marks`: which periods of which workspace have to be rolled again.

Whoever appends observations marks what they touch; whoever rolled a period settles what it had read. A mark made in
between stays, so an observation that lands while its day is being rolled is never lost, and neither is one that lands
while nothing runs: the marks are state, not a cursor that could be lost.

A mark that nobody touched for `KEPT_DAYS` after it was settled expires. The next one of its period counts on above it,
so that a roll which read less of the log is still known by its number.
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
from metrics.store.upserts import upsert_all

KEPT_DAYS = 40
"""Longer than a period, so that the period of a mark that expires has ended."""

Touched = tuple[str, Period, datetime]
"""(workspace id, period, its start)."""


def mark_id(workspace_id: str, period: Period, start: datetime) -> str:
    """Return the `_id` of a mark."""
    return f"{workspace_id}|{period}|{isoformat(start)}"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a roll read of a mark before it began, at `claimed`: settling takes away no more than this.

    `newest` is when the period was touched last.
    """

    mark_id: str
    touched: int
    workspace_id: str
    start: datetime
    newest: datetime
    claimed: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A period that has to be rolled again, with the workspaces concerned and since when each of them waits.

    `touched` grows with every further mark.
    """

    start: datetime
    since: Mapping[str, datetime]
    touched: int

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The workspaces for which the period has to be rolled, by id."""
        return tuple(sorted(self.since))


def _milliseconds(at: datetime) -> int:
    """Return where a new mark begins to count: above all that a mark which expired had come to."""
    return int(at.timestamp() * 1000)


class RollMarks:
    """Reads and writes of marks."""

    def __init__(self, db: Database[Document], prefix: str = "") -> None:
        self._marks = db[f"{prefix}roll_marks"]

    def touch(self, touched: Iterable[Touched]) -> None:
        """Mark periods to be rolled again."""
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
        """Return the periods to roll again, oldest first, with the workspaces that have to be."""
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
        return [Pending(m["_id"], {one["k"]: one["v"] for one in m["since"]}, m["touched"]) for m in rows]

    def dirty(self, among: Iterable[Touched]) -> set[Touched]:
        """Return which of some periods wait to be rolled, or are being rolled."""
        ids = {mark_id(*one): one for one in among}
        with mongo_errors():
            return {ids[m["_id"]] for m in self._marks.find({"_id": {"$in": list(ids)}, "dirty": True}, {"_id": 1})}

    def touched(self, workspace_ids: Sequence[str], period: Period, start: datetime) -> dict[str, int]:
        """Return what grows whenever a period is touched, by workspace.

        A roll that reads it first, and the log then, has read no less of the log than one that found a lower number. A
        mark that expired, or was never made, counts as one that was made an hour ago.
        """
        never = _milliseconds(utcnow() - HOUR)
        ids = [mark_id(workspace_id, period, start) for workspace_id in workspace_ids]
        with mongo_errors():
            found = {m["workspaceId"]: m["touched"] for m in self._marks.find({"_id": {"$in": ids}})}
        return {workspace_id: found.get(workspace_id, never) for workspace_id in workspace_ids}

    def claim(self, period: Period, starts: Sequence[datetime], workspaces: Sequence[str] | None = None) -> list[Claim]:
        """Read the marks that a roll of these periods is about to satisfy. Before it reads any observation."""
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
        """Clear claimed marks that nobody touched since; the others wait since they were claimed."""
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
        """Count the periods that wait to be rolled, for doctors and metrics."""
        with mongo_errors():
            rows = self._marks.aggregate(
                [{"$match": {"dirty": True}}, {"$group": {"_id": "$period", "n": {"$sum": 1}}}]
            )
            return {row["_id"]: row["n"] for row in rows}

    def oldest(self) -> datetime | None:
        """Return when that period was marked last which waits longest to be rolled; None where none waits."""
        with mongo_errors():
            found = self._marks.find_one({"dirty": True}, {"touchedAt": 1}, sort=[("touchedAt", 1)])
        return found["touchedAt"] if found else None
