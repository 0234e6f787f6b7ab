"""Writing rollups: replaced whole, in place, and never by one that read less of the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.collection import Collection

from metrics.clock import isoformat
from metrics.documents import Document
from metrics.periods import Period

_STAMPS = ("computedAt", "runId", "rollId", "basis")


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
    before = {d["_id"]: d.get("rollId") for d in target.find(at.query, {"rollId": 1})}
    source.aggregate([*stages, _stamp(at, subject), _merge(target.name)], allowDiskUse=True)
    after = {
        d["_id"]: (d.get("rollId"), d["computedAt"]) for d in target.find(at.query, {"rollId": 1, "computedAt": 1})
    }
    ours = {key for key, (roll_id, _) in after.items() if roll_id == at.roll_id}
    stale = {key: before[key] for key, (roll_id, _) in after.items() if key in before and before[key] == roll_id}
    removed = _remove(target, {key: roll_id for key, roll_id in stale.items() if key not in ours})
    changed = [key for key in ours if after[key][1] == at.now]
    return Written(len(ours), changed, removed)


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
    return dict.fromkeys(_STAMPS)


def _remove(target: Collection[Document], stale: Mapping[str, str | None]) -> list[str]:
    """Remove documents that this roll no longer has, if nobody wrote them since."""
    by_roll: dict[str | None, list[str]] = {}
    for key, roll_id in stale.items():
        by_roll.setdefault(roll_id, []).append(key)
    for roll_id, keys in by_roll.items():
        target.delete_many({"_id": {"$in": keys}, "rollId": roll_id})
    return list(stale)
