"""Forecasts as they are stored and answered: the metrics that have one, and the words of their documents.

`pipelines.insights.forecasts` makes them; docs/insights/forecasts.md describes the method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NotRequired, TypedDict, get_args

from metrics.catalog import CATALOG, Unit, supported
from metrics.documents import Platform
from metrics.periods import HOUR

MODEL = "forecast/1"
"""The version of the method for days: raised when the same rollups would give other numbers."""
CHALLENGER = "challenger/1"
"""The version of the method by which the models of all accounts are learned."""
HOURLY_MODEL = "hourly_forecast/1"
"""The version of the method for hours."""

Refusal = Literal[
    "no_observation", "too_short", "too_sparse", "definition_changed", "constant", "rounded", "stale", "too_few"
]
"""Why nothing is said of a series."""
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)
Caveat = Literal[
    "no_better_than_last_week",
    "newest_days_missing",
    "days_missing",
    "newest_hours_missing",
    "hours_missing",
    "history_cut",
    "negative_as_zero",
]
Method = Literal["combination", "drift", "seasonal_naive", "smoothing", "four_weeks", "learned"]

HORIZONS = (7, 28)
"""The days ahead that can be asked for."""
HOURS_AHEAD = 48
"""The hours ahead that are forecast by hour."""
HOURS_SPANS = (24, HOURS_AHEAD)
"""The first hours whose sum is forecast as well."""
WINDOW = 6 * HOUR
"""Hours are forecast at the end of each of these, from midnight in UTC on."""


@dataclass(frozen=True, slots=True)
class Forecasted:
    """A metric of daily rollups that is forecast.

    `source` is its name in the catalog. `adds_over_days` says that the values of several days may be summed up.
    `counted` says that a day's value is the sum of what its observed hours added, so that missing hours lower it.
    `adds_over_accounts` says that the values of several accounts may be summed up: people who are counted once may not.
    """

    name: str
    source: str
    unit: Unit
    adds_over_days: bool
    counted: bool
    adds_over_accounts: bool

    def offered(self, platform: Platform) -> bool:
        """Tell whether the accounts of a platform have the metric."""
        metric = CATALOG.get(("account", self.source))
        return supported(platform, self.source) if self.counted or metric is None else platform in metric.offers


def _of_account(name: str) -> Forecasted:
    metric = CATALOG["account", name]
    return Forecasted(
        name, name, metric.unit, metric.adds_over_time, counted=False, adds_over_accounts=metric.adds_over_subjects
    )


def _of_posts(name: str) -> Forecasted:
    return Forecasted(
        f"total{name[0].upper()}{name[1:]}", name, "count", adds_over_days=True, counted=True, adds_over_accounts=True
    )


FORECASTED: Mapping[str, Forecasted] = {
    one.name: one
    for one in (
        _of_account("followers"),
        *(_of_posts(name) for name in ("engagement", "views", "impressions")),
        *(_of_account(name) for name in ("reach", "accountViews", "profileViews")),
    )
}
"""The metrics by name, which is that of `aggregatedMetrics`. Rates are not among them: their parts are."""
HOURLY_FORECASTED: Mapping[str, Forecasted] = {name: FORECASTED[name] for name in ("followers", "totalEngagement")}
"""The metrics that are forecast by hour as well."""


class TotalDocument(TypedDict):
    """The sum over the first days, or hours, of a forecast, with the bounds of its 80 % interval."""

    days: int
    value: float
    lo80: float
    hi80: float


class BacktestDocument(TypedDict):
    """How good the method was before; `mase` is in mean absolute differences of days a week apart, or hours a day."""

    origins: int
    mase: float
    skill: float
    coverage80: float
    coverage95: float


class DueDocument(TypedDict):
    """How good earlier forecasts were on the days that came due: sums over `points` pairs of a forecast and a day.

    `error` is the sum of absolute errors, and `expected` that of the errors that the back-tests had promised, both in
    mean absolute differences of days a week apart.
    """

    points: int
    inside80: int
    inside95: int
    error: float
    expected: float


class _SaidDocument(TypedDict):
    """What was said of a series, or why nothing was; a document is never changed.

    `values` and their bounds are of the days or hours after the origin. `misses` has the share of values that each
    interval may miss, as adapted by forecasts that came due. `learnedModel` is the `_id` of the model of all accounts,
    if that is the method. `hindcast` says that it was made long after its time, so that nobody could have read it
    in time.
    """

    _id: str
    workspaceId: str
    metric: str
    madeAt: datetime
    model: str
    runId: str
    expected: int
    observed: int
    misses: dict[str, float]
    due: DueDocument
    values: NotRequired[list[float]]
    lo80: NotRequired[list[float]]
    hi80: NotRequired[list[float]]
    lo95: NotRequired[list[float]]
    hi95: NotRequired[list[float]]
    totals: NotRequired[list[TotalDocument]]
    method: NotRequired[Method]
    backtest: NotRequired[BacktestDocument]
    scale: NotRequired[float]
    learnedModel: NotRequired[str]
    caveats: NotRequired[list[Caveat]]
    unavailable: NotRequired[Refusal]
    hindcast: NotRequired[bool]


class SaidDocument(_SaidDocument):
    """What was said of a daily series. `day` is the date of the partition, `origin` the newest date with a value."""

    day: datetime
    trainedFrom: NotRequired[str]
    origin: NotRequired[str]


class SaidOfHoursDocument(_SaidDocument):
    """What was said of an hourly series.

    `window` is the start of the six hours of the partition, `origin` the start of the newest hour with a value.
    """

    window: datetime
    trainedFrom: NotRequired[datetime]
    origin: NotRequired[datetime]


class HourlyForecastDocument(SaidOfHoursDocument):
    """A document of `hourly_forecasts`, about one account. `_id` is `accountId|metric|window`."""

    accountId: str
    platform: Platform


class WorkspaceHourlyForecastDocument(SaidOfHoursDocument):
    """A document of `workspace_hourly_forecasts`, about the sum over accounts. `_id` is `workspaceId|metric|window`.

    `accountIds` are the accounts in the sum; `leftOut` are the others that have the metric.
    """

    accountIds: list[str]
    leftOut: list[str]


class ForecastDocument(SaidDocument):
    """A document of `forecasts`, about one account. `_id` is `accountId|metric|day`."""

    accountId: str
    platform: Platform


class WorkspaceForecastDocument(SaidDocument):
    """A document of `workspace_forecasts`, about the sum over accounts. `_id` is `workspaceId|metric|day`.

    `accountIds` are the accounts in the sum; `leftOut` are the others that have the metric.
    """

    accountIds: list[str]
    leftOut: list[str]
