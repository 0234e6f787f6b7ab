"""The method for hours by itself: smoothing as its source describes it, nothing of later hours, and every refusal."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.forecasts import HOURS_AHEAD, HOURS_SPANS, REFUSALS
from metrics.periods import HOUR
from pipelines.insights.forecasts.backtest import LEAST_ORIGINS, origins_of
from pipelines.insights.forecasts.double_seasonal import WEIGHTS, smoothed
from pipelines.insights.forecasts.forecast import Forecast
from pipelines.insights.forecasts.hourly import LEAST_TRAINING, forecast_hours, of_counts, of_levels, smoothed_series
from pipelines.insights.forecasts.hourly_series import HISTORY_HOURS, NEEDED_HOURS, HourlySeries, refused
from tests.examples import tried
from tests.pipelines.insights.forecasts.hours import growing, hourly

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
Values = list[float | None]
GAPS = st.lists(st.tuples(st.integers(0, 419), st.integers(1, 30)), max_size=4)


def series_of(values: Any, until: int | None = None, *, cut: bool = False) -> HourlySeries | None:
    known = [math.nan if value is None else float(value) for value in values][:until]
    return HourlySeries.of(FIRST, np.array(known), cut=cut)


def said(values: Any, until: int | None = None, *, level: bool = False) -> Any:
    """Return what is said of a series at the end of its hours, or of the first of them."""
    series = series_of(values, until)
    if series is None:
        return "no_observation"
    end = FIRST + (len(values) if until is None else until) * HOUR
    if (reason := refused(series, end)) is not None:
        return reason
    return forecast_hours(series, end, said=None if level else smoothed_series([series])[0])


def with_gaps(values: list[float], gaps: list[tuple[int, int]]) -> Values:
    found: Values = [*values]
    for first, length in gaps:
        found[first : first + length] = [None] * len(found[first : first + length])
    return found


def reference(z: list[float], origin: int, alpha: float, delta: float, omega: float) -> tuple[list[float], float]:
    """Return what Taylor's recursions say from an origin, hour by hour, and the discounted squared error until it."""
    known = [t for t in range(origin) if not math.isnan(z[t])]
    week_one = [t for t in known if t < known[0] + 168]
    mean, centre = sum(z[t] for t in week_one) / len(week_one), sum(week_one) / len(week_one)
    slope = sum((z[t] - mean) * (t - centre) for t in week_one) / sum((t - centre) ** 2 for t in week_one)
    flat = {t: z[t] - mean - slope * (t - centre) for t in week_one}
    level = mean + slope * (known[0] - centre)
    day, week = {}, {}
    for hour in range(24):
        same = [flat[t] for t in week_one if t % 24 == hour]
        day[hour] = sum(same) / len(same) if same else 0.0
    for hour in range(168):
        week[hour] = sum(0.5 * (flat[t] - day[t % 24]) for t in week_one if t % 168 == hour)
    left, alike, power, total = 0.0, 0.0, 1e-9, 0.0
    # The level a day before, and what was left of it a day later.
    before = dict.fromkeys(range(24), level)
    for t in range(origin):
        phi = min(max(alike / power, 0.0), 0.99)
        if math.isnan(z[t]):
            alike, power, total, left = alike * 0.995, power * 0.995, total * 0.998, phi * left
            before[t % 24] = level + phi**24 * left
            continue
        error = z[t] - level - day[t % 24] - week[t % 168]
        total = 0.998 * total + (z[t] - before[t % 24] - day[t % 24] - week[t % 168]) ** 2
        alike, power = 0.995 * alike + error * left, 0.995 * power + left * left
        level += alpha * error
        day[t % 24] += delta * (1 - alpha) * error
        week[t % 168] += omega * (1 - alpha) * (1 - delta) * error
        left = error
        before[t % 24] = level + phi**24 * left
    phi = min(max(alike / power, 0.0), 0.99)
    ahead = range(HOURS_AHEAD)
    return [level + day[(origin + h) % 24] + week[(origin + h) % 168] + phi ** (h + 1) * left for h in ahead], total


@settings(tried(5, nightly=100))
@given(GAPS, st.integers(200, 420))
def test_smoothing_follows_the_recursions_with_the_weights_that_erred_least(
    gaps: list[tuple[int, int]], origin: int
) -> None:
    rows = np.log1p([
        [math.nan if value is None else value for value in with_gaps(hourly(420, seed=seed), gaps)] for seed in (1, 2)
    ])  # fmt: skip
    found = smoothed(rows, [np.array([origin]), np.array([210, origin])], HOURS_AHEAD)
    for row, of_row in zip(rows.tolist(), (found[0][0], found[1][1]), strict=True):
        every = [reference(row, origin, *weights) for weights in WEIGHTS.tolist()]
        expected, _ = min(every, key=lambda one: one[1])
        assert of_row == pytest.approx(expected, abs=1e-9)


@settings(tried(15, nightly=500))
@given(GAPS, st.integers(340, 419), st.booleans())
def test_nothing_depends_on_a_later_hour_or_on_other_series(
    gaps: list[tuple[int, int]], known: int, level: bool
) -> None:
    values = with_gaps(growing(420) if level else hourly(420), gaps)
    assert repr(said(values, known, level=level)) == repr(said(values[:known], level=level)), "the log was cut"
    if level:
        return
    here = series_of(values, known)
    other = series_of(hourly(500, mean=3.0, seed=9))
    if here is not None and other is not None and len(here.values) >= NEEDED_HOURS:
        (alone,), (together, _) = smoothed_series([here]), smoothed_series([here, other])
        # Sums over one series are not added up in another order than sums over many.
        assert np.allclose(alone, together, rtol=0, atol=1e-9)


