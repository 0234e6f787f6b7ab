"""Daily series of accounts: which are watched, and the anomalies of their newest days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from metrics.anomalies import Refusal
from metrics.expected import Connection
from metrics.forecasts import FORECASTED
from metrics.store import Store
from pipelines.insights.anomalies.days import HISTORY_DAYS, LEAST_DAYS, judge_followers, judge_sums
from pipelines.insights.anomalies.episodes import Episode, of_days
from pipelines.insights.anomalies.smoothing import Bools, Floats
from pipelines.insights.forecasts.reading import read_series
from pipelines.insights.forecasts.series import STALE_DAYS, DailySeries, refused_values
from pipelines.insights.known_days import KnownDays

NEWEST = 8
"""The days that are judged: the day of the run and a week before it, so that a shift is seen as a whole."""


@dataclass(frozen=True, slots=True)
class JudgedDays:
    """A daily series until a day: its newest values, its anomalies among the `NEWEST` days, or why it is not watched.

    Positions of anomalies count from the first of the `NEWEST` days.
    """

    account: Connection
    metric: str
    values: Floats
    episodes: Sequence[Episode]
    refusal: Refusal | None

    @property
    def observed(self) -> int:
        """The number of days with a value, of those that may be used."""
        return int(np.count_nonzero(~np.isnan(self.values)))


def judged_days(
    store: Store, workspace_id: str, version: int, accounts: Sequence[Connection], until: date, known: KnownDays
) -> Iterator[JudgedDays]:
    """Yield the daily series of accounts until a day of their workspace's calendar, whose known days are given.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    names = [one.account_id for one in accounts]
    found = read_series(store, workspace_id, version, names, until, days=HISTORY_DAYS + NEWEST)
    days = HISTORY_DAYS + NEWEST
    for account in accounts:
        left_out = known.left_out(account.account_id, until - timedelta(days=days - 1), days)
        for metric in FORECASTED.values():
            if metric.offered(account.platform):
                yield judged(account, metric.name, found.get((account.account_id, metric.name)), until, left_out)


def judged(
    account: Connection, metric: str, series: DailySeries | None, until: date, left_out: Bools | None = None
) -> JudgedDays:
    """Judge the newest days of a series; `left_out` are the days by which no day is judged."""
    if series is None:
        return JudgedDays(account, metric, np.empty(0), (), "no_observation")
    values = np.full(HISTORY_DAYS + NEWEST, np.nan)
    for back in range(len(values)):
        value = series.value(until - timedelta(days=back))
        if value is not None:
            values[-1 - back] = value
    refusal = _refusal(series, values if left_out is None else np.where(left_out, np.nan, values), until)
    if refusal is not None:
        return JudgedDays(account, metric, values, (), refusal)
    levels = metric == "followers"
    scores = (judge_followers if levels else judge_sums)(values, NEWEST, left_out)
    today = np.diff(values)[-NEWEST:] if levels else values[-NEWEST:]
    return JudgedDays(account, metric, values, of_days(scores, today), None)


def _refusal(series: DailySeries, values: Floats, until: date) -> Refusal | None:
    if (until - series.last).days > STALE_DAYS:
        return "stale"
    before = values[-1 - HISTORY_DAYS : -1]
    if np.count_nonzero(~np.isnan(before)) < LEAST_DAYS:
        if series.cut:
            return "definition_changed"
        return "too_short" if (until - series.first).days < LEAST_DAYS else "too_sparse"
    return refused_values(before)
