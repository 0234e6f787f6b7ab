"""Writing rollups: replaced whole, in place, and never by one that read less of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pymongo.collection import Collection

from metrics.aggregation.expressions import Expression
from metrics.clock import isoformat
from metrics.documents import Document
from metrics.periods import Period
from metrics.store.rollups import BOOKKEEPING

_BATCH = 10_000
"""Ids per command, which holds 16 MB."""

STAMPS = ("computedAt", "runId", *BOOKKEEPING)
"""Fields that tell of a roll, not of the log: what was rolled twice differs in these alone."""


@dataclass(frozen=True, slots=True)
class Target:
    """The documents of one period of some workspaces.

    `roll_id` is this roll's, `basis` what it had read of the marks of each workspace, `wrote` the time on the clock.
    `since` is, for workspaces with a claimed mark, when that was made: what changed after it has yet to be followed up,
    also if whoever changed it did not live to do so.
    """

    workspace_ids: Sequence[str]
    period: Period
    start: datetime
    end: datetime
    roll_id: str
    run_id: str
    basis: Mapping[str, int]
    now: datetime
    wrote: datetime
    since: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def query(self) -> Document:
        """What finds the documents."""
        workspaces = {"$in": list(self.workspace_ids)}
        return {"workspaceId": workspaces, "period": self.period, "periodStart": self.start}


@dataclass(frozen=True, slots=True)
class Written:
    """What writing came to. `unsettled` are the changed and removed ids by workspace, of a roll cut short as well."""

    documents: int
    changed: list[str]
    removed: list[str]
    unsettled: dict[str, list[str]]


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
        if key in before
        and before[key].get("rollId") == row.get("rollId")
        and row.get("basis", 0) <= at.basis[row["workspaceId"]]
    }
    removed = _remove(target, stale)
    unsettled: dict[str, list[str]] = {}
    for key, row in after.items():
        since = at.since.get(row["workspaceId"])
        if key in stale or row.get("changedBy") == at.roll_id or (since and row.get("changedAt", since) > since):
            unsettled.setdefault(row["workspaceId"], []).append(key)
    return Written(len(ours), changed, removed, unsettled)


def _rolls(target: Collection[Document], at: Target) -> dict[str, Document]:
    fields = dict.fromkeys(("rollId", "changedBy", "changedAt", "basis", "workspaceId"), 1)
    return {row["_id"]: row for row in target.find(at.query, fields)}


def _stamp(at: Target, subject: str) -> Document:
    return {
        "$set": {
            "_id": {"$concat": [f"${subject}", f"|{at.period}|{isoformat(at.start)}"]},
            "period": at.period,
            "periodStart": at.start,
            "periodEnd": at.end,
            "computedAt": at.now,
            "changedAt": at.wrote,
            "runId": {"$literal": at.run_id},
            "rollId": at.roll_id,
            "changedBy": at.roll_id,
            "basis": _basis(at.basis),
        }
    }


def _basis(by_workspace: Mapping[str, int]) -> Expression:
    workspaces: dict[int, list[str]] = {}
    for workspace_id, basis in by_workspace.items():
        workspaces.setdefault(basis, []).append(workspace_id)
    branches = [
        {"case": {"$in": ["$workspaceId", {"$literal": ids}]}, "then": {"$literal": basis}}
        for basis, ids in workspaces.items()
    ]
    return {"$switch": {"branches": branches}}


def _merge(into: str) -> Document:
    """Replace what is there, unless it read more of the log; what did not change keeps its date and run.

    Documents are matched by their `_id`, and in a sharded collection by its shard key as well: that is the default,
    which a named `_id` would not be.
    """
    same = {"$eq": [{"$mergeObjects": ["$$new", _blank()]}, {"$mergeObjects": ["$$ROOT", _blank()]}]}
    touched = {"$mergeObjects": ["$$ROOT", {"rollId": "$$new.rollId", "basis": "$$new.basis"}]}
    newer = {"$gt": [{"$ifNull": ["$basis", 0]}, "$$new.basis"]}
    chosen = {"$cond": [newer, "$$ROOT", {"$cond": [same, touched, "$$new"]}]}
    return {"$merge": {"into": into, "whenMatched": [{"$replaceWith": chosen}], "whenNotMatched": "insert"}}


def _blank() -> Document:
    return dict.fromkeys(STAMPS)


def _remove(target: Collection[Document], stale: Mapping[str, str | None]) -> list[str]:
    """Remove documents that this roll no longer has, if nobody wrote them since."""
    by_roll: dict[str | None, list[str]] = {}
    for key, roll_id in stale.items():
        by_roll.setdefault(roll_id, []).append(key)
    for roll_id, keys in by_roll.items():
        for begin in range(0, len(keys), _BATCH):
            target.delete_many({"_id": {"$in": keys[begin : begin + _BATCH]}, "rollId": roll_id})
    return list(stale)
