"""Find the anomalies of a day, as far as it has ended: derive nets, judge series, compare with what is stored."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from logging import getLogger
from typing import get_args

import numpy as np

from metrics.anomalies import AnomalyDocument, Change, Evidence, Grain, Refusal, WatchedSeries
from metrics.batches import batched
from metrics.calendars import Calendar
from metrics.documents import ConnectedState
from metrics.expected import Connection
from metrics.periods import DAY, HOUR, WEEK, slot_of
from metrics.store import Store
from metrics.upkeep.erase import take_back
from pipelines.insights.anomalies.carriers import carrying_posts
from pipelines.insights.anomalies.collection import Observed, collection_anomalies
from pipelines.insights.anomalies.daily import NEWEST, JudgedDays, judged_days
from pipelines.insights.anomalies.days import HISTORY_DAYS
from pipelines.insights.anomalies.describe import Finding, days_before, hours_before
from pipelines.insights.anomalies.episodes import of_hours
from pipelines.insights.anomalies.hours import HISTORY_WEEKS, judge_weeks
from pipelines.insights.anomalies.nets import (
    JUDGED_WEEKS,
    NetSeries,
    derive_nets,
    read_nets,
    refusals,
    watched_days,
)
from pipelines.insights.anomalies.platforms import platform_wide
from pipelines.insights.anomalies.reconcile import Window, reconciled
from pipelines.insights.anomalies.smoothing import Bools, Floats
from pipelines.insights.anomalies.telling import Announce, tell
from pipelines.insights.known_days import RECENT_DAYS, KnownDays, known_days

log = getLogger(__name__)

_ACCOUNTS = 50
"""Accounts whose series are in memory at the same time."""
_LOOK_BACK = timedelta(days=14)
"""Hours are judged at least so far back, so that an anomaly is the same from each of its days."""
_KNOWN_BACK = (HISTORY_WEEKS + JUDGED_WEEKS) * WEEK + timedelta(days=RECENT_DAYS + 1)
"""Days are known so far back, that those before all hours and days that are read count as well."""
_SIMILAR = 5


@dataclass(slots=True)
class FoundReport:
    """What a run did: numbers of accounts, of watched series, of refusals by reason, and of changes by kind."""

    workspaces: int = 0
    accounts: int = 0
    watched: int = 0
    failed: int = 0
    days: bool = False
    refused: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the numbers in a line."""
        changed = ", ".join(f"{count} {change}" for change, count in sorted(self.changes.items())) or "nothing new"
        return (
            f"{changed}; {self.watched} series of {self.accounts} accounts in {self.workspaces} workspaces watched, "
            f"{self.refused.total()} refused; {self.failed} batches failed"
        )


