"""Train the challengers: read the series of accounts that allow it, learn from what was known at an instant, store.

A model is trained every week. The first time, models of earlier instants are trained too, from the days before these,
so that each origin of a back-test has one that knows nothing later.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from logging import getLogger
from typing import get_args

import numpy as np

from metrics.aggregation.consents import left_out
from metrics.batches import batched
from metrics.documents import ConnectedState
from metrics.forecasts import CHALLENGER, FORECASTED, HOURLY_FORECASTED, HOURS_AHEAD
from metrics.periods import DAY, HOUR
from metrics.store import Store
from metrics.store.insights.forecast_models import ForecastModelDocument, Grain, forecast_model_id
from pipelines.insights.forecasts.backtest import origins_of
from pipelines.insights.forecasts.challenger.model import LEAST_SERIES, Floats, Learned, examples, fit
from pipelines.insights.forecasts.challenger.stored import APART, learned
from pipelines.insights.forecasts.hourly import hourly_origins, of_counts, of_levels, smoothed_series
from pipelines.insights.forecasts.hourly_series import HourlySeries, refused
from pipelines.insights.forecasts.make_hours import read_hourly
from pipelines.insights.forecasts.members import WEEK, members
from pipelines.insights.forecasts.reading import read_series
from pipelines.insights.forecasts.series import DailySeries, horizon_of

log = getLogger(__name__)

HORIZON: Mapping[Grain, timedelta] = {"day": 28 * DAY, "hour": HOURS_AHEAD * HOUR}
MOST_ACCOUNTS = 300
"""Accounts that are learned from; of more, the same ones every week. More would take a gigabyte the first time."""
_ACCOUNTS = 50
_HOURS_OF_DAY = 24


@dataclass(frozen=True, slots=True)
class Rows:
    """The training rows of a series that begins at `first`: features, errors of the combination, and origins.

    `origins` are instants in seconds since 1970.
    """

    first: datetime
    features: Floats
    lacked: Floats
    origins: Floats


@dataclass(slots=True)
class TrainReport:
    """What was trained: models, the series of the newest one of each grain, and the errors of the models before."""

    made: int = 0
    too_few: int = 0
    kept: int = 0
    newest: dict[str, ForecastModelDocument] = field(default_factory=dict)

    def summary(self) -> str:
        """Return the numbers in a line."""
        series = ", ".join(f"{one['series']} series by {grain}" for grain, one in sorted(self.newest.items())) or "none"
        return (
            f"{self.made} models trained; newest: {series}; {self.too_few} instants had too few series, "
            f"{self.kept} models were there before"
        )


def train(store: Store, until: datetime, *, now: datetime, run_id: str) -> TrainReport:
    """Train the models that know nothing of an instant and later, and those before it that are missing.

    `until` is a midnight. Models that are stored stay as they are.

    Raises:
        MongoUnavailable: MongoDB does not answer; train again.
    """
    report = TrainReport()
    pool = _pool(store)
    readers: Mapping[Grain, Callable[..., Iterator[tuple[datetime, Rows]]]] = {"day": _of_days, "hour": _of_hours}
    for grain, read in readers.items():
        apart, count = APART[grain]
        stored = {
            one["knownUntil"]: one
            for one in store.forecast_models.between(grain, CHALLENGER, until - 2 * count * apart, until)
        }
        missing = missing_instants(until, apart, count, stored)
        report.kept += len(stored)
        rows: dict[datetime, list[Rows]] = {one: [] for one in missing}
        if missing:
            for instant, some in read(store, pool, missing):
                rows[instant].append(some)
        models = {known: learned(one) for known, one in stored.items()}
        for instant in missing:
            # The first training has many times the rows of a week, so they are given up one by one.
            found = rows.pop(instant)
            if len(found) < LEAST_SERIES:
                report.too_few += 1
                continue
            older = [one for known, one in models.items() if known <= instant - HORIZON[grain]]
            last = max(older, key=lambda one: one.known_until, default=None)
            document = _trained(grain, instant, found, last, now, run_id)
            report.made += store.forecast_models.add(document)
            report.newest[grain] = document
            models[instant] = learned(document)
    return report


def missing_instants(until: datetime, apart: timedelta, count: int, stored: Collection[datetime]) -> list[datetime]:
    """Return the instants whose models are to be trained, oldest first: this one, and those that a back-test lacks.

    A model of some weeks before an instant of a back-test will do, for it knows nothing later either.
    """
    instants = [until - number * apart for number in range(count - 1, 0, -1)]
    lacking = [one for one in instants if not any(timedelta(0) <= one - known < apart for known in stored)]
    return lacking if until in stored else [*lacking, until]


def _trained(
    grain: Grain, instant: datetime, found: Sequence[Rows], last: Learned | None, now: datetime, run_id: str
) -> ForecastModelDocument:
    rows = np.concatenate([one.features for one in found])
    lacked = np.concatenate([one.lacked for one in found])
    error = of_combination = None
    if last is not None:
        origins = np.concatenate([one.origins for one in found])
        # Of what comes after these origins, the older model knew nothing.
        later = origins >= last.known_until.timestamp()
        if later.any():
            error = round(float(np.abs(lacked[later] - last.trees.predict(rows[later])).mean()), 5)
            of_combination = round(float(np.abs(lacked[later]).mean()), 5)
    return {
        "_id": forecast_model_id(grain, instant),
        "grain": grain,
        "version": CHALLENGER,
        "knownUntil": instant,
        "trainedFrom": min(one.first for one in found),
        "madeAt": now,
        "runId": run_id,
        "series": len(found),
        "rows": len(rows),
        "error": error,
        "errorOfCombination": of_combination,
        "trees": fit(rows, lacked).to_bytes(),
    }


def _pool(store: Store) -> list[tuple[str, list[str]]]:
    """Return the accounts that are learned from, by workspace: where the workspace and the terms allow it."""
    apart = store.forecast_models.kept_apart()
    found = []
    for workspace_id in store.accounts.workspaces():
        if workspace_id in apart:
            continue
        accounts = store.accounts.connections([workspace_id], states=get_args(ConnectedState))
        withheld = left_out(accounts, store.consents.lacking(workspace_id)) | set(
            store.consents.not_stored(workspace_id)
        )
        found += [
            (sha256(one.account_id.encode()).hexdigest(), workspace_id, one.account_id)
            for one in accounts
            if one.platform not in withheld and one.access == "owner"
        ]
    by_workspace: dict[str, list[str]] = {}
    for _, workspace_id, account_id in sorted(found)[:MOST_ACCOUNTS]:
        by_workspace.setdefault(workspace_id, []).append(account_id)
    return sorted(by_workspace.items())


def _of_days(
    store: Store, pool: Sequence[tuple[str, list[str]]], instants: Sequence[datetime]
) -> Iterator[tuple[datetime, Rows]]:
    calendars = store.calendars.of([workspace_id for workspace_id, _ in pool])
    until = (max(instants) - DAY).date()
    for workspace_id, account_ids in pool:
        version = calendars[workspace_id].current.version
        for some in batched(account_ids, _ACCOUNTS):
            for (_, metric), series in read_series(store, workspace_id, version, some, until).items():
                for instant in instants:
                    rows = rows_of_days(series, instant, level=not FORECASTED[metric].adds_over_days)
                    if rows is not None:
                        yield instant, rows


def rows_of_days(series: DailySeries, instant: datetime, *, level: bool) -> Rows | None:
    """Return what is learned from a daily series as known at an instant; None if it could not be forecast then."""
    last = (instant - DAY).date()
    cut = DailySeries.of(
        {
            series.first + number * series.STEP: float(value)
            for number, value in enumerate(series.values)
            if not np.isnan(value)
        },
        last,
        cut=series.cut,
    )
    if cut is None or not isinstance(horizon := horizon_of(cut, last), int):
        return None
    values = np.maximum(cut.values, 0.0)
    z, origins = np.log1p(values), origins_of(len(values), horizon)
    if horizon < 28 or not len(origins):
        return None
    found = members(z, origins, horizon)
    first = cut.ended(cut.first) - DAY
    rows, lacked, at = examples(z, origins, found.tried, WEEK, "day", level=level)
    return Rows(first, rows, lacked, first.timestamp() + at * DAY.total_seconds()) if len(rows) else None


def _of_hours(
    store: Store, pool: Sequence[tuple[str, list[str]]], instants: Sequence[datetime]
) -> Iterator[tuple[datetime, Rows]]:
    account_ids = [account_id for _, some in pool for account_id in some]
    for names in batched(account_ids, _ACCOUNTS):
        series = read_hourly(store, names, max(instants))
        for instant in instants:
            for rows in rows_of_hours(series, instant):
                yield instant, rows


def rows_of_hours(series: Mapping[tuple[str, str], HourlySeries], instant: datetime) -> Iterator[Rows]:
    """Yield what is learned from hourly series as known at an instant, of those that could be forecast then."""
    cuts = []
    for (_, metric), one in series.items():
        hours = max((instant - one.first) // one.STEP, 0)
        cut = HourlySeries.of(one.first, one.values[:hours], cut=one.cut)
        if cut is not None and refused(cut, instant) is None:
            cuts.append((cut, HOURLY_FORECASTED[metric].adds_over_days))
    smoothed = iter(smoothed_series([cut for cut, counts in cuts if counts]))
    for cut, counts in cuts:
        z, origins = np.log1p(np.maximum(cut.values, 0.0)), hourly_origins(cut)[:-1]
        tried = of_counts(z, origins, next(smoothed)[:-1]) if counts else of_levels(z, origins)
        rows, lacked, at = examples(z, origins, tried, _HOURS_OF_DAY, "hour", level=not counts)
        if len(rows):
            yield Rows(cut.first, rows, lacked, cut.first.timestamp() + at * HOUR.total_seconds())
