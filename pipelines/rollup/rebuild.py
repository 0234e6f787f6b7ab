"""Rebuild rollups from the log: replace the stored ones, or derive them separately and compare."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, count
from typing import Any, Literal
from uuid import uuid4

from pymongo.collection import Collection

from metrics.clock import utcnow
from metrics.documents import Document
from metrics.errors import InvalidInput
from metrics.periods import PERIODS, Period, midnight, period_end, starts_between
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.upkeep.retention import Horizon
from pipelines.rollup.roll import RollReport, roll
from pipelines.rollup.write import STAMPS

_TOLERANCE = 1e-9

Progress = Callable[[int, int], None]
"""Called with the number of derived periods, and their total."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A rollup that differs from what the log gives; `fields` are the paths of the differing values."""

    collection: str
    id: str
    kind: Literal["missing", "unexpected", "different"]
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.collection} {self.id}: {self.kind} {', '.join(self.fields)}".rstrip()


@dataclass
class RebuildReport:
    """The report of a rebuild. With `check`, `compared` documents were compared and none was changed."""

    check: bool
    rolls: list[RollReport] = field(default_factory=list)
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    before_log: int = 0
    """Days whose rollups were kept: they are before a workspace's first observation, or before the horizon."""

    @property
    def changed(self) -> int:
        """How many documents were replaced or removed."""
        return 0 if self.check else sum(report.replaced + report.removed for report in self.rolls)


