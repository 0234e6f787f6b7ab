"""Anomalies by grain and kind: how many there were, how many late data withdrew, and how many a person has seen."""

from collections import Counter
from datetime import datetime, timedelta
from typing import TypedDict

from metrics.anomalies import KINDS, Grain, Kind
from metrics.store import Store

_WEEK = timedelta(days=7)
_GRAINS: tuple[Grain, ...] = ("hour", "day")
_NUMBERS = ("anomalies", "open", "ended", "withdrawn", "acknowledged")
_OF_SERIES: tuple[Kind, ...] = ("spike", "drop", "shift", "outage")
"""The kinds that are found in a series of the audience."""


class AnomalyRow(TypedDict, total=False):
    """The anomalies of a grain and kind that began in the time.

    `withdrawn` and `acknowledged` are shares of them. `perWeekAndSeries` is absent for kinds that are not of a series,
    and where no series is watched.
    """

    grain: Grain
    kind: Kind
    anomalies: int
    open: int
    ended: int
    withdrawn: float
    acknowledged: float
    perWeekAndSeries: float


class Anomalies:
    """Adds up anomalies, a workspace at a time."""

    def __init__(self, store: Store, since: datetime, now: datetime) -> None:
        self._store, self._since, self._now = store, since, now
        self._series_weeks = dict.fromkeys(_GRAINS, 0.0)
        self._counts: Counter[tuple[Grain, Kind, str]] = Counter()

    def add(self, workspace_id: str, connected_at: datetime) -> None:
        """Add a workspace whose first account was connected at an instant.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        weeks = max((self._now - max(self._since, connected_at)) / _WEEK, 0.0)
        for grain, series in self._store.watched.counts(workspace_id).items():
            self._series_weeks[grain] += series * weeks
        for one in self._store.anomalies.counted(workspace_id, self._since, self._now):
            key = one["grain"], one["kind"]
            self._counts[(*key, "anomalies")] += one["count"]
            self._counts[(*key, one["status"])] += one["count"]
            self._counts[(*key, "acknowledged")] += one["count"] if one["acknowledged"] else 0

    def rows(self) -> list[AnomalyRow]:
        """Return a row per grain and kind of which there was one."""
        found: list[AnomalyRow] = []
        for grain in _GRAINS:
            for kind in KINDS:
                number = {name: self._counts[grain, kind, name] for name in _NUMBERS}
                if not (count := number["anomalies"]):
                    continue
                row: AnomalyRow = {
                    "grain": grain,
                    "kind": kind,
                    "anomalies": count,
                    "open": number["open"],
                    "ended": number["ended"],
                    "withdrawn": round(number["withdrawn"] / count, 4),
                    "acknowledged": round(number["acknowledged"] / count, 4),
                }
                if kind in _OF_SERIES and self._series_weeks[grain]:
                    row["perWeekAndSeries"] = round(count / self._series_weeks[grain], 4)
                found.append(row)
        return found
