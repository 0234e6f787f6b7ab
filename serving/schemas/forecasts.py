"""The shape of the answer of `forecasts`."""

from typing import Literal

from pydantic import ConfigDict, Field, StrictBool

from metrics.catalog import Unit
from metrics.documents import Platform
from metrics.forecasts import Caveat, Method, Refusal
from serving.schemas.base import Count, Day, Instant, Meta, Shape, absent

NoForecastReason = Literal[Refusal, "not_supported", "not_yet_available", "not_additive", "terms"]
NoTotalReason = Literal["not_additive", "too_few"]


class NoForecast(Shape):
    """Why nothing is said of a series."""

    reason: NoForecastReason = Field(
        description="no_observation: the metric was never observed; too_short: fewer days than the horizon needs; "
        "too_sparse: too many days without a value; definition_changed: too few days since the metric's definition "
        "changed; constant: the same value on every day; rounded: the platform rounds the numbers; stale: no value in "
        "the last week; too_few: the back-test has too few errors for intervals; not_supported: the platform lacks the "
        "metric; not_yet_available: no forecast was made yet; not_additive: people whom a platform counts once do not "
        "add up over accounts; terms: the platform's terms demand a consent."
    )


class ForecastPoint(Shape):
    """The forecast of one day."""

    date: Day = Field(description="The day, by the workspace's calendar.")
    value: float = Field(description="The middle of what is expected.")
    lo80: float = Field(description="The value lies between `lo80` and `hi80` on four days of five.")
    hi80: float = Field(description="The upper bound of the 80 % interval.")
    lo95: float = Field(description="The value lies between `lo95` and `hi95` on nineteen days of twenty.")
    hi95: float = Field(description="The upper bound of the 95 % interval.")


class HourlyForecastPoint(Shape):
    """The forecast of one hour."""

    at: Instant = Field(description="The start of the hour.")
    value: float = Field(description="The middle of what is expected: a gain in the hour, or a level in it.")
    lo80: float = Field(description="The value lies between `lo80` and `hi80` in four hours of five.")
    hi80: float = Field(description="The upper bound of the 80 % interval.")
    lo95: float = Field(description="The value lies between `lo95` and `hi95` in nineteen hours of twenty.")
    hi95: float = Field(description="The upper bound of the 95 % interval.")


class ForecastPool(Shape):
    """Whether the series of a workspace are learned from, together with those of other workspaces."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pooled": True}]})

    pooled: StrictBool = Field(
        description="True: models that all workspaces use learn from the numbers of this workspace, without names."
    )


class ForecastPoolAnswer(Shape):
    """Whether the series of a workspace are learned from."""

    data: ForecastPool


class ForecastTotal(Shape):
    """The forecast of the sum over the horizon; its interval is from sums of the back-test."""

    value: float = Field(description="The sum of the points.")
    lo80: float = Field(description="The lower bound of the 80 % interval.")
    hi80: float = Field(description="The upper bound of the 80 % interval.")


class ForecastBacktest(Shape):
    """How good the method was on earlier days of the same series."""

    origins: Count = Field(description="From how many earlier days it was tried.")
    mase: float = Field(
        description="The mean absolute error, in mean absolute differences of days a week apart; below 1 is better "
        "than such a difference."
    )
    skill: float = Field(
        description="The share by which the error is below that of repeating the last week; 0: it is no better, so the "
        "last week is the forecast."
    )
    coverage80: float = Field(description="The share of earlier values inside 80 % intervals from the other origins.")
    coverage95: float = Field(description="The share of earlier values inside 95 % intervals from the other origins.")


class HourlyBacktest(Shape):
    """How good the method was at earlier hours of the same series."""

    origins: Count = Field(description="From how many earlier hours it was tried.")
    mase: float = Field(
        description="The mean absolute error, in mean absolute differences of hours a day apart; below 1 is better "
        "than such a difference."
    )
    skill: float = Field(
        description="The share by which the error is below that of repeating the last week; 0: it is no better, so the "
        "last week is the forecast."
    )
    coverage80: float = Field(description="The share of earlier values inside 80 % intervals from the other origins.")
    coverage95: float = Field(description="The share of earlier values inside 95 % intervals from the other origins.")


class NoHourlyForecast(Shape):
    """Why nothing is said of the next hours of a series."""

    reason: NoForecastReason = Field(
        description="no_observation: no hour has a value, as of posts that are read less often; too_short: fewer than "
        "14 days of hours; too_sparse: fewer than 85 % of the hours of the last 14 days have a value; "
        "definition_changed: too few hours since the metric's definition changed; constant: the same value in every "
        "hour; rounded: the platform rounds the numbers; stale: no value in the last day; too_few: the back-test has "
        "too few errors for intervals; not_supported: the platform lacks the metric; not_yet_available: no forecast "
        "was made yet; terms: the platform's terms demand a consent."
    )


class SaidForecast(Shape):
    """The forecast of one series: points and their evidence, or why there are none."""

    model: str = absent("The version of the method.")
    made_at: Instant = absent("When it was said.")
    origin: Day = absent("The newest day with a value; the forecast is of the days after it.")
    trained_from: Day = absent("The first day of the history.")
    trained_to: Day = absent("The last day of the history.")
    expected: Count = absent("The days of the history.")
    observed: Count = absent("The days of the history with a value.")
    method: Method = absent(
        "combination: the median of four simple forecasts; drift: the one of them that follows the drift of the last "
        "weeks; seasonal_naive: the last week again; learned: the combination, corrected by a model of all accounts."
    )
    learned_model: str = absent("With `learned`: the model, and the day before which it learned.")
    points: list[ForecastPoint] = absent("A point for each day of the horizon.")
    total: ForecastTotal = absent("The sum over the horizon, if the metric adds up over days.")
    total_unavailable: NoTotalReason = absent("Why there is no total.")
    backtest: ForecastBacktest = absent("How good the method was on earlier days.")
    caveats: list[Caveat] = absent(
        "no_better_than_last_week: the last week is repeated; newest_days_missing: a day of the last week has none; "
        "days_missing: more than a tenth of the days have none; history_cut: the metric's definition changed before "
        "the first day; negative_as_zero: values below zero count as zero."
    )
    unavailable: NoForecast = absent("Why there are no points.")


class AccountForecast(SaidForecast):
    """The forecast of one account."""

    account_id: str
    platform: Platform


class SumOfAccounts(Shape):
    """What a forecast of the sum over a workspace's accounts is about."""

    account_ids: list[str] = absent("The accounts in the sum: those that have a forecast of their own.")
    left_out: list[str] = absent("The other accounts that have the metric.")
    difference: float = absent(
        "The sum's total less the totals of its accounts; without totals, the difference at the last point. They are "
        "forecast from different histories, so they differ."
    )