@dataclass(frozen=True, slots=True)
class _Workspace:
    """A day of a workspace, and the run that looks at it. `days` tells whether the workspace's own day has ended."""

    store: Store
    finding: Finding
    calendar: Calendar
    day: datetime
    budget: float
    known: KnownDays

    @property
    def end(self) -> datetime:
        """The end of the hours of the UTC day that have ended."""
        return min(self.day + DAY, slot_of(self.finding.now))

    @property
    def own_day(self) -> tuple[datetime, datetime]:
        """The workspace's day of the same date."""
        return self.calendar.span("daily", self.day.date()).bounds

    @property
    def days(self) -> bool:
        first, end = self.own_day
        return first < end <= self.finding.now

    def hours_of(self, series: NetSeries, accounts: Mapping[str, Connection]) -> Iterator[AnomalyDocument]:
        """Yield the anomalies of hours of the newest weeks."""
        scores = judge_weeks(series.counts, JUDGED_WEEKS, self.budget, self._left_out(series))
        watched = replace(scores, score=scores.score * watched_days(series.counts, JUDGED_WEEKS))
        first = series.column(self.day - _LOOK_BACK)
        for row, (account_id, metric) in enumerate(series.names):
            for one in of_hours(watched, series.counts, row):
                if one.end > first:
                    history = hours_before(series.begin, series.counts[row], one.end)
                    bounds = series.instant(one.first), series.instant(one.end)
                    yield self.finding.of_account(accounts[account_id], metric, "hour", one, bounds, history)

    def _left_out(self, series: NetSeries) -> Bools | None:
        """Return for each hour of series whether it is kept out of what is usual; None if no hour is."""
        if not self.known.ranges:
            return None
        first = self.calendar.date_of(series.begin)
        days = (self.day.date() - first).days + 2
        by_account: dict[str, list[tuple[int, int]]] = {}
        found = np.zeros(series.counts.shape, dtype=np.bool_)
        for row, (account_id, _) in enumerate(series.names):
            if account_id not in by_account:
                known = np.flatnonzero(self.known.left_out(account_id, first, days)).tolist()
                by_account[account_id] = [self._columns(series, first + timedelta(days=day)) for day in known]
            for begin, end in by_account[account_id]:
                found[row, begin:end] = True
        return found

    def _columns(self, series: NetSeries, day: date) -> tuple[int, int]:
        begin, end = (series.column(instant) for instant in self.calendar.span("daily", day).bounds)
        return max(begin, 0), max(end, 0)

    def name_known(self, found: Sequence[AnomalyDocument]) -> None:
        """Name the known days of anomalies of the audience."""
        for one in found:
            first, last = self.calendar.date_of(one["from"]), self.calendar.date_of(one["to"] - HOUR)
            if one["kind"] != "collection" and (known := self.known.named(first, last, one["accountId"])):
                one["known"] = known

    def days_of(self, judged: JudgedDays, starts: Mapping[int, tuple[datetime, datetime]]) -> Iterator[AnomalyDocument]:
        """Yield the anomalies of the newest days of a series; `starts` has the bounds of days by position."""
        for one in judged.episodes:
            first, last = HISTORY_DAYS + one.first, HISTORY_DAYS + one.end - 1
            if first in starts and last in starts:
                begins = {position: bounds[0] for position, bounds in starts.items()}
                history = days_before(begins, judged.values, last + 1)
                bounds = starts[first][0], starts[last][1]
                yield self.finding.of_account(judged.account, judged.metric, "day", one, bounds, history)

    def bounds_of_days(self) -> dict[int, tuple[datetime, datetime]]:
        """Return the bounds of the days that daily series have, by position."""
        found = {}
        for position in range(HISTORY_DAYS + NEWEST):
            day = self.day.date() - timedelta(days=HISTORY_DAYS + NEWEST - 1 - position)
            span = self.calendar.span("daily", day)
            if not span.empty:
                found[position] = span.bounds
        return found


def find(
    store: Store,
    day: datetime,
    *,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    announce: Announce = lambda _workspace, _changes: None,
) -> FoundReport:
    """Find the anomalies of the hours of a UTC day that have ended, and of the day itself once it has ended.

    `day` is the midnight that names the day. A batch of accounts that fails does not affect the others. Whole platforms
    are looked at only in a run over all workspaces. What a run that died did not announce any more is announced before
    anything of the workspace is changed; an anomaly may be announced twice.

    Raises:
        MongoUnavailable: MongoDB does not answer; find them again.
    """
    report = FoundReport()
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    calendars = store.calendars.of(workspaces)
    for workspace_id in workspaces:
        tell(store, workspace_id, announce, breakouts=False)
        accounts = store.accounts.connections([workspace_id], states=get_args(ConnectedState))
        of = _Workspace(
            store,
            Finding(workspace_id, now, run_id),
            calendars[workspace_id].current,
            day,
            store.anomalies.budget(workspace_id),
            known_days(store, workspace_id, day.date() - _KNOWN_BACK, day.date() + DAY),
        )
        _of_workspace(of, accounts, report)
        report.workspaces += bool(accounts)
        report.accounts += len(accounts)
        report.days |= of.days
        tell(store, workspace_id, announce, breakouts=False)
    if workspace_ids is None and day + DAY <= now:
        for workspace_id, documents in platform_wide(store, day, now, run_id).items():
            written: list[tuple[Change, AnomalyDocument]] = [
                ("closed" if one["status"] == "withdrawn" else "updated" if "mutedBy" in one else "opened", one)
                for one in documents
            ]
            store.anomalies.write(written)
            _count(report, written)
            tell(store, workspace_id, announce, breakouts=False)
    return report


def _of_workspace(of: _Workspace, accounts: Sequence[Connection], report: FoundReport) -> None:
    observed = Observed()
    for some in batched(accounts, _ACCOUNTS):
        try:
            _of_accounts(of, some, observed, report)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            log.exception("the anomalies of %s accounts of %s were not found", len(some), of.finding.workspace_id)
            report.failed += 1
            continue
        # An account that was erased meanwhile leaves nothing.
        take_back(of.store, [one.account_id for one in some])
    if of.days:
        found = list(observed.fewer(of.finding, of.day.date(), of.own_day))
        window = Window({"day": of.own_day})
        stored = of.store.anomalies.of_collection(of.finding.workspace_id, *of.own_day)
        changes = reconciled(stored, found, window, of.finding.now)
        of.store.anomalies.write(changes)
        _count(report, changes)


