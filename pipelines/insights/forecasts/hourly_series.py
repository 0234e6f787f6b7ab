"""An hourly series, and the reasons for which it is not forecast."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np

from metrics.forecasts import Refusal
from metrics.periods import HOUR
from pipelines.insights.forecasts.series import Floats, Series, refused_values

HISTORY_HOURS = 8 * 168
"""The newest hours that are used."""
NEEDED_HOURS = 14 * 24
"""The hours that a series must have."""
OBSERVED = 0.85
"""The share of the last fourteen days that must have a value."""
STALE_HOURS = 24
"""A series whose newest value is older than this has ended, or is not collected at present."""


@dataclass(frozen=True, slots=True)
class HourlySeries(Series[datetime]):
    """Values of consecutive hours."""

    STEP: ClassVar[timedelta] = HOUR

    @classmethod
    def of(
        cls, begin: datetime, values: Floats, *, cut: bool = False, hours: int = HISTORY_HOURS
    ) -> "HourlySeries | None":
        """Return the last `hours` values of the hours from `begin` on; None if there is no value."""
        known = np.flatnonzero(~np.isnan(values[-hours:])) + max(len(values) - hours, 0)
        if not len(known):
            return None
        first, last = int(known[0]), int(known[-1])
        return cls(begin + first * HOUR, values[first : last + 1], cut)

    def origin_of(self, said: Mapping[str, Any]) -> datetime:
        """Return the newest hour that a document of hours knew."""
        origin: datetime = said["origin"]
        return origin

    def ended(self, at: datetime) -> datetime:
        """Return the end of an hour."""
        return at + HOUR


def refused(series: HourlySeries, end: datetime) -> Refusal | None:
    """Return why a series is not forecast from an instant on; None if it may be."""
    if end - series.last > (STALE_HOURS + 1) * HOUR:
        return "stale"
    if len(series.values) < NEEDED_HOURS:
        return "definition_changed" if series.cut else "too_short"
    newest = series.values[-NEEDED_HOURS:]
    if np.count_nonzero(~np.isnan(newest)) < OBSERVED * NEEDED_HOURS:
        return "too_sparse"
    return refused_values(newest)
