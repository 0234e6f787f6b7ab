"""Rolling periods: claim the marks, compute inside MongoDB, write, settle, and say what follows."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import uuid4

from metrics.aggregation.accounts import account_stages
from metrics.aggregation.subjects import merge_days
from metrics.clock import utcnow
from metrics.documents import AggregatedDocument
from metrics.errors import InvalidInput
from metrics.periods import PERIODS, Period, period_end, period_start
from metrics.store import Store
from metrics.store.errors import mongo_errors
from pipelines.rollup import heal
from pipelines.rollup.daily import day_stages
from pipelines.rollup.opening import openings
from pipelines.rollup.write import Target, Written, write

Announce = Callable[[str, Sequence[AggregatedDocument]], None]


@dataclass
class RollReport:
    """What a roll came to; `touched` are the periods that have to be rolled in turn."""

    period: Period
    periods: int = 0
    workspaces: int = 0
    subjects: int = 0
    accounts: int = 0
    replaced: int = 0
    removed: int = 0
    unchanged: int = 0
    seconds: float = 0.0
    by_status: Counter[str] = field(default_factory=Counter)
    touched: list[tuple[str, Period, datetime]] = field(default_factory=list)

    def summary(self) -> str:
        """Return one line for a log."""
        return (
            f"{self.period}: {self.periods} periods of {self.workspaces} workspaces, {self.accounts} account rollups, "
            f"{self.replaced} changed, {self.removed} removed, {self.seconds:.2f} s"
        )


def roll(
    store: Store,
    period: Period,
    starts: Sequence[datetime],
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    now: datetime | None = None,
    announce: Announce | None = None,
) -> RollReport:
    """Roll up periods of all workspaces, or of those named, and return what came of it.

    The same observations give the same documents, in whatever order and however often they are rolled. `announce` gets
    the account rollups that changed, after they were written.

    Raises:
        InvalidInput: a start is not the start of a period, or lies in the future.
        MongoUnavailable: MongoDB does not answer; roll again.
    """
    now = now or utcnow()
    started = time.monotonic()
    for start in starts:
        _check(period, start, now)
    workspaces = list(workspace_ids) if workspace_ids is not None else store.accounts.workspaces()
    report = RollReport(period, periods=len(set(starts)), workspaces=len(workspaces))
    with mongo_errors():
        for workspace_id in workspaces:
            for start in sorted(set(starts)):
                _Roll(store, period, start, workspace_id, run_id, now, report, announce).run()
    report.seconds = time.monotonic() - started
    return report


def _check(period: Period, start: datetime, now: datetime) -> None:
    if period not in PERIODS:
        raise InvalidInput(f"period: {period} is none of {', '.join(PERIODS)}", "period")
    if period_start(period, start) != start:
        raise InvalidInput(f"{start:%Y-%m-%d %H:%M} is not the start of a {period} period", "date")
    if start > now:
        raise InvalidInput(f"the {period} period of {start:%Y-%m-%d} has not begun", "date")


@dataclass
class _Roll:
    store: Store
    period: Period
    start: datetime
    workspace_id: str
    run_id: str
    now: datetime
    report: RollReport
    announce: Announce | None

    def run(self) -> None:
        """Roll one period of one workspace."""
        claims = self.store.marks.claim(self.period, [self.start], [self.workspace_id])
        end = period_end(self.period, self.start)
        basis = self.store.marks.touched(self.workspace_id, self.period, self.start)
        at = Target(self.workspace_id, self.period, self.start, end, uuid4().hex, self.run_id, basis, self.now)
        subjects = self._daily(at) if self.period == "daily" else self._merged(at)
        accounts = write(
            self.store.rollups.subjects,
            [{"$match": at.query}, *account_stages(self.period, self.start, end, self.now)],
            self.store.rollups.accounts,
            at,
            "accountId",
        )
        self._follow_up(subjects)
        self._announce(at, accounts)
        self.store.marks.settle(claims)
        self._count(at, subjects, accounts)

    def _daily(self, at: Target) -> Written:
        _, found = openings(self.store, at.workspace_id, at.start, min(at.end, self.now))
        stages = day_stages(at.workspace_id, at.start, found, self.now)
        return write(self.store.db["metrics"], stages, self.store.rollups.subjects, at, "subjectId")

    def _merged(self, at: Target) -> Written:
        stages = merge_days(at.start, at.end, {"workspaceId": at.workspace_id})
        return write(self.store.rollups.subjects, stages, self.store.rollups.subjects, at, "subjectId")

    def _follow_up(self, subjects: Written) -> None:
        """After a day changed: mark its week, its month, and the next observed day that no longer fits to it."""
        if self.period != "daily" or not (subjects.changed or subjects.removed):
            return
        changed = [key.split("|")[0] for key in (*subjects.changed, *subjects.removed)]
        later = heal.next_observed_days(self.store, self.workspace_id, self.start, changed)
        touched: list[tuple[str, Period, datetime]] = [
            *((self.workspace_id, period, start) for period, start in heal.upward(self.start)),
            *((self.workspace_id, cast("Period", "daily"), day) for day in sorted(later)),
        ]
        self.store.marks.touch(touched)
        self.report.touched += touched

    def _announce(self, at: Target, accounts: Written) -> None:
        if self.announce is None or not accounts.changed:
            return
        found = self.store.rollups.accounts.find({"_id": {"$in": accounts.changed}}).sort("accountId", 1)
        self.announce(at.workspace_id, cast("list[AggregatedDocument]", list(found)))

    def _count(self, at: Target, subjects: Written, accounts: Written) -> None:
        report = self.report
        report.subjects += subjects.documents
        report.accounts += accounts.documents
        report.replaced += len(subjects.changed) + len(accounts.changed)
        report.removed += len(subjects.removed) + len(accounts.removed)
        report.unchanged += subjects.documents + accounts.documents - len(subjects.changed) - len(accounts.changed)
        by_status = self.store.rollups.accounts.aggregate(
            [{"$match": at.query}, {"$group": {"_id": "$status", "n": {"$sum": 1}}}]
        )
        report.by_status.update({row["_id"]: row["n"] for row in by_status})
