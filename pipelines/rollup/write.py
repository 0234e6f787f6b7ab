"""Write rollups: replace whole documents in place, but never with a roll-up that has read less of the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pymongo.collection import Collection

from metrics.aggregation.mongo_expressions import Expression
from metrics.batches import batched
from metrics.calendars import Span
from metrics.clock import isoformat
from metrics.documents import Document
from metrics.periods import Period
from metrics.store.rollup.rollups import BOOKKEEPING, derived_by, period_of_id

_BATCH = 10_000
"""Ids per delete command, because a command holds 16 MB."""

Aggregate = Callable[[list[Document]], object]
"""Runs an aggregation over the collection that a roll-up reads."""

STAMPS = ("computedAt", "runId", *BOOKKEEPING)
"""Fields that describe the roll-up and not the data: two roll-ups of the same log differ only in these."""


@dataclass(frozen=True, slots=True)
class Target:
    """The documents of one period of some workspaces, by one version of their calendar.

    `roll_id` identifies this roll-up. `basis` is, by workspace, a number that was read before the log and that grows
    with each mark: of two roll-ups, the one with the larger basis has read at least as much of the log. `wrote` is the
    time on the clock. `since` is, for workspaces with a claimed mark, the time of that mark: documents that changed
    after it must still be followed up, even if another roll-up changed them and was killed before it did.
    """

    workspace_ids: Sequence[str]
    period: Period
    span: Span
    version: int
    roll_id: str
    run_id: str
    basis: Mapping[str, int]
    now: datetime
    wrote: datetime
    since: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def query(self) -> Document:
        """The query for the documents."""
        workspaces = {"$in": list(self.workspace_ids)}
        found = {"workspaceId": workspaces, "period": self.period, "periodStart": self.span.start}
        return {**found, **derived_by(self.version)}


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a write.

    `unsettled` are, by workspace, the changed and removed ids to follow up, also those of a roll-up that was killed.
    """

    documents: int
    changed: list[str]
    removed: list[str]
    unsettled: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """What makes the documents of a target: an aggregation, and its stages."""

    at: Target
    aggregate: Aggregate
    stages: list[Document]


def write(sources: Sequence[Source], target: Collection[Document], subject: str) -> list[Written]:
    """Make the results of each source the documents of its `at` in `target`, and delete the other documents of it.

    Returns a result per source. All sources together take two queries beside their aggregations.
    """
    before = _rolls(target, sources)
    for one in sources:
        one.aggregate([*one.stages, _stamp(one.at, subject), _merge(target.name)])
    after = _rolls(target, sources)
    return [_settled(target, one.at, *found) for one, *found in zip(sources, before, after, strict=True)]


def _settled(
    target: Collection[Document], at: Target, before: Mapping[str, Document], after: Mapping[str, Document]
) -> Written:
    """Delete what was not produced any more, and return what changed."""
    ours = [key for key, row in after.items() if row.get("rollId") == at.roll_id]
    changed = [key for key, row in after.items() if row.get("changedBy") == at.roll_id]
    # Do not remove documents that another roll-up wrote meanwhile, or that one wrote that had read more of the log.
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


def _rolls(target: Collection[Document], sources: Sequence[Source]) -> list[dict[str, Document]]:
    """Return, for each source, its documents by id."""
    fields = dict.fromkeys(("rollId", "changedBy", "changedAt", "basis", "workspaceId", "calendarVersion"), 1)
    found: dict[tuple[str, int], dict[str, Document]] = {}
    for row in target.find({"$or": [one.at.query for one in sources]}, fields) if sources else ():
        found.setdefault((row["workspaceId"], row.get("calendarVersion") or 0), {})[row["_id"]] = row
    # A workspace has one period for each of its calendars.
    return [
        {
            key: row
            for workspace in one.at.workspace_ids
            for key, row in found.get((workspace, one.at.version), {}).items()
        }
        for one in sources
    ]


def _stamp(at: Target, subject: str) -> Document:
    return {
        "$set": {
            "_id": {"$concat": [f"${subject}", f"|{period_of_id(at.period, at.version)}|{isoformat(at.span.start)}"]},
            "period": at.period,
            "periodStart": at.span.start,
            "periodEnd": at.span.end,
            "periodLabel": at.span.label,
            "calendarVersion": at.version,
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
    """Replace a stored document unless its roll-up had read more of the log; an unchanged one keeps its date and run.

    Without `on`, documents are matched by `_id`, and in a sharded collection by the shard key as well; with an explicit
    `on: _id` they would not be.
    """
    same = {"$eq": [{"$mergeObjects": ["$$new", _blank()]}, {"$mergeObjects": ["$$ROOT", _blank()]}]}
    touched = {"$mergeObjects": ["$$ROOT", {"rollId": "$$new.rollId", "basis": "$$new.basis"}]}
    newer = {"$gt": [{"$ifNull": ["$basis", 0]}, "$$new.basis"]}
    chosen = {"$cond": [newer, "$$ROOT", {"$cond": [same, touched, "$$new"]}]}
    return {"$merge": {"into": into, "whenMatched": [{"$replaceWith": chosen}], "whenNotMatched": "insert"}}


def _blank() -> Document:
    return dict.fromkeys(STAMPS)


def _remove(target: Collection[Document], stale: Mapping[str, str | None]) -> list[str]:
    """Remove documents that this roll-up did not produce, unless another one wrote them meanwhile."""
    by_roll: dict[str | None, list[str]] = {}
    for key, roll_id in stale.items():
        by_roll.setdefault(roll_id, []).append(key)
    for roll_id, keys in by_roll.items():
        for batch in batched(keys, _BATCH):
            target.delete_many({"_id": {"$in": batch}, "rollId": roll_id})
    return list(stale)
