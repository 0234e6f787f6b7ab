"""Make the forecasts of a day for workspaces: read rollups, forecast, judge what came due, store."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from logging import getLogger
from typing import Protocol, cast, get_args

from metrics.batches import batched
from metrics.documents import ConnectedState
from metrics.expected import Connection
from metrics.forecasts import (
    FORECASTED,
    MODEL,
    ForecastDocument,
    Forecasted,
    HourlyForecastDocument,
    Refusal,
    SaidDocument,
    WorkspaceForecastDocument,
)
from metrics.periods import DAY
from metrics.store import Store
from metrics.store.insights.announcement_marks import AnnouncementMark
from metrics.store.insights.forecasts import forecast_id
from metrics.upkeep.erase import take_back
from pipelines.insights.forecasts.challenger.model import Challenger
from pipelines.insights.forecasts.challenger.stored import challenger
from pipelines.insights.forecasts.due import NOTHING_DUE, Due, came_due
from pipelines.insights.forecasts.forecast import Forecast, forecast
from pipelines.insights.forecasts.intervals import NOMINAL
from pipelines.insights.forecasts.members import Floats
from pipelines.insights.forecasts.reading import AccountMetric, read_series
from pipelines.insights.forecasts.series import DailySeries
from pipelines.insights.forecasts.sums import Sum, said_of_sums, sums_of

log = getLogger(__name__)

LATE = 3 * DAY
"""A forecast that is made longer after the end of its day is a hindcast: nobody could read it in time."""
_ACCOUNTS = 50
"""Accounts whose series are in memory at the same time."""
_LOOK_BACK = 36 * DAY
"""How old a forecast may be whose days still come due: 28 days, and a week in which the series had no value."""

Announce = Callable[[str, datetime, int, int], None]
"""A function that is called with a workspace, a day, and the numbers of its forecasts and refusals of the day."""


@dataclass(slots=True)
class MakeReport:
    """What was said of a day or of six hours: numbers of forecasts, of refusals by reason, and of series that failed.

    `sums` are the forecasts of whole workspaces. `due` has the sums over the earlier forecasts of accounts that came
    due.
    """

    workspaces: int = 0
    accounts: int = 0
    made: int = 0
    sums: int = 0
    kept: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    due: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the numbers in a line."""
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items())) or "none"
        of_sums = f", and {self.sums} of the sums of workspaces" if self.sums else ""
        return (
            f"{self.made} forecasts of {self.accounts} accounts in {self.workspaces} workspaces{of_sums}; "
            f"refused: {refused}; "
            f"{self.failed} failed; {self.kept} were said before and stay"
        )

    def count(self, documents: Sequence[ForecastDocument | HourlyForecastDocument], new: int) -> None:
        """Add documents to the numbers; `new` of them were stored."""
        self.kept += len(documents) - new
        for document in documents:
            self.due.update(cast("Mapping[str, int]", document["due"]))
            if "unavailable" in document:
                self.refused[document["unavailable"]] += 1
            else:
                self.made += 1
                self.methods[document["method"]] += 1


class Make(Protocol):
    """Says what is known at the end of a day, or of six hours, and stores it; `make` and `make_hours` are such."""

    def __call__(
        self, store: Store, start: datetime, /, *, now: datetime, run_id: str, announce: Announce = ...
    ) -> MakeReport:
        """Return the numbers of what was said of the partition that begins at `start`."""
        ...


@dataclass(frozen=True, slots=True)
class _Making:
    """The day of which something is said, and by which run."""

    store: Store
    day: datetime
    now: datetime
    run_id: str
    report: MakeReport
    challenger: Challenger

    @property
    def hindcast(self) -> bool:
        return self.now > self.day + DAY + LATE

    def documents(
        self, workspace_id: str, version: int, accounts: Sequence[Connection], sums: Mapping[str, Sum[date]]
    ) -> list[ForecastDocument]:
        """Return what is said of accounts of a workspace, and add them to its sums; a series that fails is counted."""
        names = [one.account_id for one in accounts]
        series = read_series(self.store, workspace_id, version, names, self.day.date())
        earlier: dict[AccountMetric, list[ForecastDocument]] = {}
        if not self.hindcast:
            for one in self.store.forecasts.earlier(names, self.day - _LOOK_BACK, self.day):
                earlier.setdefault((one["accountId"], one["metric"]), []).append(one)
        found = []
        for account in accounts:
            for metric in FORECASTED.values():
                if not metric.offered(account.platform):
                    continue
                key = (account.account_id, metric.name)
                try:
                    said = say(metric, series.get(key), earlier.get(key, ()), self.day.date(), self.challenger)
                except Exception:
                    log.exception("%s of %s could not be forecast", metric.name, account.account_id)
                    self.report.failed += 1
                    said = {"unavailable": None}
                else:
                    document = self._document(account.account_id, workspace_id, metric, said)
                    of = {"accountId": account.account_id, "platform": account.platform}
                    found.append(cast("ForecastDocument", document | of))
                if metric.name in sums:
                    sums[metric.name].add(account, None if "unavailable" in said else series.get(key))
        return found

    def of_workspace(self, workspace_id: str, sums: Mapping[str, Sum[date]]) -> list[WorkspaceForecastDocument]:
        """Return what is said of a workspace's sums; metrics of which no account is forecast are left out."""
        since, kept = self.day - _LOOK_BACK, self.store.forecasts.of_workspaces
        earlier = [] if self.hindcast else kept.earlier(workspace_id, since, self.day)

        def said(name: str, series: DailySeries | None, same: Sequence[SaidDocument]) -> Mapping[str, object]:
            return say(FORECASTED[name], series, same, self.day.date(), self.challenger)

        return [
            cast("WorkspaceForecastDocument", self._document(workspace_id, workspace_id, FORECASTED[name], of_sum))
            for name, of_sum in said_of_sums(sums, earlier, said)
        ]

    def _document(
        self, name: str, workspace_id: str, metric: Forecasted, said: Mapping[str, object]
    ) -> dict[str, object]:
        document: dict[str, object] = {
            "_id": forecast_id(name, metric.name, self.day),
            "workspaceId": workspace_id,
            "metric": metric.name,
            "day": self.day,
            "madeAt": self.now,
            "model": MODEL,
            "runId": self.run_id,
            **said,
        }
        if self.hindcast:
            document["hindcast"] = True
        return document