class WorkspaceForecast(SumOfAccounts, SaidForecast):
    """The forecast of the sum over a workspace's accounts, from the history of that sum."""


class SaidHourlyForecast(Shape):
    """The forecast of the next hours of one series: points and their evidence, or why there are none."""

    model: str = absent("The version of the method.")
    made_at: Instant = absent("When it was said.")
    origin: Instant = absent("The start of the newest hour with a value; the forecast is of the hours after it.")
    trained_from: Instant = absent("The start of the first hour of the history.")
    trained_to: Instant = absent("The start of the last hour of the history.")
    expected: Count = absent("The hours of the history.")
    observed: Count = absent("The hours of the history with a value.")
    method: Method = absent(
        "combination: the median of several simple forecasts; smoothing: double seasonal exponential smoothing; "
        "four_weeks: the median of the same hours in the last four weeks; drift: "
        "the newest value, and what was gained from the same hour on in the last weeks; seasonal_naive: the same hours "
        "of the last week again; learned: the combination, corrected by a model of all accounts."
    )
    learned_model: str = absent("With `learned`: the model, and the day before which it learned.")
    points: list[HourlyForecastPoint] = absent("A point for each hour of the horizon.")
    total: ForecastTotal = absent("The sum over the horizon, if the metric adds up over hours.")
    total_unavailable: NoTotalReason = absent("Why there is no total.")
    backtest: HourlyBacktest = absent("How good the method was at earlier hours.")
    caveats: list[Caveat] = absent(
        "no_better_than_last_week: the last week is repeated; newest_hours_missing: an hour of the last day has none; "
        "hours_missing: more than a tenth of the hours have none; history_cut: the metric's definition changed before "
        "the first hour; negative_as_zero: values below zero count as zero."
    )
    unavailable: NoHourlyForecast = absent("Why there are no points.")


class AccountHourlyForecast(SaidHourlyForecast):
    """The forecast of the next hours of one account."""

    account_id: str
    platform: Platform


class WorkspaceHourlyForecast(SumOfAccounts, SaidHourlyForecast):
    """The forecast of the next hours of the sum over a workspace's accounts, from the history of that sum."""


class HourlyForecastData(Shape):
    """The forecasts of one metric by hour, by account and for the whole workspace."""

    metric: str = Field(description="The metric, by its name in rollups.")
    unit: Unit
    horizon: Count = Field(description="The number of hours.")
    forecasts: list[AccountHourlyForecast] = Field(description="One per account, by the id of the account.")
    workspace: WorkspaceHourlyForecast = absent("The sum over all accounts; not with `accountId`.")


class HourlyForecasts(Shape):
    """The forecasts of the next hours of a metric for several accounts, with intervals and evidence."""

    data: HourlyForecastData
    meta: Meta


class ForecastData(Shape):
    """The forecasts of one metric, by account and for the whole workspace."""

    metric: str = Field(description="The metric, by its name in rollups.")
    unit: Unit
    horizon: Count = Field(description="The number of days.")
    forecasts: list[AccountForecast] = Field(description="One per account, by the id of the account.")
    workspace: WorkspaceForecast = absent("The sum over all accounts; not with `accountId`.")


class Forecasts(Shape):
    """The forecasts of a metric for several accounts, with intervals and evidence."""

    data: ForecastData
    meta: Meta
