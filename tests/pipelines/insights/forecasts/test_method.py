"""The method by itself: no number depends on a later day, equal input gives equal output, and every refusal occurs."""

import math
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.forecasts import HORIZONS, REFUSALS
from pipelines.insights.forecasts.backtest import LEAST_ORIGINS, backtest, origins_of
from pipelines.insights.forecasts.forecast import Forecast, forecast
from pipelines.insights.forecasts.intervals import GAMMA, NOMINAL, adapted, buckets, conformal_quantile
from pipelines.insights.forecasts.members import members
from pipelines.insights.forecasts.series import NEEDED, DailySeries
from tests.pipelines.insights.forecasts.days import weekly

FIRST = date(2025, 1, 1)
SERIES = st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=30, max_size=130)


def by_day(values: Any) -> dict[date, float]:
    return {FIRST + timedelta(days=n): float(value) for n, value in enumerate(values) if value is not None}


def last_of(values: Any) -> date:
    return FIRST + timedelta(days=len(values) - 1)


def said(values: Any, until: date | None = None, **options: Any) -> Any:
    """Return the forecast at the end of a day, in a form that can be compared."""
    until = until or last_of(values)
    found = forecast(DailySeries.of(by_day(values), until), until, **options)
    return found if isinstance(found, str) else repr(asdict(found))


@given(SERIES, st.integers(20, 129))
def test_nothing_depends_on_a_later_day(values: list[int | None], known: int) -> None:
    known = min(known, len(values))
    until = FIRST + timedelta(days=known - 1)
    assert said(values, until) == said(values[:known], until), "the log was cut at the end of the day"
    assert said(values) == said(values), "and equal days give equal numbers"


@given(SERIES, st.integers(15, 100), st.integers(0, 10**6))
def test_back_test_says_from_each_origin_what_was_known_there(
    values: list[int | None], origin: int, other: int
) -> None:
    z = np.log1p(np.array([math.nan if value is None else float(value) for value in values]))
    origin = min(origin, len(values) - 1)
    changed = z.copy()
    changed[origin:] = math.log1p(other)
    for one in ("combination", "seasonal_naive", "smoothed", "drifting", "four_weeks"):
        before, after, alone = (
            getattr(members(some, np.array([origin]), 28), one) for some in (z, changed, z[:origin])
        )
        assert np.array_equal(before, after, equal_nan=True), one
        assert np.array_equal(before, alone, equal_nan=True), one


@given(SERIES)
def test_intervals_hold_the_value_and_each_other_and_never_narrow(values: list[int | None]) -> None:
    series = DailySeries.of(by_day(values), last_of(values))
    found = forecast(series, last_of(values))
    if not isinstance(found, Forecast):
        assert found in REFUSALS
        return
    assert found.horizon in HORIZONS
    low95, low80, high80, high95 = (found.lower["95"], found.lower["80"], found.upper["80"], found.upper["95"])
    for lower, upper in ((low95, low80), (low80, found.values), (found.values, high80), (high80, high95)):
        assert (lower <= upper + 1e-9).all()
    assert (low95 >= 0).all()
    for name in NOMINAL:
        reach = np.log1p(found.upper[name]) - np.log1p(found.values)
        assert (np.diff(reach[found.values > 0]) >= -1e-6).all()


def test_each_horizon_is_tried_from_eight_to_24_origins() -> None:
    for horizon, (least, _) in NEEDED.items():
        for days in range(least, 401):
            origins = origins_of(days, horizon)
            assert LEAST_ORIGINS <= len(origins) <= 24
            assert origins[0] >= 14
            assert origins[-1] == days - horizon
    assert set(np.diff(origins_of(400, 28))) == {7}


