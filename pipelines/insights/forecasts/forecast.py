"""`forecast`: what is said of the next days of one series, with intervals and evidence, or why nothing is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from metrics.forecasts import HORIZONS, Caveat, Method, Refusal
from metrics.periods import DAY
from pipelines.insights.forecasts.backtest import Backtest, backtest
from pipelines.insights.forecasts.challenger.model import Challenger
from pipelines.insights.forecasts.intervals import NOMINAL, buckets
from pipelines.insights.forecasts.members import WEEK, Floats, Ints
from pipelines.insights.forecasts.series import At, DailySeries, Series, horizon_of

_FEW_MISSING = 0.1


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over the first days or hours, with the bounds of its 80 % interval."""

    value: float
    lo80: float
    hi80: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast of the days or hours after `trained_to`; each array has a value for each of them.

    `trained_from` and `trained_to` are the first and the last day or hour of the history, `observed` the number of
    those with a value. `totals` are the sums over 7 and 28 days, or 24 and 48 hours, where the metric adds up. `scale`
    is that of the errors (`Backtest`). `learned_model` names the model of all accounts, if that is the method.
    """

    trained_from: date
    trained_to: date
    observed: int
    values: Floats
    lower: Mapping[str, Floats]
    upper: Mapping[str, Floats]
    totals: Mapping[int, Total]
    method: Method
    origins: int
    mase: float
    skill: float
    scale: float
    coverage: Mapping[str, float]
    caveats: tuple[Caveat, ...]
    learned_model: str | None = None

    @property
    def horizon(self) -> int:
        """The number of days or hours."""
        return len(self.values)


def forecast(
    series: DailySeries | None,
    until: date,
    misses: Mapping[str, float] = NOMINAL,
    *,
    additive: bool = True,
    challenger: Challenger | None = None,
) -> Forecast | Refusal:
    """Return the forecast of a series as known at the end of a day, or the reason why there is none.

    `misses` is the share of values that each interval may miss, as adapted so far (`intervals.adapted`). `additive`
    says that the values of several days may be summed up. The `challenger` is tried beside the series' own methods.
    """
    if series is None:
        return "no_observation"
    horizon = horizon_of(series, until)
    if not isinstance(horizon, int):
        return horizon
    first = series.ended(series.first) - DAY

    def learn(z: Floats, origins: Ints, said: Mapping[Method, Floats]) -> Floats | None:
        if challenger is None:
            return None
        instants = [first + int(origin) * DAY for origin in origins]
        return challenger.said(z, origins, instants, said, WEEK, level=not additive)

    tested = backtest(np.maximum(series.values, 0.0), horizon, learn)
    if tested is None or (pooled := buckets(tested.errors)) is None:
        return "too_few"
    found = from_backtest(
        series, tested, pooled, misses, HORIZONS if additive else (), _caveats(series, until, tested.method)
    )
    return named(found, challenger, series.ended(series.last))


def named(found: Forecast | Refusal, challenger: Challenger | None, end: datetime) -> Forecast | Refusal:
    """Return a forecast with the name of the learned model that it is of, if it is of one."""
    if not isinstance(found, Forecast) or found.method != "learned" or challenger is None:
        return found
    model = challenger.newest(end)
    return found if model is None else replace(found, learned_model=model.name)


def from_backtest(
    series: Series[At],
    tested: Backtest,
    pooled: Sequence[tuple[int, int]],
    misses: Mapping[str, float],
    totals: Iterable[int],
    caveats: Iterable[Caveat],
) -> Forecast | Refusal:
    """Return the forecast of the method that a back-test chose, with intervals from its errors.

    `pooled` are the buckets of errors, and `totals` the numbers of first days or hours whose sum is forecast as well.
    """
    if np.isnan(tested.forecast).any():
        return "too_few"
    lower, upper = {}, {}
    for name, miss in misses.items():
        width = tested.widths(pooled, miss)
        lower[name] = _values(tested.forecast - width)
        upper[name] = _values(tested.forecast + width)
    values = _values(tested.forecast)
    return Forecast(
        trained_from=series.first,
        trained_to=series.last,
        observed=series.observed,
        values=values,
        lower=lower,
        upper=upper,
        totals=_totals(tested, values, misses["80"], totals),
        method=tested.method,
        origins=tested.origins,
        mase=tested.mase,
        skill=tested.skill,
        scale=tested.scale,
        coverage={name: tested.coverage(name, pooled) for name in NOMINAL},
        caveats=tuple(caveats),
    )


def _values(z: Floats) -> Floats:
    return np.maximum(np.expm1(z), 0.0)


def _totals(tested: Backtest, values: Floats, miss: float, spans: Iterable[int]) -> dict[int, Total]:
    found = {}
    for days in spans:
        if days <= len(values) and (width := tested.total_width(days, miss)) is not None:
            value = float(values[:days].sum())
            z = np.log1p(value)
            found[days] = Total(value, max(float(np.expm1(z - width)), 0.0), float(np.expm1(z + width)))
    return found


def _caveats(series: DailySeries, until: date, method: Method) -> tuple[Caveat, ...]:
    missing = 1 - series.observed / len(series.values)
    found: dict[Caveat, bool] = {
        "no_better_than_last_week": method == "seasonal_naive",
        "newest_days_missing": series.last < until or bool(np.isnan(series.values[-WEEK:]).any()),
        "days_missing": missing > _FEW_MISSING,
        "history_cut": series.cut,
        "negative_as_zero": bool(np.nanmin(series.values) < 0),
    }
    return tuple(name for name, holds in found.items() if holds)