def make(
    store: Store,
    day: datetime,
    *,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    announce: Announce = lambda _workspace, _day, _made, _refused: None,
) -> MakeReport:
    """Say what is known at the end of a day about the days after it, for some workspaces or all, and store it.

    `day` is the midnight that names the day. What was said of the day before stays. A series that fails does not affect
    the others. What a run that died did not announce any more is announced first; a day may be announced twice.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report = MakeReport()
    making = _Making(store, day, now, run_id, report, challenger(store, "day", day + DAY))
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    calendars = store.calendars.of(workspaces)
    for left in store.announcements.pending("forecasts", workspaces):
        # The day itself is announced below.
        if left.day != day:
            _announce(store, left, announce)
    for workspace_id in workspaces:
        accounts = store.accounts.connections([workspace_id], states=get_args(ConnectedState))
        marks = store.announcements.touch("forecasts", [workspace_id] if accounts else [], day)
        made, refused = report.made, report.refused.total()
        sums = sums_of(store, workspace_id, accounts, FORECASTED)
        for some in batched(accounts, _ACCOUNTS):
            documents = making.documents(workspace_id, calendars[workspace_id].current.version, some, sums)
            new = store.forecasts.add(documents)
            report.count(documents, new)
            # An account that was erased meanwhile leaves nothing.
            take_back(store, [one.account_id for one in some])
        of_workspace = making.of_workspace(workspace_id, sums)
        store.forecasts.of_workspaces.add(of_workspace)
        report.sums += sum("unavailable" not in one for one in of_workspace)
        take_back(store, {account_id for one in of_workspace for account_id in one["accountIds"]})
        report.workspaces += bool(accounts)
        report.accounts += len(accounts)
        if (found := (report.made - made, report.refused.total() - refused)) != (0, 0):
            announce(workspace_id, day, *found)
        store.announcements.settle(marks)
    return report


def _announce(store: Store, left: AnnouncementMark, announce: Announce) -> None:
    """Announce what was said of a workspace at the end of an earlier day by a run that died before it could."""
    if (found := store.forecasts.counts(left.workspace_id, left.day)) != (0, 0):
        announce(left.workspace_id, left.day, *found)
    store.announcements.settle([left])


def say(
    metric: Forecasted,
    series: DailySeries | None,
    earlier: Sequence[SaidDocument],
    until: date,
    challenger: Challenger | None = None,
) -> Mapping[str, object]:
    """Return the fields of a document that follow from a series and from what was said of it earlier."""
    due = came_due(series, earlier) if series is not None else Due(NOTHING_DUE, NOMINAL)
    found = forecast(series, until, due.misses, additive=metric.adds_over_days, challenger=challenger)
    fields: dict[str, object] = {"misses": dict(due.misses), "due": dict(due.sums)}
    if series is None:
        fields |= {"expected": 0, "observed": 0}
    else:
        fields |= {
            "trainedFrom": series.first.isoformat(),
            "origin": series.last.isoformat(),
            "expected": len(series.values),
            "observed": series.observed,
        }
    return fields | said_fields(found)


def said_fields(found: Forecast | Refusal) -> dict[str, object]:
    """Return the fields of a document that a forecast has, or the reason why there is none."""
    if not isinstance(found, Forecast):
        return {"unavailable": found}
    bounds = {f"lo{name}": _rounded(lower) for name, lower in found.lower.items()}
    bounds |= {f"hi{name}": _rounded(upper) for name, upper in found.upper.items()}
    return {
        "values": _rounded(found.values),
        **bounds,
        "totals": [
            {"days": days, "value": round(one.value, 2), "lo80": round(one.lo80, 2), "hi80": round(one.hi80, 2)}
            for days, one in found.totals.items()
        ],
        "method": found.method,
        "backtest": {
            "origins": found.origins,
            "mase": round(found.mase, 4),
            "skill": round(found.skill, 4),
            **{f"coverage{name}": round(share, 4) for name, share in found.coverage.items()},
        },
        "scale": found.scale,
        "caveats": list(found.caveats),
        **({"learnedModel": found.learned_model} if found.learned_model else {}),
    }


def _rounded(values: Floats) -> list[float]:
    return [round(value, 2) for value in values.tolist()]
