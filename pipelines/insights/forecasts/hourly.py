"""Forecasts of the next 48 hours of hourly series, with the same back-test and intervals as those of days."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from metrics.forecasts import HOURS_AHEAD, HOURS_SPANS, Caveat, Method, Refusal
from metrics.periods import HOUR
from pipelines.insights.forecasts.backtest import judged, origins_of
from pipelines.insights.forecasts.challenger.model import Challenger
from pipelines.insights.forecasts.double_seasonal import DAY, WEEK, smoothed
from pipelines.insights.forecasts.forecast import Forecast, from_backtest, named
from pipelines.insights.forecasts.hourly_series import HourlySeries
from pipelines.insights.forecasts.intervals import INDEPENDENT, NOMINAL, buckets
from pipelines.insights.forecasts.members import Floats, Ints, median

WEEKS = 4
"""The weeks whose same hours are looked at."""
_BACK = WEEK * np.arange(1, WEEKS + 1)
LEAST_TRAINING = 8 * DAY
"""Hours before the oldest origin of a back-test."""
BUCKETS = (3, 6, 12, 24, 48)
"""The last hour ahead of each bucket, in which the errors of a back-test are pooled."""
INDEPENDENT_COUNTS = 12.0
"""The errors of one origin in one bucket count as this many independent ones: up to 24 hours of counts are in it."""
_FEW_MISSING = 0.1


def smoothed_series(found: Sequence[HourlySeries]) -> list[Floats]:
    """Return what double seasonal smoothing says of series of counts: from each origin of the back-test and the end.

    All series are smoothed at once, which takes a tenth of the time.
    """
    if not found:
        return []
    begin, end = min(one.first for one in found), max(one.last for one in found) + HOUR
    z = np.full((len(found), (end - begin) // HOUR), np.nan)
    origins = []
    for row, one in enumerate(found):
        first = (one.first - begin) // HOUR
        z[row, first : first + len(one.values)] = np.log1p(np.maximum(one.values, 0.0))
        origins.append(first + hourly_origins(one))
    return smoothed(z, origins, HOURS_AHEAD)


def forecast_hours(
    series: HourlySeries,
    end: datetime,
    misses: Mapping[str, float] = NOMINAL,
    *,
    said: Floats | None = None,
    challenger: Challenger | None = None,
) -> Forecast | Refusal:
    """Return the forecast of a series that is not refused, as known at an instant, or why there is none.

    A series of counts comes with what smoothing says of it (`smoothed_series`); one without is of levels, whose hours
    do not add up. `misses` is the share of values that each interval may miss. The `challenger` is tried as well.
    """
    values, origins = np.maximum(series.values, 0.0), hourly_origins(series)
    z = np.log1p(values)
    tried = of_levels(z, origins) if said is None else of_counts(z, origins, said)
    independent = INDEPENDENT if said is None else INDEPENDENT_COUNTS
    learned = None
    if challenger is not None:
        instants = [series.first + int(origin) * HOUR for origin in origins]
        learned = challenger.said(z, origins, instants, tried, DAY, level=said is None)
    tested = judged(values, origins[:-1], tried, DAY, independent, learned)
    if tested is None or (pooled := buckets(tested.errors, BUCKETS)) is None:
        return "too_few"
    caveats = _caveats(series, end, tested.method)
    found = from_backtest(series, tested, pooled, misses, () if said is None else HOURS_SPANS, caveats)
    return named(found, challenger, series.last + HOUR)


def of_counts(z: Floats, origins: Ints, said: Floats) -> dict[Method, Floats]:
    """Return what each method says of counts from each origin, of shape `(origins, hours ahead)`.

    The combination is the median of four members: the same hours of the last week, those of the last day, the median of
    the same hours in the last four weeks, and smoothing.
    """
    ahead = origins[:, None] + np.arange(HOURS_AHEAD)
    seasonal_naive = _at(_filled(z, WEEK), ahead - WEEK)
    yesterday = _at(_filled(z, DAY), origins[:, None] - DAY + np.arange(HOURS_AHEAD) % DAY)
    four_weeks = median(_at(z, ahead[:, :, None] - _BACK))
    return {
        "combination": median(np.stack([seasonal_naive, yesterday, four_weeks, said], axis=-1)),
        "smoothing": said,
        "four_weeks": four_weeks,
        "seasonal_naive": seasonal_naive,
    }


def of_levels(z: Floats, origins: Ints) -> dict[Method, Floats]:
    """Return what each method says of levels from each origin, of shape `(origins, hours ahead)`.

    The drift is the last value, and what was gained from the same hour on: the median of the last four weeks. The
    combination is the median of the last value, the drift, and the trend of up to four weeks.
    """
    ahead = origins[:, None] + np.arange(HOURS_AHEAD)
    newest = _carried(z)
    last = np.repeat(_at(newest, origins - 1)[:, None], HOURS_AHEAD, axis=1)
    gains = _at(z, ahead[:, :, None] - _BACK) - _at(newest, origins[:, None] - 1 - _BACK)[:, None, :]
    drift = last + median(gains)
    span = np.minimum(origins - 1, WEEKS * WEEK)
    slope = (newest[origins - 1] - newest[origins - 1 - span]) / span
    trend = last + slope[:, None] * np.arange(1, HOURS_AHEAD + 1)
    return {
        "combination": median(np.stack([last, drift, trend], axis=-1)),
        "drift": drift,
        "seasonal_naive": _at(_filled(z, WEEK), ahead - WEEK),
    }


def hourly_origins(series: HourlySeries) -> Ints:
    """Return the origins of the back-test of a series, and its end."""
    length = len(series.values)
    return np.append(origins_of(length, HOURS_AHEAD, LEAST_TRAINING), length)


def _filled(z: Floats, season: int) -> Floats:
    """Return the series with each missing hour replaced by the newest value a number of seasons before it, if any."""
    filled = z.copy()
    for hour in np.flatnonzero(np.isnan(z)):
        if hour >= season:
            filled[hour] = filled[hour - season]
    return filled


def _carried(z: Floats) -> Floats:
    """Return the series with each missing hour replaced by the newest value before it; the first hour has one."""
    known = np.where(np.isnan(z), 0, np.arange(len(z)))
    return z[np.maximum.accumulate(known)]


def _at(values: Floats, index: Ints) -> Floats:
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def _caveats(series: HourlySeries, end: datetime, method: Method) -> tuple[Caveat, ...]:
    missing = 1 - series.observed / len(series.values)
    found: dict[Caveat, bool] = {
        "no_better_than_last_week": method == "seasonal_naive",
        "newest_hours_missing": series.last + HOUR < end or bool(np.isnan(series.values[-DAY:]).any()),
        "hours_missing": missing > _FEW_MISSING,
        "history_cut": series.cut,
        "negative_as_zero": bool(np.nanmin(series.values) < 0),
    }
    return tuple(name for name, holds in found.items() if holds)
