"""Series of days or hours, and the reasons for which a daily one is not forecast."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from metrics.forecasts import Refusal
from metrics.periods import DAY, midnight

Floats = NDArray[np.float64]
At = TypeVar("At", bound=date)
"""The day or the hour of a value: a date, or the instant at which an hour begins."""

HISTORY_DAYS = 400
"""The newest days that are used."""
NEEDED = {28: (56, 48), 7: (28, 24)}
"""By horizon in days, longest first: the days that a series must have, and how many of them with a value."""
STALE_DAYS = 7
"""A series whose newest value is older than this has ended."""
_ROUNDED_FROM = 1000
_ROUNDED_TO = 10
_ROUNDED_VALUES = 3


@dataclass(frozen=True, slots=True)
class Series(ABC, Generic[At]):
    """Values of consecutive days or hours from `first` to the newest with a value; NaN is one without, and never 0.

    `cut` tells that older values were left out, because their definition is another one.
    """

    STEP: ClassVar[timedelta]

    first: At
    values: Floats
    cut: bool = False

    @property
    def last(self) -> At:
        """The newest day or hour, which has a value."""
        return self.first + (len(self.values) - 1) * self.STEP

    @property
    def observed(self) -> int:
        """The number of days or hours with a value."""
        return int(np.count_nonzero(~np.isnan(self.values)))

    def value(self, at: At) -> float | None:
        """Return the value of a day or hour, or None if it has none."""
        index = (at - self.first) // self.STEP
        if not 0 <= index < len(self.values) or np.isnan(self.values[index]):
            return None
        return float(self.values[index])

    @abstractmethod
    def origin_of(self, said: Mapping[str, Any]) -> At:
        """Return the origin of an earlier forecast of this series, from its stored document."""

    @abstractmethod
    def ended(self, at: At) -> datetime:
        """Return the instant at which a day or hour has ended, in UTC."""


@dataclass(frozen=True, slots=True)
class DailySeries(Series[date]):
    """Values of consecutive days."""

    STEP: ClassVar[timedelta] = timedelta(days=1)

    @classmethod
    def of(cls, by_day: Mapping[date, float], until: date, *, cut: bool = False) -> "DailySeries | None":
        """Return the last 400 days until a day, from the first to the newest value; None if there is no value."""
        days = [day for day in by_day if until - timedelta(days=HISTORY_DAYS) < day <= until]
        if not days:
            return None
        first = min(days)
        values = np.full((max(days) - first).days + 1, np.nan)
        for day in days:
            values[(day - first).days] = by_day[day]
        return cls(first, values, cut)

    def origin_of(self, said: Mapping[str, Any]) -> date:
        """Return the date that a document of days has."""
        return date.fromisoformat(said["origin"])

    def ended(self, at: date) -> datetime:
        """Return the end of the UTC day of a date."""
        return midnight(at) + DAY


def horizon_of(series: DailySeries, until: date) -> int | Refusal:
    """Return for how many days a series can be forecast from a day on, or why it is not forecast."""
    if (until - series.last).days > STALE_DAYS:
        return "stale"
    for horizon, (days, observed) in NEEDED.items():
        if len(series.values) >= days and np.count_nonzero(~np.isnan(series.values[-days:])) >= observed:
            return refused_values(series.values[-days:]) or horizon
    days, _ = NEEDED[7]
    if len(series.values) >= days:
        return "too_sparse"
    return "definition_changed" if series.cut else "too_short"


def refused_values(values: Floats) -> Refusal | None:
    """Return why values say nothing whatever their number: they are all the same, or the platform rounds them."""
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) == 1:
        return "constant"
    large = distinct[distinct >= _ROUNDED_FROM]
    # The platform tells large numbers with few digits: most days are then without any change, and some have a step.
    if len(large) == len(distinct) >= _ROUNDED_VALUES and not np.any(large % _ROUNDED_TO):
        return "rounded"
    return None
