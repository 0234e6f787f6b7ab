"""Forecasts whose days came due: how many values lay inside, and how far off they were, beside seasonal naive."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TypedDict

import numpy as np

from metrics.expected import Connection
from metrics.forecasts import FORECASTED, ForecastDocument
from metrics.periods import DAY, midnight
from metrics.store import Store
from pipelines.insights.forecasts.reading import read_series
from pipelines.insights.forecasts.series import HISTORY_DAYS, DailySeries, Floats

BUCKETS = ((1, 1), (2, 3), (4, 7), (8, 15), (16, 28))
"""The first and last day ahead of each row."""
_AHEAD = timedelta(days=BUCKETS[-1][1] + 8)
"""How long before a day it may have been forecast: the longest horizon, and a week in which there was no value."""
_WEEK = 7
_WEEKS = 4
"""The weeks in which seasonal naive looks for the last value of a day of the week."""
_POINTS, _IN80, _IN95, _COMPARED, _ERROR, _NAIVE = range(6)


class ForecastRow(TypedDict, total=False):
    """What became of a metric's forecasts of some days ahead.

    `points` are pairs of a forecast and a day; the shares are of these. `error` and `naive` are mean absolute errors
    in mean absolute differences of days a week apart, of the forecast and of repeating the last week; `skill` is the
    share by which the first is smaller. All three are absent where no pair has a value a week before.
    """

    metric: str
    ahead: str
    points: int
    inside80: float
    inside95: float
    error: float
    naive: float
    skill: float


class Forecasts:
    """Adds up forecasts that came due from a day on, an account at a time."""

    def __init__(self, store: Store, since: date, today: date) -> None:
        self._store, self._since, self._today = store, since, today
        self._sums: defaultdict[str, Floats] = defaultdict(lambda: np.zeros((len(BUCKETS), 6)))

    def add(self, account: Connection, workspace_id: str, version: int) -> None:
        """Add an account; `version` is that of its workspace's calendar.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        first = self._since - _AHEAD
        days = min((self._today - first).days + _WEEK * _WEEKS + 1, HISTORY_DAYS)
        series = read_series(self._store, workspace_id, version, [account.account_id], self._today, days=days)
        for said in self._store.forecasts.of_account(account.account_id, midnight(first)):
            of_metric = series.get((account.account_id, said["metric"]))
            if of_metric is not None and "values" in said and "hindcast" not in said:
                self._judge(said, of_metric)

    def _judge(self, said: ForecastDocument, series: DailySeries) -> None:
        origin = date.fromisoformat(said["origin"])
        days = [origin + timedelta(days=ahead) for ahead in range(1, len(said["values"]) + 1)]
        # Only what was said before a day had ended in UTC is judged by it.
        due = [self._since <= day <= series.last and said["madeAt"] < midnight(day) + DAY for day in days]
        places = np.flatnonzero(due)
        if not len(places):
            return
        actual = _values(series, [days[place] for place in places.tolist()])
        naive = _last_week(series, origin)[places % _WEEK]
        known = ~np.isnan(actual)
        compared = known & ~np.isnan(naive)
        scale = said["scale"] or 1.0
        marks = np.zeros((len(places), 6))
        marks[:, _POINTS] = known
        for column, name in ((_IN80, "80"), (_IN95, "95")):
            lower, upper = (np.array(said[f"{side}{name}"])[places] for side in ("lo", "hi"))  # type: ignore[literal-required]
            marks[:, column] = known & (lower <= actual) & (actual <= upper)
        marks[:, _COMPARED] = compared
        marks[:, _ERROR] = np.where(compared, np.abs(actual - np.array(said["values"])[places]) / scale, 0.0)
        marks[:, _NAIVE] = np.where(compared, np.abs(actual - naive) / scale, 0.0)
        for row, (low, high) in enumerate(BUCKETS):
            inside = (places + 1 >= low) & (places + 1 <= high)
            self._sums[said["metric"]][row] += marks[inside].sum(axis=0)

    def rows(self) -> list[ForecastRow]:
        """Return a row per metric and days ahead of which something came due."""
        return list(_rows(self._sums))


def _values(series: DailySeries, days: Sequence[date]) -> Floats:
    return np.array([np.nan if (value := series.value(day)) is None else value for day in days])


def _last_week(series: DailySeries, origin: date) -> Floats:
    """Return what seasonal naive says of the seven days after a day: the last value of the same day of the week."""
    back = [origin - timedelta(days=place) for place in range(_WEEK * _WEEKS - 1, -1, -1)]
    weeks = _values(series, back).reshape(_WEEKS, _WEEK)
    found: Floats = weeks[0]
    for week in weeks[1:]:
        found = np.where(np.isnan(week), found, week)
    return found


def _rows(sums: Mapping[str, Floats]) -> Iterator[ForecastRow]:
    for metric in FORECASTED:
        for (low, high), of_bucket in zip(BUCKETS, sums.get(metric, ()), strict=False):
            points, in80, in95, compared, error, naive = of_bucket.tolist()
            if not points:
                continue
            row: ForecastRow = {
                "metric": metric,
                "ahead": str(low) if low == high else f"{low}-{high}",
                "points": int(points),
                "inside80": round(in80 / points, 4),
                "inside95": round(in95 / points, 4),
            }
            if compared:
                row |= {"error": round(error / compared, 4), "naive": round(naive / compared, 4)}
                if naive:
                    row["skill"] = round(1 - error / naive, 4)
            yield row
