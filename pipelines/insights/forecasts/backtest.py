"""Rolling-origin back-test of one series: what would have been said on earlier days, and how wrong it was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.forecasts import Method
from pipelines.insights.forecasts.intervals import NOMINAL, conformal_quantile, half_widths
from pipelines.insights.forecasts.members import WEEK, Floats, Ints, members

MOST_ORIGINS = 24
LEAST_ORIGINS = 8
BETTER_BY = 0.05
"""By what share the errors of the drifting member must be below those of the combination, to be taken in its place."""
LEAST_TRAINING = 14
"""Days before the oldest origin."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """A back-test, and the forecast of the method that it chose.

    `errors` are actual less forecast in log1p, of shape `(origins, days ahead)`, with NaN for days without a value.
    `said` and `actual` are values of that shape. `forecast` is in log1p, from the end of the series. `scale` is the
    mean absolute difference of values a week apart, by which errors are divided; `skill` is the share by which the
    error is below that of the seasonal naive forecast, 0 where that is the method.
    """

    method: Method
    forecast: Floats
    errors: Floats
    said: Floats
    actual: Floats
    scale: float
    mase: float
    skill: float

    @property
    def origins(self) -> int:
        """The number of origins."""
        return len(self.errors)

    def coverage(self, name: str, pooled: Sequence[tuple[int, int]]) -> float:
        """Return the share of values inside the interval `name`, each origin by the errors of the other ones."""
        inside = known = 0
        for origin in range(self.origins):
            others = np.delete(self.errors, origin, axis=0)
            own = np.abs(self.errors[origin])
            inside += int(np.count_nonzero(own <= half_widths(others, pooled, NOMINAL[name])))
            known += int(np.count_nonzero(~np.isnan(own)))
        return inside / max(known, 1)

    def total_width(self, days: int, miss: float) -> float | None:
        """Return how far log1p of the sum over the first days reaches to each side; None with too few whole sums."""
        sums = np.log1p(self.actual[:, :days].sum(axis=1)) - np.log1p(self.said[:, :days].sum(axis=1))
        whole = sums[~np.isnan(sums)]
        return conformal_quantile(np.abs(whole), miss, len(whole)) if len(whole) >= LEAST_ORIGINS else None


def origins_of(days: int, horizon: int) -> Ints:
    """Return up to 24 origins a quarter of the horizon apart, oldest first; closer together in a short series.

    After each there are `horizon` days, and before each at least 14.
    """
    room = days - horizon - LEAST_TRAINING
    if room < 0:
        return np.zeros(0, dtype=np.int64)
    step = max(1, min(round(horizon / 4), room // (LEAST_ORIGINS - 1)))
    count = min(MOST_ORIGINS, room // step + 1)
    return days - horizon - step * np.arange(count - 1, -1, -1)


def backtest(values: Floats, horizon: int) -> Backtest | None:
    """Return the back-test of a series, or None if it has fewer than eight origins or nothing to compare.

    Values are not negative; NaN is a day without one. Nothing that is said from an origin depends on later values.
    """
    origins = origins_of(len(values), horizon)
    differences = np.abs(values[WEEK:] - values[:-WEEK])
    if len(origins) < LEAST_ORIGINS or np.isnan(differences).all():
        return None
    z = np.log1p(values)
    found = members(z, np.append(origins, len(values)), horizon)
    actual = values[origins[:, None] + np.arange(horizon)]
    tried: dict[Method, Floats] = {
        "combination": found.combination, "drift": found.drifting, "seasonal_naive": found.seasonal_naive
    }  # fmt: skip
    errors = {method: _mean_error(actual, said[:-1]) for method, said in tried.items()}
    method: Method = "drift" if errors["drift"] < (1 - BETTER_BY) * errors["combination"] else "combination"
    if errors[method] >= errors["seasonal_naive"]:
        method = "seasonal_naive"
    chosen = tried[method]
    said = np.expm1(chosen[:-1])
    scale = float(np.nanmean(differences))
    return Backtest(
        method=method,
        forecast=chosen[-1],
        errors=np.log1p(actual) - chosen[:-1],
        said=said,
        actual=actual,
        scale=scale,
        mase=errors[method] / scale if scale > 0 else 0.0,
        skill=1 - errors[method] / errors["seasonal_naive"] if method != "seasonal_naive" else 0.0,
    )


def _mean_error(actual: Floats, said: Floats) -> float:
    errors = np.abs(actual - np.expm1(said))
    return float(np.nanmean(errors)) if not np.isnan(errors).all() else float("inf")
