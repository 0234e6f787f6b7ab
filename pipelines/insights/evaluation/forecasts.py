"""Forecasts that came due: how many values lay inside, and how far off they were, beside seasonal naive."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Generic, TypedDict

import numpy as np

from metrics.forecasts import FORECASTED
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from pipelines.insights.forecasts.make_hours import read_hourly
from pipelines.insights.forecasts.reading import AccountMetric, read_series
from pipelines.insights.forecasts.series import HISTORY_DAYS, At, Floats, Series

_WEEKS = 4
"""The weeks in which seasonal naive looks for the last value of the same day or hour of the week."""
_POINTS, _IN80, _IN95, _COMPARED, _ERROR, _NAIVE = range(6)


class ForecastRow(TypedDict, total=False):
    """What became of a metric's forecasts of some days or hours ahead.

    `points` are pairs of a forecast and a day or an hour; the shares are of these. `error` and `naive` are mean
    absolute errors in mean absolute differences of days a week apart, or of hours a day apart, of the forecast and of
    repeating the last week; `skill` is the share by which the first is smaller. All three are absent where no pair has
    a value a week before.
    """

    metric: str
    ahead: str
    points: int
    inside80: float
    inside95: float
    error: float
    naive: float
    skill: float


class Forecasts(ABC, Generic[At]):
    """Adds up forecasts that came due from a day on, an account at a time."""

    BUCKETS: ClassVar[tuple[tuple[int, int], ...]]
    """The first and last day or hour ahead of each row."""
    WEEK: ClassVar[int]
    """The days or hours of a week."""

    def __init__(self, store: Store, since: At) -> None:
        self._store, self._since = store, since
        self._sums: defaultdict[str, Floats] = defaultdict(lambda: np.zeros((len(self.BUCKETS), 6)))

    def add(self, account_id: str) -> None:
        """Add an account.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        series = self._series(account_id)
        for said in self._said(account_id):
            of_metric = series.get((account_id, said["metric"]))
            if of_metric is not None and "values" in said and "hindcast" not in said:
                self._judge(said, of_metric)

    @abstractmethod
    def _series(self, account_id: str) -> Mapping[AccountMetric, Series[At]]:
        """Return the series of an account, with the weeks before the first forecast."""

    @abstractmethod
    def _said(self, account_id: str) -> Iterable[Mapping[str, Any]]:
        """Yield what was said of an account and may have come due, oldest first."""

    def _judge(self, said: Mapping[str, Any], series: Series[At]) -> None:
        origin = series.origin_of(said)
        ahead = [origin + place * series.STEP for place in range(1, len(said["values"]) + 1)]
        # Only what was said before a day or an hour had ended in UTC is judged by it.
        due = [self._since <= at <= series.last and said["madeAt"] < series.ended(at) for at in ahead]
        places = np.flatnonzero(due)
        if not len(places):
            return
        actual = _values(series, ahead[0], len(ahead))[places]
        naive = self._last_week(series, origin)[places % self.WEEK]
        known = ~np.isnan(actual)
        compared = known & ~np.isnan(naive)
        scale = said["scale"] or 1.0
        marks = np.zeros((len(places), 6))
        marks[:, _POINTS] = known
        for column, name in ((_IN80, "80"), (_IN95, "95")):
            lower, upper = (np.array(said[f"{side}{name}"])[places] for side in ("lo", "hi"))
            marks[:, column] = known & (lower <= actual) & (actual <= upper)
        marks[:, _COMPARED] = compared
        marks[:, _ERROR] = np.where(compared, np.abs(actual - np.array(said["values"])[places]) / scale, 0.0)
        marks[:, _NAIVE] = np.where(compared, np.abs(actual - naive) / scale, 0.0)
        for row, (low, high) in enumerate(self.BUCKETS):
            inside = (places + 1 >= low) & (places + 1 <= high)
            self._sums[said["metric"]][row] += marks[inside].sum(axis=0)

    def _last_week(self, series: Series[At], origin: At) -> Floats:
        """Return what seasonal naive says of the week after an origin: the last value of the same time of the week."""
        first = origin - (self.WEEK * _WEEKS - 1) * series.STEP
        weeks = _values(series, first, self.WEEK * _WEEKS).reshape(_WEEKS, self.WEEK)
        found: Floats = weeks[0]
        for week in weeks[1:]:
            found = np.where(np.isnan(week), found, week)
        return found

    def rows(self) -> list[ForecastRow]:
        """Return a row per metric and days or hours ahead of which something came due."""
        return list(self._rows())

    def _rows(self) -> Iterator[ForecastRow]:
        for metric in FORECASTED:
            for (low, high), of_bucket in zip(self.BUCKETS, self._sums.get(metric, ()), strict=False):
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


class DailyForecasts(Forecasts[date]):
    """Adds up forecasts of days; `of` has the workspace of each account, and the version of its calendar."""

    BUCKETS = ((1, 1), (2, 3), (4, 7), (8, 15), (16, 28))
    WEEK = 7

    def __init__(self, store: Store, since: date, today: date, of: Mapping[str, tuple[str, int]]) -> None:
        super().__init__(store, since)
        self._today, self._of = today, of
        # A day may have been forecast before a week in which there was no value, and the longest horizon.
        self._first = since - timedelta(days=self.BUCKETS[-1][1] + 8)

    def _series(self, account_id: str) -> Mapping[AccountMetric, Series[date]]:
        days = min((self._today - self._first).days + self.WEEK * _WEEKS + 1, HISTORY_DAYS)
        workspace_id, version = self._of[account_id]
        return read_series(self._store, workspace_id, version, [account_id], self._today, days=days)

    def _said(self, account_id: str) -> Iterable[Mapping[str, Any]]:
        return self._store.forecasts.of_account(account_id, midnight(self._first))


class HourlyForecasts(Forecasts[datetime]):
    """Adds up forecasts of hours."""

    BUCKETS = ((1, 6), (7, 12), (13, 24), (25, 48))
    WEEK = 7 * 24

    def __init__(self, store: Store, since: datetime, now: datetime) -> None:
        super().__init__(store, since)
        self._now = now
        # An hour may have been forecast before a day in which there was no value, and the longest horizon.
        self._first = since - 4 * DAY

    def _series(self, account_id: str) -> Mapping[AccountMetric, Series[datetime]]:
        hours = (self._now - self._first) // HOUR + self.WEEK * _WEEKS
        return read_hourly(self._store, [account_id], self._now, hours=hours)

    def _said(self, account_id: str) -> Iterable[Mapping[str, Any]]:
        return self._store.hourly_forecasts.of_account(account_id, self._first)


def _values(series: Series[At], first: At, number: int) -> Floats:
    """Return so many values from a day or an hour on; NaN where there is none."""
    begin = (first - series.first) // series.STEP
    found = np.full(number, np.nan)
    low, high = max(begin, 0), min(begin + number, len(series.values))
    if low < high:
        found[low - begin : high - begin] = series.values[low:high]
    return found