def _of_accounts(of: _Workspace, accounts: Sequence[Connection], observed: Observed, report: FoundReport) -> None:
    by_id = {one.account_id: one for one in accounts}
    names = list(by_id)
    watched: defaultdict[tuple[str, Grain], list[WatchedSeries]] = defaultdict(list)
    found: list[AnomalyDocument] = []
    bounds: dict[Grain, tuple[datetime, datetime]] = {}
    if of.end > of.day:
        now = of.finding.now
        of.store.hourly_nets.put(derive_nets(of.store, of.finding.workspace_id, names, of.day, of.calendar, now))
        series = read_nets(of.store, accounts, of.day, of.end)
        found += of.hours_of(series, by_id)
        bounds["hour"] = of.day, of.end
        for name, reason, row in zip(
            series.names, refusals(series.counts, series.column(of.day)), series.counts, strict=True
        ):
            watched[name[0], "hour"].append(_watched(name[1], row, reason))
    if of.days:
        bounds["day"] = of.own_day
        starts = of.bounds_of_days()
        for judged in judged_days(
            of.store, of.finding.workspace_id, of.calendar.version, accounts, of.day.date(), of.known
        ):
            found += of.days_of(judged, starts)
            series_of_account = watched[judged.account.account_id, "day"]
            series_of_account.append(_watched(judged.metric, judged.values, judged.refusal))
        of_collection = list(
            collection_anomalies(
                of.store, of.finding, of.calendar.version, accounts, of.day.date(), of.own_day, observed
            )
        )
        found = [one for one in found if not _explained(one, of_collection)] + of_collection
    of.name_known(found)
    _store_watched(of, watched, report)
    if not bounds:
        return
    # An anomaly that ended just before the day may go on in it.
    first, end = min(begin for begin, _ in bounds.values()) - DAY, max(end for _, end in bounds.values())
    stored = of.store.anomalies.touching(names, first, end)
    changes = reconciled(stored, found, Window(bounds), of.finding.now)
    for change, one in changes:
        if change != "closed" and one["scope"] == "account":
            one["evidence"] = _evidence(of, one)
    of.store.anomalies.write(changes)
    _count(report, changes)


def _explained(one: AnomalyDocument, of_collection: Sequence[AnomalyDocument]) -> bool:
    """Tell whether an anomaly of the audience lies on a day on which the collection explains it."""
    return any(
        other.get("accountId") == one.get("accountId")
        and other.get("metric", one.get("metric")) == one.get("metric")
        and one["from"] < other["to"]
        and one["to"] > other["from"]
        for other in of_collection
    )


def _evidence(of: _Workspace, one: AnomalyDocument) -> Evidence:
    found: Evidence = {**one["evidence"]}
    metric, direction = one.get("metric"), one.get("direction")
    if metric and direction:
        similar = of.store.anomalies.earlier(one["accountId"], metric, direction, one["from"], _SIMILAR)
        found["similar"] = [{"anomalyId": row["_id"], "score": row.get("score", 0.0)} for row in similar]
        found["posts"] = carrying_posts(of.store, one)
    return found


def _watched(metric: str, values: Floats, reason: Refusal | None) -> WatchedSeries:
    observed = int(np.count_nonzero(~np.isnan(values)))
    found: WatchedSeries = {"metric": metric, "expected": len(values), "observed": observed}
    if reason is not None:
        found["unavailable"] = reason
    return found


def _store_watched(
    of: _Workspace, watched: Mapping[tuple[str, Grain], list[WatchedSeries]], report: FoundReport
) -> None:
    for (account_id, grain), series in watched.items():
        refused = [one["unavailable"] for one in series if "unavailable" in one]
        report.refused.update(refused)
        report.watched += len(series) - len(refused)
        of.store.watched.put(of.finding.workspace_id, account_id, grain, series, of.finding.now)


def _count(report: FoundReport, changes: Sequence[tuple[Change, AnomalyDocument]]) -> None:
    for change, one in changes:
        report.changes[change] += 1
        report.kinds[one["kind"]] += 1
