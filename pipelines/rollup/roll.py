"""Roll up periods: claim their marks, aggregate inside MongoDB, write, mark affected periods, announce, settle."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import cast
from uuid import uuid4

from metrics.aggregation.accounts import account_stages
from metrics.aggregation.subjects import merge_days
from metrics.batches import batched
from metrics.calendars import Calendar, Span
from metrics.calendars.workspace import FARTHEST_AHEAD, WorkspaceCalendar
from metrics.clock import utcnow
from metrics.documents import AggregatedDocument, Document
from metrics.errors import InvalidInput, RedisUnavailable
from metrics.expected import Connection
from metrics.periods import HOUR, PERIODS, Period, midnight, period_start
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.roll_marks import Touched
from metrics.store.rollup.rollups import derived_by
from metrics.store.setup.namespaces import OWN
from metrics.upkeep.erase import take_back
from metrics.upkeep.retention import Horizon
from metrics.warehouse.marking import mark_changed
from pipelines.rollup.affected_periods import affected_periods, next_observed_days
from pipelines.rollup.daily import day_stages
from pipelines.rollup.opening import openings
from pipelines.rollup.staged import staged_openings
from pipelines.rollup.write import Source, Target, Written, write

_BATCH = 25
"""Workspaces per batch. A batch claims and settles its marks at once, and has one aggregation per calendar: parsing a
pipeline takes MongoDB as long as reading a small workspace."""
_THREADS = 2

Announce = Callable[[str, Sequence[AggregatedDocument]], None]


@dataclass
class RollReport:
    """The report of a roll-up; `touched` are the periods that have to be rolled up because of it."""

    period: Period
    periods: int = 0
    workspaces: int = 0
    subjects: int = 0
    accounts: int = 0
    replaced: int = 0
    removed: int = 0
    unchanged: int = 0
    left_as_they_are: set[str] = field(default_factory=set)
    """Workspaces with a rollup that was kept, because its observations or daily rollups are no longer kept."""
    seconds: float = 0.0
    expected_slots: int = 0
    observed_slots: int = 0
    """How many of the `expected_slots` were observed: hours of connected accounts, days of watched ones."""
    by_status: Counter[str] = field(default_factory=Counter)
    touched: list[Touched] = field(default_factory=list)

    @property
    def coverage_percent(self) -> float:
        """Percentage of the accounts' expected slots that were observed; 100 if none was expected."""
        return round(100 * self.observed_slots / self.expected_slots, 2) if self.expected_slots else 100.0

    def summary(self) -> str:
        """Return one line for a log."""
        left = f", {len(self.left_as_they_are)} left as they are (no longer derivable)" if self.left_as_they_are else ""
        return (
            f"{self.period}: {self.periods} periods of {self.workspaces} workspaces, {self.accounts} account rollups, "
            f"{self.replaced} changed, {self.removed} removed{left}, {self.seconds:.2f} s"
        )


def roll(
    store: Store,
    period: Period,
    starts: Sequence[datetime],
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    horizon: Horizon | None = None,
    now: datetime | None = None,
    announce: Announce | None = None,
    calendars: Mapping[str, WorkspaceCalendar] | None = None,
    settle: bool = True,
) -> RollReport:
    """Roll up periods of all workspaces, or of those given, and return a report.

    `starts` are those of partitions. Each workspace has its own calendar, and rolls up its day of the partition's date,
    its week that holds the partition's Monday, or its month. A workspace that prepares another calendar rolls up the
    period in both; `calendars` replaces the calendars of the store. Without `settle`, no mark is read or made: neither
    roll-ups nor exports follow.

    This is idempotent: the same observations give the same documents, in whatever order and however often they are
    rolled up. `announce` is called with the account rollups that changed, after they were written. Periods before the
    `horizon` are not changed.

    Raises:
        InvalidInput: a start is not the start of a period, or lies in the future.
        MongoUnavailable: MongoDB does not answer; roll up again.
    """
    now = now or utcnow()
    started = time.monotonic()
    for start in starts:
        _check(period, start, now)
    workspaces = sorted(set(workspace_ids)) if workspace_ids is not None else store.accounts.workspaces()
    report = RollReport(period, periods=len(set(starts)), workspaces=len(workspaces))
    lock = Lock()

    def work(batch: list[str]) -> None:
        connections = store.accounts.connections_by_workspace(batch)
        # The days of a workspace must be in order: each opens where the one before closed.
        for start in sorted(set(starts)):
            _Roll(
                store, period, start, batch, known, connections, run_id, now, horizon, report, announce, settle, lock
            ).run()

    with mongo_errors(), ThreadPoolExecutor(_THREADS, thread_name_prefix="roll") as pool:
        known = calendars or store.calendars.of(workspaces)
        list(pool.map(work, _batches(known)))
    report.seconds = time.monotonic() - started
    return report


