"""Rolling-origin back-test of one series: what would have been said at earlier times, and how wrong it was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.forecasts import Method
from pipelines.insights.forecasts.intervals import INDEPENDENT, NOMINAL, conformal_quantile, half_widths
from pipelines.insights.forecasts.members import WEEK, Floats, Ints, members

MOST_ORIGINS = 24
LEAST_ORIGINS = 8
BETTER_BY = 0.05
"""By what share the errors of another method must be below those of the combination, to be taken in its place."""
LEAST_TRAINING = 14
"""Days before the oldest origin of a daily series."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """A back-test, and the forecast of the method that it chose.

    `errors` are actual less forecast in log1p, of shape `(origins, days ahead)`, with NaN for days without a value; of
    hourly series, these are hours. `said` and `actual` are values of that shape. `forecast` is in log1p, from the end
    of the series. `scale` is the mean absolute difference of values a season apart, by which errors are divided: a
    week of daily series, a day of hourly ones. `skill` is the share by which the error is below that of the seasonal
    naive forecast, 0 where that is the method. The errors of one origin in one bucket count as `independent` ones.
    """

    method: Method
    forecast: Floats
    errors: Floats
    said: Floats
    actual: Floats
    scale: float
    mase: float
    skill: float
    independent: float = INDEPENDENT

    @property
    def origins(self) -> int:
        """The number of origins."""
        return len(self.errors)

    def widths(self, pooled: Sequence[tuple[int, int]], miss: float) -> Floats:
        """Return how far the interval that misses the share `miss` reaches to each side in log1p, by day ahead."""
        return half_widths(self.errors, pooled, miss, self.independent)

    def coverage(self, name: str, pooled: Sequence[tuple[int, int]]) -> float:
        """Return the share of values inside the interval `name`, each origin by the errors of the other ones."""
        inside = known = 0
        for origin in range(self.origins):
            others = np.delete(self.errors, origin, axis=0)
            own = np.abs(self.errors[origin])
            widths = half_widths(others, pooled, NOMINAL[name], self.independent)
            inside += int(np.count_nonzero(own <= widths))
            known += int(np.count_nonzero(~np.isnan(own)))
        return inside / max(known, 1)

    def total_width(self, days: int, miss: float) -> float | None:
        """Return how far log1p of the sum of the first days or hours reaches to each side; None with too few sums."""
        said = np.maximum(self.said[:, :days].sum(axis=1), 0.0)
        sums = np.log1p(self.actual[:, :days].sum(axis=1)) - np.log1p(said)
        whole = sums[~np.isnan(sums)]
        return conformal_quantile(np.abs(whole), miss, len(whole)) if len(whole) >= LEAST_ORIGINS else None


def origins_of(length: int, horizon: int, training: int = LEAST_TRAINING) -> Ints:
    """Return up to 24 origins a quarter of the horizon apart, oldest first; closer together in a short series.

    After each there are `horizon` values, and before each at least `training`.
    """
    room = length - horizon - training
    if room < 0:
        return np.zeros(0, dtype=np.int64)
    step = max(1, min(round(horizon / 4), room // (LEAST_ORIGINS - 1)))
    count = min(MOST_ORIGINS, room // step + 1)
    return length - horizon - step * np.arange(count - 1, -1, -1)


Learn = Callable[[Floats, Ints, Mapping[Method, Floats]], Floats | None]
"""A challenger: from a series in log1p, origins, and what each method says from them, to what it says itself."""


def backtest(values: Floats, horizon: int, learn: Learn | None = None) -> Backtest | None:
    """Return the back-test of a daily series, or None if it has fewer than eight origins or nothing to compare.

    Values are not negative; NaN is a day without one. Nothing that is said from an origin depends on later values.
    """
    origins = origins_of(len(values), horizon)
    if len(origins) < LEAST_ORIGINS:
        return None
    z, ends = np.log1p(values), np.append(origins, len(values))
    said = members(z, ends, horizon).tried
    tried: dict[Method, Floats] = {name: said[name] for name in ("combination", "drift", "seasonal_naive")}
    return judged(values, origins, tried, WEEK, learned=learn(z, ends, said) if learn else None)


def judged(
    values: Floats,
    origins: Ints,
    tried: Mapping[Method, Floats],
    season: int,
    independent: float = INDEPENDENT,
    learned: Floats | None = None,
) -> Backtest | None:
    """Return the back-test of the method that errs least of those that were tried; None if there is nothing to compare.

    `tried` has what each method says in log1p, from each origin and, in the last row, from the end of the series. The
    combination stays unless another method is better by 5 %, or repeating the last season is as good. `learned` is what
    a challenger says, and is taken where it is better by 5 % than the method that was chosen without it.
    """
    differences = np.abs(values[season:] - values[:-season])
    if np.isnan(differences).all():
        return None
    horizon = tried["combination"].shape[1]
    actual = values[origins[:, None] + np.arange(horizon)]
    errors = {method: _mean_error(actual, said[:-1]) for method, said in tried.items()}
    method: Method = "combination"
    for other in tried:
        if other != "seasonal_naive" and errors[other] < min((1 - BETTER_BY) * errors["combination"], errors[method]):
            method = other
    if errors[method] >= errors["seasonal_naive"]:
        method = "seasonal_naive"
    chosen = tried[method]
    if learned is not None and _mean_error(actual, learned[:-1]) < (1 - BETTER_BY) * errors[method]:
        errors["learned"], chosen, method = _mean_error(actual, learned[:-1]), learned, "learned"
    scale = float(np.nanmean(differences))
    return Backtest(
        method=method,
        forecast=chosen[-1],
        errors=np.log1p(actual) - chosen[:-1],
        said=np.expm1(chosen[:-1]),
        actual=actual,
        scale=scale,
        mase=errors[method] / scale if scale > 0 else 0.0,
        skill=1 - errors[method] / errors["seasonal_naive"] if method != "seasonal_naive" else 0.0,
        independent=independent,
    )


def _mean_error(actual: Floats, said: Floats) -> float:
    errors = np.abs(actual - np.expm1(said))
    return float(np.nanmean(errors)) if not np.isnan(errors).all() else float("inf")
