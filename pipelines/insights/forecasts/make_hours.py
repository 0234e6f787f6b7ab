"""Make the forecasts of hours for workspaces: read hourly gains and levels, forecast, judge what came due, store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from typing import Any, cast, get_args

import numpy as np

from metrics.batches import batched
from metrics.documents import ConnectedState
from metrics.expected import Connection
from metrics.forecasts import (
    HOURLY_FORECASTED,
    HOURLY_MODEL,
    WINDOW,
    Forecasted,
    HourlyForecastDocument,
    Refusal,
    WorkspaceHourlyForecastDocument,
)
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from metrics.store.insights.announcement_marks import AnnouncementMark
from metrics.store.insights.hourly_forecasts import NAME, hourly_forecast_id
from metrics.upkeep.erase import take_back
from pipelines.insights.forecasts.challenger.model import Challenger
from pipelines.insights.forecasts.challenger.stored import challenger
from pipelines.insights.forecasts.due import NOTHING_DUE, Due, came_due
from pipelines.insights.forecasts.hourly import forecast_hours, smoothed_series
from pipelines.insights.forecasts.hourly_series import HISTORY_HOURS, HourlySeries, refused
from pipelines.insights.forecasts.intervals import NOMINAL
from pipelines.insights.forecasts.make import Announce, MakeReport, said_fields
from pipelines.insights.forecasts.members import Floats
from pipelines.insights.forecasts.reading import AccountMetric
from pipelines.insights.forecasts.sums import Sum, said_of_sums, sums_of

log = getLogger(__name__)

LATE = 2 * WINDOW
"""A forecast that is made longer after the end of its window is a hindcast: newer ones could be read by then."""
_ACCOUNTS = 50
"""Accounts whose series are in memory at the same time."""
_LOOK_BACK = 4 * DAY
"""How old a forecast may be whose hours still come due: 48 hours, and two days in which the series had no value."""


def read_hourly(
    store: Store, account_ids: Sequence[str], end: datetime, *, hours: int = HISTORY_HOURS
) -> Mapping[AccountMetric, HourlySeries]:
    """Return the series of accounts over the hours before an instant; those without any value are left out.

    Days that were derived by another definition than the newest are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    begin = midnight((end - hours * HOUR).date())
    known = (end - begin) // HOUR
    fields = ("nets.totalEngagement", "followers", "definitionVersion")
    by_account: dict[str, list[Mapping[str, Any]]] = {}
    for document in store.hourly_nets.between(account_ids, begin, end, fields):
        by_account.setdefault(document["accountId"], []).append(document)
    found = {}
    for account_id, days in by_account.items():
        newest = max(days, key=lambda one: one["day"]).get("definitionVersion")
        # A day of an older version does not say by what definition it was derived.
        same = [one for one in days if one.get("definitionVersion", newest) == newest]
        for metric in HOURLY_FORECASTED:
            values = np.full(-(-known // 24) * 24, np.nan)
            for one in same:
                of_day = one.get("followers") if metric == "followers" else one["nets"].get(metric)
                if of_day is not None:
                    first = (one["day"] - begin) // HOUR
                    values[first : first + 24] = [np.nan if value is None else value for value in of_day]
            series = HourlySeries.of(begin, values[:known], cut=len(same) < len(days), hours=hours)
            if series is not None:
                found[account_id, metric] = series
    return found


@dataclass(frozen=True, slots=True)
class _Making:
    """The window at whose end something is said, and by which run."""

    store: Store
    window: datetime
    now: datetime
    run_id: str
    report: MakeReport
    challenger: Challenger

    @property
    def end(self) -> datetime:
        return self.window + WINDOW

    @property
    def hindcast(self) -> bool:
        return self.now > self.end + LATE

    def documents(
        self, workspace_id: str, accounts: Sequence[Connection], sums: Mapping[str, Sum[datetime]]
    ) -> list[HourlyForecastDocument]:
        """Return what is said of accounts of a workspace, and add them to its sums; a series that fails is counted."""
        names = [one.account_id for one in accounts]
        series = read_hourly(self.store, names, self.end)
        earlier: dict[AccountMetric, list[HourlyForecastDocument]] = {}
        if not self.hindcast:
            for one in self.store.hourly_forecasts.earlier(names, self.window - _LOOK_BACK, self.window):
                earlier.setdefault((one["accountId"], one["metric"]), []).append(one)
        counts = {
            key: one
            for key, one in series.items()
            if HOURLY_FORECASTED[key[1]].adds_over_days and refused(one, self.end) is None
        }
        smoothed = dict(zip(counts, smoothed_series(list(counts.values())), strict=True))
        found = []
        for account, metric in _offered(accounts):
            key = (account.account_id, metric.name)
            try:
                said = say_hours(series.get(key), earlier.get(key, ()), self.end, smoothed.get(key), self.challenger)
            except Exception:
                log.exception("the hours of %s of %s could not be forecast", metric.name, account.account_id)
                self.report.failed += 1
                said = {"unavailable": None}
            else:
                document = self._document(account.account_id, workspace_id, metric, said)
                of = {"accountId": account.account_id, "platform": account.platform}
                found.append(cast("HourlyForecastDocument", document | of))
            sums[metric.name].add(account, None if "unavailable" in said else series.get(key))
        return found

    def of_workspace(
        self, workspace_id: str, sums: Mapping[str, Sum[datetime]]
    ) -> list[WorkspaceHourlyForecastDocument]:
        """Return what is said of a workspace's sums; metrics of which no account is forecast are left out."""
        since, kept = self.window - _LOOK_BACK, self.store.hourly_forecasts.of_workspaces
        earlier = [] if self.hindcast else kept.earlier(workspace_id, since, self.window)

        def said(name: str, series: HourlySeries | None, same: Sequence[Mapping[str, Any]]) -> Mapping[str, object]:
            smoothed = None
            if series is not None and HOURLY_FORECASTED[name].adds_over_days and refused(series, self.end) is None:
                (smoothed,) = smoothed_series([series])
            return say_hours(series, same, self.end, smoothed, self.challenger)

        return [
            cast(
                "WorkspaceHourlyForecastDocument",
                self._document(workspace_id, workspace_id, HOURLY_FORECASTED[name], of_sum),
            )
            for name, of_sum in said_of_sums(sums, earlier, said)
        ]

    def _document(
        self, name: str, workspace_id: str, metric: Forecasted, said: Mapping[str, object]
    ) -> dict[str, object]:
        document: dict[str, object] = {
            "_id": hourly_forecast_id(name, metric.name, self.window),
            "workspaceId": workspace_id,
            "metric": metric.name,
            "window": self.window,
            "madeAt": self.now,
            "model": HOURLY_MODEL,
            "runId": self.run_id,
            **said,
        }
        if self.hindcast:
            document["hindcast"] = True
        return document


def make_hours(
    store: Store,
    window: datetime,
    *,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    announce: Announce = lambda _workspace, _window, _made, _refused: None,
) -> MakeReport:
    """Say what is known at the end of a window of six hours about the next 48, and store it.

    What was said of the window before stays. A series that fails does not affect the others. What a run that died did
    not announce any more is announced first; a window may be announced twice.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report = MakeReport()
    making = _Making(store, window, now, run_id, report, challenger(store, "hour", window + WINDOW))
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    for left in store.announcements.pending(NAME, workspaces):
        # The window itself is announced below.
        if left.day != window:
            _announce(store, left, announce)
    for workspace_id in workspaces:
        accounts = store.accounts.connections([workspace_id], states=get_args(ConnectedState))
        marks = store.announcements.touch(NAME, [workspace_id] if accounts else [], window)
        made, refusals = report.made, report.refused.total()
        sums = sums_of(store, workspace_id, accounts, HOURLY_FORECASTED)
        for some in batched(accounts, _ACCOUNTS):
            documents = making.documents(workspace_id, some, sums)
            report.count(documents, store.hourly_forecasts.add(documents))
            # An account that was erased meanwhile leaves nothing.
            take_back(store, [one.account_id for one in some])
        of_workspace = making.of_workspace(workspace_id, sums)
        store.hourly_forecasts.of_workspaces.add(of_workspace)
        report.sums += sum("unavailable" not in one for one in of_workspace)
        take_back(store, {account_id for one in of_workspace for account_id in one["accountIds"]})
        report.workspaces += bool(accounts)
        report.accounts += len(accounts)
        if (found := (report.made - made, report.refused.total() - refusals)) != (0, 0):
            announce(workspace_id, window, *found)
        store.announcements.settle(marks)
    return report


def _announce(store: Store, left: AnnouncementMark, announce: Announce) -> None:
    """Announce what was said of a workspace at the end of an earlier window by a run that died before it could."""
    if (found := store.hourly_forecasts.counts(left.workspace_id, left.day)) != (0, 0):
        announce(left.workspace_id, left.day, *found)
    store.announcements.settle([left])


def _offered(accounts: Sequence[Connection]) -> Iterator[tuple[Connection, Forecasted]]:
    for account in accounts:
        for metric in HOURLY_FORECASTED.values():
            if metric.offered(account.platform):
                yield account, metric


def say_hours(
    series: HourlySeries | None,
    earlier: Sequence[Mapping[str, Any]],
    end: datetime,
    smoothed: Floats | None,
    challenger: Challenger | None = None,
) -> Mapping[str, object]:
    """Return the fields of a document that follow from a series and from what was said of it earlier.

    `smoothed` is what smoothing says of a series of counts; it is None for one of levels.
    """
    due = came_due(series, earlier) if series is not None else Due(NOTHING_DUE, NOMINAL)
    fields: dict[str, object] = {"misses": dict(due.misses), "due": dict(due.sums)}
    if series is None:
        reason: Refusal = "no_observation"
        return fields | {"expected": 0, "observed": 0, "unavailable": reason}
    fields |= {
        "trainedFrom": series.first,
        "origin": series.last,
        "expected": len(series.values),
        "observed": series.observed,
    }
    found = refused(series, end) or forecast_hours(series, end, due.misses, said=smoothed, challenger=challenger)
    return fields | said_fields(found)