def _batches(calendars: Mapping[str, WorkspaceCalendar]) -> list[list[str]]:
    """Divide workspaces into batches; those of one calendar are together, because one aggregation rolls them up."""
    groups: dict[Calendar, list[str]] = {}
    for workspace_id, known in calendars.items():
        groups.setdefault(known.current, []).append(workspace_id)
    batches: list[list[str]] = []
    for part in [part for group in groups.values() for part in batched(group, _BATCH)]:
        if batches and len(batches[-1]) + len(part) <= _BATCH:
            batches[-1] += part
        else:
            batches.append(list(part))
    return batches


def _check(period: Period, start: datetime, now: datetime) -> None:
    if period not in PERIODS:
        raise InvalidInput(f"period: {period} is none of {', '.join(PERIODS)}", "period")
    begins = period_start(period, start)
    if begins != start:
        raise InvalidInput(
            f"{start:%Y-%m-%d %H:%M} is not the start of a {period} period: the one around it starts {begins:%Y-%m-%d}",
            "date",
        )
    if start > now + FARTHEST_AHEAD[period]:
        newest = period_start(period, now)
        raise InvalidInput(
            f"the {period} period of {start:%Y-%m-%d} has not begun: the newest is {newest:%Y-%m-%d}", "date"
        )


@dataclass(frozen=True, slots=True)
class _Rolled:
    """What was written of one calendar."""

    calendar: Calendar
    at: Target
    subjects: Written
    accounts: Written


def _export_days(rolled: Sequence[_Rolled], start: datetime) -> list[datetime]:
    """Return the days to export again: the date that was rolled up, and the UTC dates of its observations."""
    bounds = [each.at.span.bounds for each in rolled]
    dates = {day for first, end in bounds for day in (first.date(), (end - HOUR).date())}
    return [midnight(day) for day in sorted({start.date(), *dates})]