REFUSED: dict[str, tuple[list[float | None], int]] = {
    "too_short": ([*weekly(27)], 0),
    "too_sparse": ([*weekly(10), *[None] * 10, *weekly(10)], 0),
    "constant": ([5.0] * 60, 0),
    "rounded": ([12_300.0 + 100 * (day // 9) for day in range(60)], 0),
    "stale": ([*weekly(60)], 8),
    "definition_changed": ([*weekly(20)], 0),
    # Eight origins have 56 errors, and the four days are in 26 of them.
    "too_few": ([*weekly(19), *[None] * 4, *weekly(5)], 0),
    "no_observation": ([None] * 60, 0),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_occurs(reason: str) -> None:
    values, later = REFUSED[reason]
    until = last_of(values) + timedelta(days=later)
    series = DailySeries.of(by_day(values), until, cut=reason == "definition_changed")
    assert forecast(series, until) == reason


def test_four_weeks_need_56_days_and_one_week_28() -> None:
    for days, horizon in ((28, 7), (55, 7), (56, 28), (300, 28)):
        found = forecast(DailySeries.of(by_day(weekly(days)), last_of(range(days))), last_of(range(days)))
        assert isinstance(found, Forecast)
        assert found.horizon == horizon
        assert set(found.totals) == {one for one in HORIZONS if one <= horizon}


def test_weekday_is_found_and_the_last_week_is_repeated_where_nothing_is_better() -> None:
    until = last_of(range(200))
    found = forecast(DailySeries.of(by_day(weekly(200)), until), until)
    assert isinstance(found, Forecast)
    assert found.method == "combination"
    assert 0.1 < found.skill < 0.5
    high = [day for day in range(28) if (200 + day) % 7 == 2]
    assert min(found.values[high]) > max(np.delete(found.values, high))
    assert found.totals[28].value == pytest.approx(28 * 200 * (1 + 0.4 / 7), rel=0.03)
    # A strong pattern that grows by one a week: the last week is nearer than what the other members learn.
    exact = [100.0 * (1 + day % 7) + day // 7 for day in range(100)]
    repeated = forecast(DailySeries.of(by_day(exact), last_of(exact)), last_of(exact))
    assert isinstance(repeated, Forecast)
    assert (repeated.method, repeated.skill) == ("seasonal_naive", 0.0)
    assert repeated.caveats == ("no_better_than_last_week",)
    assert list(repeated.values[:7]) == pytest.approx(exact[-7:])


def test_missing_days_are_not_zero() -> None:
    values: list[float | None] = [*weekly(120)]
    for day in range(3, 120, 11):
        values[day] = None
    with_gaps = forecast(DailySeries.of(by_day(values), last_of(values)), last_of(values))
    assert isinstance(with_gaps, Forecast)
    assert with_gaps.values.min() > 120
    assert with_gaps.observed == 120 - 11


def test_additive_alone_has_totals() -> None:
    until = last_of(range(100))
    found = forecast(DailySeries.of(by_day(weekly(100)), until), until, additive=False)
    assert isinstance(found, Forecast)
    assert found.totals == {}


def test_errors_are_pooled_until_there_are_forty() -> None:
    assert buckets(np.zeros((24, 28))) == [(0, 3), (3, 7), (7, 15), (15, 28)]
    assert buckets(np.zeros((8, 7))) == [(0, 7)]
    assert buckets(np.zeros((40, 7))) == [(0, 1), (1, 3), (3, 7)]
    few = np.zeros((8, 7))
    few[0, :] = few[1, :] = np.nan
    few[2, 0] = few[3, 0] = few[4, 0] = np.nan
    assert buckets(few) is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.sampled_from([0.05, 0.2]))
def test_quantile_holds_the_promised_share(scores: list[int], miss: float) -> None:
    found = conformal_quantile(np.array([*scores, math.nan], dtype=float), miss, independent=len(scores))
    share = sum(score <= found for score in scores) / len(scores)
    assert share >= min(1.0, (1 - miss) * (1 + 1 / len(scores))) - 1e-9
    assert found in scores


def test_intervals_widen_after_misses_and_narrow_after_hits() -> None:
    wider = adapted(NOMINAL, [{"80": 1.0, "95": 1.0}])
    assert wider == pytest.approx({"80": 0.2 - GAMMA * 0.8, "95": 0.05 - GAMMA * 0.95})
    narrower = adapted(NOMINAL, [{"80": 0.0, "95": 0.0}] * 1000)
    assert narrower == pytest.approx({"80": 0.4, "95": 0.1}), "not farther than twice the nominal share"
    values = weekly(200)
    width = {
        share: np.sum(found.upper["80"] - found.lower["80"])
        for share in (0.15, 0.2, 0.3)
        if isinstance(
            found := forecast(
                DailySeries.of(by_day(values), last_of(values)), last_of(values), {"80": share, "95": 0.05}
            ),
            Forecast,
        )
    }
    assert width[0.15] > width[0.2] > width[0.3]


def test_back_test_of_too_little_is_none() -> None:
    assert backtest(np.array(weekly(20)), 7) is None
    assert backtest(np.array([1.0, *[math.nan] * 60]), 28) is None