def rebuild(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    horizon: Horizon | None = None,
    check: bool = False,
    now: datetime | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RebuildReport:
    """Derive all rollups of the days in `[start, end)` again, and of the weeks and months that overlap them.

    With `check`, no stored rollup is changed: the rollups of ended periods are derived into temporary collections and
    compared with the stored ones. Rollups of days before a workspace's first observation, or before the `horizon`, are
    kept.

    Raises:
        InvalidInput: the range is empty, or begins in the future.
        MongoUnavailable: MongoDB does not answer; rebuild again.
    """
    now = now or utcnow()
    if start >= end:
        raise InvalidInput(
            f"{start:%Y-%m-%d} to {end:%Y-%m-%d} is no range of days: the first day comes before the end", "from"
        )
    if start > now:
        raise InvalidInput(f"{start:%Y-%m-%d} has not begun: today is {now:%Y-%m-%d}", "from")
    report = RebuildReport(check)
    with mongo_errors():
        plans = [
            (workspaces, first, _plan(start, min(end, now), first))
            for workspaces, first in _by_first_day(store, workspace_ids, horizon)
        ]
        total = sum(len(starts) for _, _, plan in plans for starts in plan.values())
        done = count(1)

        def step() -> None:
            progress(min(next(done), total), total)

        for workspaces, first, plan in plans:
            skipped = (max(first, start) - start).days if first else (end - start).days
            report.before_log += len(workspaces) * min(skipped, (end - start).days)
            if check:
                _check(store, plan, workspaces, first or start, run_id, now, report, step)
            else:
                report.rolls += _roll(store, plan, workspaces, run_id, horizon, now, step)
    return report


def _by_first_day(
    store: Store, workspace_ids: Sequence[str] | None, horizon: Horizon | None
) -> list[tuple[list[str], datetime | None]]:
    """Group workspaces by the first day that the log covers completely."""
    groups: dict[datetime | None, list[str]] = {}
    for workspace_id in store.accounts.workspaces() if workspace_ids is None else sorted(set(workspace_ids)):
        oldest = store.observations.oldest_slot(workspace_id)
        first = midnight(oldest.date()) if oldest else None
        if first and horizon:
            first = max(first, horizon.derivable(workspace_id, "daily"))
        groups.setdefault(first, []).append(workspace_id)
    return [(workspaces, first) for first, workspaces in groups.items()]


def _plan(start: datetime, end: datetime, first: datetime | None) -> dict[Period, list[datetime]]:
    """Return the starts of the periods to roll up, by period."""
    if first is None or first >= end:
        return {}
    low = max(start, first)
    return {period: list(starts_between(period, low, end)) for period in PERIODS}


def _roll(
    store: Store,
    plan: Mapping[Period, list[datetime]],
    workspaces: list[str],
    run_id: str,
    horizon: Horizon | None,
    now: datetime,
    step: Callable[[], None],
) -> list[RollReport]:
    reports = []
    for period, starts in plan.items():
        for start in starts:
            reports.append(
                roll(store, period, [start], run_id=run_id, workspace_ids=workspaces, horizon=horizon, now=now)
            )
            step()
    return reports


def _check(
    store: Store,
    plan: Mapping[Period, list[datetime]],
    workspaces: list[str],
    first: datetime,
    run_id: str,
    now: datetime,
    report: RebuildReport,
    step: Callable[[], None],
) -> None:
    ended = {p: [s for s in starts if period_end(p, s) <= now] for p, starts in plan.items()}
    starts = list(chain.from_iterable(ended.values()))
    if not starts:
        return
    last = max(period_end(period, start) for period, some in ended.items() for start in some)
    days = list(starts_between("daily", max(first, min(starts)), last))
    shadow = replace(store, prefix=f"check_{uuid4().hex[:8]}_")
    collections = (shadow.rollups.subjects, shadow.rollups.accounts)
    try:
        for collection in collections:
            collection.create_index([("workspaceId", 1), ("period", 1), ("periodStart", 1)])
        shadow.rollups.subjects.create_index([("subjectId", 1), ("period", 1), ("periodStart", 1)])
        # Days before the log cannot be derived: copy their rollups, because their weeks and months need them.
        older = {"workspaceId": {"$in": workspaces}, "period": "daily", "periodStart": {"$lt": first}}
        store.rollups.subjects.aggregate([{"$match": older}, {"$merge": {"into": shadow.rollups.subjects.name}}])
        report.rolls += _roll(shadow, {**ended, "daily": days}, workspaces, run_id, None, now, step)
        for query in _queries(ended, workspaces):
            for stored, derived in zip((store.rollups.subjects, store.rollups.accounts), collections, strict=True):
                _compare(stored, derived, query, report)
    finally:
        for name in ("subject_rollups", "aggregated_metrics", "roll_marks", "export_marks"):
            store.db.drop_collection(f"{shadow.prefix}{name}")


def _queries(plan: Mapping[Period, list[datetime]], workspaces: list[str]) -> Iterator[Document]:
    for period, starts in plan.items():
        for start in starts:
            for workspace_id in workspaces:
                yield {"workspaceId": workspace_id, "period": period, "periodStart": start}


def _compare(
    stored: Collection[Document], derived: Collection[Document], query: Document, report: RebuildReport
) -> None:
    have = {row["_id"]: row for row in stored.find(query)}
    want = {row["_id"]: row for row in derived.find(query)}
    report.compared += len(have)
    for key in sorted(have.keys() | want.keys()):
        if key not in have:
            report.differences.append(Difference(stored.name, key, "missing"))
        elif key not in want:
            report.differences.append(Difference(stored.name, key, "unexpected"))
        elif fields := tuple(_differing(_without_stamps(have[key]), _without_stamps(want[key]))):
            report.differences.append(Difference(stored.name, key, "different", fields))


def _without_stamps(row: Document) -> Document:
    return {name: value for name, value in row.items() if name not in STAMPS}


def _differing(have: Any, want: Any, path: str = "") -> Iterator[str]:
    if isinstance(have, dict) and isinstance(want, dict):
        for name in sorted(have.keys() | want.keys()):
            yield from _differing(have.get(name), want.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(have, float) and isinstance(want, float):
        if not math.isclose(have, want, rel_tol=_TOLERANCE):
            yield path
    elif have != want:
        yield path
