"""Compare the stored rollups with the log: derive them again into temporary collections, and list the differences."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from pymongo.collection import Collection

from metrics.calendars import Calendar
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.clock import utcnow
from metrics.documents import Document
from metrics.periods import Period, midnight, period_end, starts_between
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import derived_by
from metrics.upkeep.retention import OPENING_LEAD, Horizon
from pipelines.rollup.rebuild import Derivable, Progress, derivable, roll_all, steps
from pipelines.rollup.write import STAMPS

_TOLERANCE = 1e-9


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
class ComparisonReport:
    """The result of a comparison of stored rollups with the log.

    `compared` counts the stored rollups. `waiting` are the differences of periods that the pipeline will roll up again
    by itself, because observations came after their last roll-up; all other differences are in `differences`.
    `before_log` counts days of which nothing is compared: they are before a workspace's first observation, or before
    the horizon.
    """

    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    waiting: list[Difference] = field(default_factory=list)
    before_log: int = 0


@dataclass(frozen=True, slots=True)
class _Scope:
    """One period of one workspace, by the start of its partition."""

    workspace_id: str
    period: Period
    start: datetime

    def query(self, calendar: Calendar) -> Document:
        """Return the query for the rollups of the period in a calendar."""
        start = calendar.span(self.period, self.start.date()).start
        found = {"workspaceId": self.workspace_id, "period": self.period, "periodStart": start}
        return {**found, **derived_by(calendar.version)}


def compare_with_log(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    horizon: Horizon | None = None,
    now: datetime | None = None,
    progress: Progress = lambda _done, _total: None,
) -> ComparisonReport:
    """Compare the rollups of the ended days in `[start, end)`, and of the weeks and months that overlap them.

    No stored rollup is changed. The pipeline may collect and roll up meanwhile: a difference of a period that waited to
    be rolled up at any time of the comparison is listed as waiting. A period also waits while one of the days before it
    waits from which it may take its opening values (`OPENING_LEAD`).

    Raises:
        InvalidInput: the range is empty, or begins in the future.
        MongoUnavailable: MongoDB does not answer; compare again.
    """
    began = utcnow()
    now = now or began
    report = ComparisonReport()
    found: list[tuple[_Scope, Difference]] = []
    with mongo_errors():
        groups = derivable(store, start, end, workspace_ids, horizon, now)
        step = steps(groups, progress)
        for group in groups:
            report.before_log += group.left
            for scope, have, differences in _compare_group(store, group, start, run_id, now, step):
                report.compared += have
                found += ((scope, difference) for difference in differences)
        waiting = _waiting(store, {scope for scope, _ in found}, began)
    for scope, difference in found:
        (report.waiting if scope in waiting else report.differences).append(difference)
    return report


def _compare_group(
    store: Store, group: Derivable, start: datetime, run_id: str, now: datetime, step: Callable[[], None]
) -> Iterator[tuple[_Scope, int, list[Difference]]]:
    """Derive the ended periods of a group, and yield, per scope, the number of stored rollups and the differences."""
    calendar = group.calendar
    ended = {
        period: [s for s in starts if calendar.span(period, s.date()).end <= now]
        for period, starts in group.starts.items()
    }
    dates = [(period, at.date()) for period, some in ended.items() for at in some]
    if not dates:
        return
    first = group.first or start
    earliest = midnight(min(calendar.first_date(period, day) for period, day in dates))
    last = midnight(max(calendar.next_date(period, day) for period, day in dates))
    days = list(starts_between("daily", max(first, earliest), last))
    shadow = replace(store, prefix=f"check_{uuid4().hex[:8]}_")
    collections = (shadow.rollups.subjects, shadow.rollups.accounts)
    try:
        for collection in collections:
            collection.create_index([("workspaceId", 1), ("period", 1), ("periodStart", 1)])
        shadow.rollups.subjects.create_index([("subjectId", 1), ("period", 1), ("periodStart", 1)])
        # Days before the log cannot be derived: copy their rollups, because their weeks and months need them.
        older = {
            "workspaceId": {"$in": group.workspaces},
            "period": "daily",
            "periodStart": {"$lt": calendar.span("daily", first.date()).start},
            **derived_by(calendar.version),
        }
        store.rollups.subjects.aggregate([{"$match": older}, {"$merge": {"into": shadow.rollups.subjects.name}}])
        alone = dict.fromkeys(group.workspaces, WorkspaceCalendar(calendar))
        roll_all(shadow, {**ended, "daily": days}, group.workspaces, run_id, None, now, step, alone)
        for period, some in ended.items():
            for scope in (_Scope(workspace_id, period, at) for at in some for workspace_id in group.workspaces):
                for stored, derived in zip((store.rollups.subjects, store.rollups.accounts), collections, strict=True):
                    yield scope, *_compare(stored, derived, scope.query(calendar))
    finally:
        for name in (*store.names.rollups, *store.names.marks):
            store.db.drop_collection(f"{shadow.prefix}{name}")


def _waiting(store: Store, scopes: set[_Scope], began: datetime) -> set[_Scope]:
    """Return the scopes of which a roll-up was due at any time since `began`."""
    marks = store.marks.waiting_since(sorted({scope.workspace_id for scope in scopes}), began)
    marked = {_Scope(*mark) for mark in marks}
    days: dict[str, list[datetime]] = {}
    for mark in marked:
        if mark.period == "daily":
            days.setdefault(mark.workspace_id, []).append(mark.start)

    def waits(scope: _Scope) -> bool:
        first, end = scope.start - OPENING_LEAD, period_end(scope.period, scope.start)
        return scope in marked or any(first <= day < end for day in days.get(scope.workspace_id, ()))

    return {scope for scope in scopes if waits(scope)}


def _compare(
    stored: Collection[Document], derived: Collection[Document], query: Document
) -> tuple[int, list[Difference]]:
    have = {row["_id"]: row for row in stored.find(query)}
    want = {row["_id"]: row for row in derived.find(query)}
    found = []
    for key in sorted(have.keys() | want.keys()):
        if key not in have:
            found.append(Difference(stored.name, key, "missing"))
        elif key not in want:
            found.append(Difference(stored.name, key, "unexpected"))
        elif fields := tuple(_differing(_without_stamps(have[key]), _without_stamps(want[key]))):
            found.append(Difference(stored.name, key, "different", fields))
    return len(have), found


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
