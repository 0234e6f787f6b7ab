"""Writing rollups: replaced whole, in place, and never by one that read less of the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from metrics.clock import isoformat
from metrics.documents import Document
from metrics.periods import Period

STAMPS = ("computedAt", "runId", "rollId", "changedBy", "basis")
"""Fields that tell of a roll, not of the log: what was rolled twice differs in these alone."""


@dataclass(frozen=True, slots=True)
class Target:
    """The documents of one period of one workspace. `roll_id` is this roll's, `basis` what it had read of the marks."""

    workspace_id: str
    period: Period
    start: datetime
    end: datetime
    roll_id: str
    run_id: str
    basis: int
    now: datetime

    @property
    def query(self) -> Document:
        """What finds the documents."""
        return {"workspaceId": self.workspace_id, "period": self.period, "periodStart": self.start}


@dataclass(frozen=True, slots=True)
class Written:
    """What writing came to."""

    documents: int
    changed: list[str]
    removed: list[str]


def write(
    source: Collection[Document], stages: list[Document], target: Collection[Document], at: Target, subject: str
) -> Written:
    """Run `stages` over `source` and make their results the documents of `at` in `target`; the rest of it goes."""
    before = _rolls(target, at)
    source.aggregate([*stages, _stamp(at, subject), _merge(target.name)], allowDiskUse=True)
    after = _rolls(target, at)
    ours = [key for key, row in after.items() if row.get("rollId") == at.roll_id]
    changed = [key for key, row in after.items() if row.get("changedBy") == at.roll_id]
    # What another roll wrote since, or what one wrote that had read more of the log, is not ours to remove.
    stale = {
        key: row.get("rollId")
        for key, row in after.items()
        if key in before and before[key].get("rollId") == row.get("rollId") and row.get("basis", 0) <= at.basis
    }
    return Written(len(ours), changed, _remove(target, stale))


def _rolls(target: Collection[Document], at: Target) -> dict[str, Document]:
    fields = {"rollId": 1, "changedBy": 1, "basis": 1}
    return {row["_id"]: row for row in target.find(at.query, fields)}


def _stamp(at: Target, subject: str) -> Document:
    return {
        "$set": {
            "_id": {"$concat": [f"${subject}", f"|{at.period}|{isoformat(at.start)}"]},
            "period": at.period,
            "periodStart": at.start,
            "periodEnd": at.end,
            "computedAt": at.now,
            "runId": {"$literal": at.run_id},
            "rollId": at.roll_id,
            "changedBy": at.roll_id,
            "basis": at.basis,
        }
    }


def _merge(into: str) -> Document:
    """Replace what is there, unless it read more of the log; what did not change keeps its date and run."""
    same = {"$eq": [{"$mergeObjects": ["$$new", _blank()]}, {"$mergeObjects": ["$$ROOT", _blank()]}]}
    touched = {"$mergeObjects": ["$$ROOT", {"rollId": "$$new.rollId", "basis": "$$new.basis"}]}
    newer = {"$gt": [{"$ifNull": ["$basis", 0]}, "$$new.basis"]}
    chosen = {"$cond": [newer, "$$ROOT", {"$cond": [same, touched, "$$new"]}]}
    return {
        "$merge": {"into": into, "on": "_id", "whenMatched": [{"$replaceWith": chosen}], "whenNotMatched": "insert"}
    }


def _blank() -> Document:
    return dict.fromkeys(STAMPS)


def _remove(target: Collection[Document], stale: Mapping[str, str | None]) -> list[str]:
    """Remove documents that this roll no longer has, if nobody wrote them since."""
    by_roll: dict[str | None, list[str]] = {}
    for key, roll_id in stale.items():
        by_roll.setdefault(roll_id, []).append(key)
    for roll_id, keys in by_roll.items():
        target.delete_many({"_id": {"$in": keys}, "rollId": roll_id})
    return list(stale)