@given(GAPS, st.integers(192, 419), st.integers(0, 10**6), st.booleans())
def test_back_test_says_from_each_origin_what_was_known_there(
    gaps: list[tuple[int, int]], origin: int, other: int, level: bool
) -> None:
    values = with_gaps(hourly(420), [gap for gap in gaps if gap[0] > 0])
    z = np.log1p([math.nan if value is None else value for value in values])
    changed = z.copy()
    changed[origin:] = math.log1p(other)
    at = np.array([origin])

    def of(some: Any) -> Any:
        if level:
            return of_levels(some, at)
        return of_counts(some, at, smoothed(some[None], [at], HOURS_AHEAD)[0])

    before, after, alone = of(z), of(changed), of(z[:origin])
    for method, one in before.items():
        assert np.array_equal(one, after[method], equal_nan=True), method
        assert np.array_equal(one, alone[method], equal_nan=True), method


@settings(tried(15, nightly=500))
@given(GAPS, st.integers(1, 10_000), st.booleans())
def test_intervals_hold_the_value_and_each_other(gaps: list[tuple[int, int]], mean: int, level: bool) -> None:
    found = said(with_gaps(growing(420, mean) if level else hourly(420, mean), gaps), level=level)
    if not isinstance(found, Forecast):
        assert found in REFUSALS
        return
    assert found.horizon == HOURS_AHEAD
    assert set(found.totals) <= (set() if level else set(HOURS_SPANS))
    lower, upper = found.lower, found.upper
    for low, high in (
        (lower["95"], lower["80"]), (lower["80"], found.values), (found.values, upper["80"]), (upper["80"], upper["95"])
    ):  # fmt: skip
        assert (low <= high + 1e-9).all()
    assert (lower["95"] >= 0).all()


def test_fourteen_days_and_more_are_tried_from_eight_to_24_origins() -> None:
    for hours in range(NEEDED_HOURS, HISTORY_HOURS + 1):
        origins = origins_of(hours, HOURS_AHEAD, LEAST_TRAINING)
        assert LEAST_ORIGINS <= len(origins) <= 24
        assert origins[0] >= LEAST_TRAINING
        assert origins[-1] == hours - HOURS_AHEAD
    assert set(np.diff(origins_of(HISTORY_HOURS, HOURS_AHEAD, LEAST_TRAINING))) == {12}


REFUSED: dict[str, tuple[Values, int]] = {
    "too_short": ([*hourly(335)], 0),
    "too_sparse": ([*hourly(200), *[None] * 51, *hourly(160)], 0),
    "constant": ([5.0] * 400, 0),
    "rounded": ([12_300.0 + 100 * (hour // 48) for hour in range(400)], 0),
    "stale": ([*hourly(400)], 25),
    "definition_changed": ([*hourly(300)], 0),
    "no_observation": ([None] * 400, 0),
    # Sunday was never observed, so that nobody knows what the next one is like.
    "too_few": ([None if 144 <= hour % 168 < 152 else value for hour, value in enumerate(hourly(336 + 130))], 0),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_every_refusal_occurs(reason: str) -> None:
    values, later = REFUSED[reason]
    series = series_of(values, cut=reason == "definition_changed")
    end = FIRST + (len(values) + later) * HOUR
    if series is None:
        assert reason == "no_observation"
    elif (found := refused(series, end)) is None:
        assert forecast_hours(series, end) == reason
    else:
        assert found == reason


def test_pattern_of_the_week_is_found_and_smaller_errors_are_chosen() -> None:
    found = said(hourly(4 * 168))
    assert isinstance(found, Forecast)
    assert found.method != "seasonal_naive"
    assert found.skill > 0.1
    expected = 100 * (1 + 0.6 * np.sin(2 * np.pi * np.arange(HOURS_AHEAD) / 24))
    assert found.values == pytest.approx(expected, abs=25)
    assert found.totals[24].value == pytest.approx(2400, rel=0.05)
    total = found.totals[48]
    assert total.lo80 < total.value < total.hi80
    assert total.hi80 - total.value < (found.upper["80"] - found.values).sum() / 2, "hours err in different directions"


def test_level_follows_its_growth_and_not_the_last_week() -> None:
    values = growing(5 * 168)
    found = said(values, level=True)
    assert isinstance(found, Forecast)
    assert found.method in ("combination", "drift")
    assert found.values[[0, -1]] == pytest.approx([values[-1] + 2, values[-1] + 96], abs=25)


def test_growth_of_the_first_week_is_no_season() -> None:
    z = np.log1p(np.array([10_000.0 + 20 * hour for hour in range(400)]))
    (found,) = smoothed(z[None], [np.array([400])], HOURS_AHEAD)
    # A line has no season: what is said lies near its end, and does not fall back by what a week gains.
    assert np.expm1(found[0]) == pytest.approx(np.full(HOURS_AHEAD, 18_000.0), abs=600)


def test_last_week_is_repeated_where_nothing_is_better() -> None:
    pattern = np.random.default_rng(3).integers(0, 1000, 168)
    exact = [float(value) for value in np.tile(pattern, 4)]
    found = said(exact)
    assert isinstance(found, Forecast)
    assert (found.method, found.skill, found.caveats) == ("seasonal_naive", 0.0, ("no_better_than_last_week",))
    assert list(found.values) == pytest.approx(exact[:HOURS_AHEAD])


def test_missing_hours_are_not_zero_and_are_said() -> None:
    values: Values = [*hourly(600)]
    for hour in range(5, 600, 9):
        values[hour] = None
    found = said(values)
    assert isinstance(found, Forecast)
    assert found.values.min() > 20
    assert "hours_missing" in found.caveats
    assert "newest_hours_missing" in found.caveats
    assert found.observed == 600 - 67