@dataclass
class _Roll:
    """One partition of a few workspaces; `lock` guards the report and the announcements that batches share."""

    store: Store
    period: Period
    start: datetime
    workspace_ids: list[str]
    calendars: Mapping[str, WorkspaceCalendar]
    connections: Mapping[str, Sequence[Connection]]
    run_id: str
    now: datetime
    horizon: Horizon | None
    report: RollReport
    announce: Announce | None
    settle: bool
    lock: Lock

    def run(self) -> None:
        """Claim the marks, roll up the period in each calendar of the workspaces, and settle the marks."""
        claims = self.store.marks.claim(self.period, [self.start], self.workspace_ids) if self.settle else []
        basis = self.store.marks.touched(self.workspace_ids, self.period, self.start)
        since = {claim.workspace_id: claim.newest for claim in claims}
        calendars, targets = list[Calendar](), list[Target]()
        for calendar, span, workspace_ids in self._spans():
            calendars.append(calendar)
            targets.append(
                Target(
                    workspace_ids,
                    self.period,
                    span,
                    calendar.version,
                    uuid4().hex,
                    self.run_id,
                    {workspace_id: basis[workspace_id] for workspace_id in workspace_ids},
                    self.now,
                    utcnow(),
                    {one: newest for one, newest in since.items() if one in workspace_ids},
                )
            )
        subjects, accounts = self._write(targets)
        rolled = [_Rolled(*one) for one in zip(calendars, targets, subjects, accounts, strict=True)]
        # If an account was erased meanwhile, delete its rollups again, which come from what had been read before.
        take_back(self.store, [one.account_id for some in self.connections.values() for one in some])
        self._follow_up(rolled)
        self.store.marks.settle(claims)

    def _spans(self) -> Iterator[tuple[Calendar, Span, list[str]]]:
        """Yield each calendar with its period and the workspaces that roll it up.

        Left out are periods that have not begun there, dates that a time zone skipped, and periods before the horizon.
        """
        groups: dict[Calendar, list[str]] = {}
        for workspace_id in self.workspace_ids:
            for calendar in self.calendars[workspace_id].kept:
                groups.setdefault(calendar, []).append(workspace_id)
        for calendar, workspace_ids in groups.items():
            span = calendar.span(self.period, self.start.date())
            if span.empty or span.start > self.now:
                continue
            old = {w for w in workspace_ids if self.horizon and span.start < self.horizon.derivable(w, self.period)}
            if old:
                with self.lock:
                    self.report.left_as_they_are.update(old)
            if chosen := [workspace_id for workspace_id in workspace_ids if workspace_id not in old]:
                yield calendar, span, chosen

    def _write(self, targets: Sequence[Target]) -> tuple[list[Written], list[Written]]:
        """Compute and write the rollups of subjects, and from these the ones of accounts."""
        with ExitStack() as staged:
            of_subjects = [self._of_subjects(at, staged) for at in targets]
            subjects = write(of_subjects, self.store.rollups.subjects, "subjectId")
        of_accounts = [self._of_accounts(at) for at in targets]
        return subjects, write(of_accounts, self.store.rollups.accounts, "accountId")

    def _follow_up(self, rolled: Sequence[_Rolled]) -> None:
        """Mark what follows from the rollups that changed, and announce them."""
        touched = [one for each in rolled for one in self._affected_periods(each)]
        self.store.marks.touch(touched)
        states, changed = self._states(rolled), set[str]()
        with self.lock:
            for each in rolled:
                answering = {w for w in each.at.workspace_ids if self.calendars[w].current == each.calendar}
                changed |= answering & (
                    each.at.since.keys() | each.subjects.unsettled.keys() | each.accounts.unsettled.keys()
                )
                self._announce(each.accounts, answering)
            self._count(rolled, states)
            self.report.touched += touched
        if self.period == "daily" and self.settle:
            for day in _export_days(rolled, self.start):
                self.store.exports.touch(changed, day)
                if self.store.names is OWN:
                    mark_changed(self.store, changed, day)

    def _of_subjects(self, at: Target, staged: ExitStack) -> Source:
        """Return what makes documents of subjects; `staged` is closed when they are written."""
        start, end = at.span.bounds
        if self.period != "daily":
            scope = {"workspaceId": {"$in": list(at.workspace_ids)}, **derived_by(at.version)}
            return Source(at, self.store.rollups.aggregate_subjects, merge_days(start, end, scope))
        found = openings(self.store, at.workspace_ids, start, min(end, self.now))
        rows = staged.enter_context(staged_openings(self.store, found, at.roll_id))
        connections = self._connections(at)
        day, public = self.start.date(), self.store.names.public
        stages = day_stages(at.workspace_ids, day, (start, end), rows, connections, self.now, public=public)
        return Source(at, self.store.observations.aggregate, stages)

    def _of_accounts(self, at: Target) -> Source:
        names = self.store.names
        stages = account_stages(self.period, *at.span.bounds, self._connections(at), self.now, names)
        return Source(at, self.store.rollups.aggregate_subjects, [{"$match": at.query}, *stages])

    def _connections(self, at: Target) -> list[Connection]:
        return [one for workspace_id in at.workspace_ids for one in self.connections[workspace_id]]

    def _affected_periods(self, rolled: _Rolled) -> list[Touched]:
        """Return, if days changed, their week, their month, and the next observed days that no longer fit to them."""
        if self.period != "daily" or not self.settle:
            return []
        touched: list[Touched] = []
        for workspace_id, keys in rolled.subjects.unsettled.items():
            changed = [key.rsplit("|", 2)[0] for key in keys]
            later = next_observed_days(self.store, workspace_id, rolled.calendar, rolled.at.span.start, changed)
            follows = affected_periods(rolled.calendar, {self.start.date(), *later})
            touched += [
                (workspace_id, period, start)
                for period, starts in follows.items()
                for start in starts
                if (period, start) != ("daily", self.start)
            ]
        return touched

    def _announce(self, accounts: Written, answering: Collection[str]) -> None:
        """Announce changed rollups, except those of a calendar that does not answer reads yet."""
        if self.announce is None:
            return
        waiting = {w: keys for w, keys in sorted(accounts.unsettled.items()) if w in answering}
        try:
            for workspace_id in list(waiting):
                found = self.store.rollups.accounts.find({"_id": {"$in": waiting[workspace_id]}}).sort("accountId", 1)
                documents = cast("list[AggregatedDocument]", list(found))
                if documents:
                    self.announce(workspace_id, documents)
                del waiting[workspace_id]
        except RedisUnavailable:
            self._announce_later(waiting)
            raise

    def _announce_later(self, waiting: Mapping[str, list[str]]) -> None:
        """Let the next roll-up announce what this one could not.

        It will find nothing changed, but announces rollups that are newer than the mark that it claims.
        """
        self.store.marks.touch((workspace_id, self.period, self.start) for workspace_id in waiting)
        keys = [key for keys in waiting.values() for key in keys]
        self.store.rollups.accounts.update_many(
            {"_id": {"$in": keys}}, {"$set": {"changedAt": utcnow() + timedelta(seconds=1)}}
        )

    def _count(self, rolled: Sequence[_Rolled], states: Sequence[Document]) -> None:
        report = self.report
        for each in rolled:
            report.subjects += each.subjects.documents
            report.accounts += each.accounts.documents
            report.replaced += len(each.subjects.changed) + len(each.accounts.changed)
            report.removed += len(each.subjects.removed) + len(each.accounts.removed)
            report.unchanged += each.subjects.documents + each.accounts.documents
            report.unchanged -= len(each.subjects.changed) + len(each.accounts.changed)
        report.by_status.update({row["_id"]: row["n"] for row in states})
        report.expected_slots += sum(row["expected"] for row in states)
        report.observed_slots += sum(row["observed"] for row in states)

    def _states(self, rolled: Sequence[_Rolled]) -> list[Document]:
        """Return, by status, the number of account rollups with the sums of their coverage."""
        if not rolled:
            return []
        counted = zip(("expected", "observed"), self.store.names.coverage, strict=True)
        sums = {name: {"$sum": f"$coverage.{field}"} for name, field in counted}
        found = {"$match": {"$or": [each.at.query for each in rolled]}}
        return list(
            self.store.rollups.accounts.aggregate([found, {"$group": {"_id": "$status", "n": {"$sum": 1}, **sums}}])
        )
