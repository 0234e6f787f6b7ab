"""The learned model by itself: NumPy says what scikit-learn says, equal rows give equal trees, nothing is foreseen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from metrics.forecasts import Method
from pipelines.insights.forecasts.challenger.features import COUNT, features
from pipelines.insights.forecasts.challenger.model import Challenger, Learned, fit
from pipelines.insights.forecasts.challenger.trees import Trees
from pipelines.insights.forecasts.members import members
from tests.examples import tried

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def rows_of(seed: int, count: int = 3000) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, COUNT))
    rows[random.random(rows.shape) < 0.1] = np.nan
    return rows, np.nan_to_num(rows[:, 0]) * 0.5 + (np.nan_to_num(rows[:, 4]) > 0) + random.normal(0, 0.1, count)


@settings(tried(5, nightly=50))
@given(st.integers(0, 1000))
def test_trees_say_what_scikit_learn_says_also_after_they_were_stored(seed: int) -> None:
    rows, targets = rows_of(seed)
    with threadpool_limits(1):
        model = HistGradientBoostingRegressor(max_iter=8, max_depth=5, early_stopping=False).fit(rows, targets)
    trees = Trees.of(model)
    other, _ = rows_of(seed + 1, 200)
    assert trees.predict(other) == pytest.approx(model.predict(other), abs=1e-9)
    assert np.array_equal(Trees.from_bytes(trees.to_bytes()).predict(other), trees.predict(other))


def test_equal_rows_give_equal_bytes() -> None:
    rows, targets = rows_of(1)
    assert fit(rows, targets).to_bytes() == fit(rows.copy(), targets.copy()).to_bytes()


def constant(value: float) -> Trees:
    """Return trees that always say a value."""
    nothing = np.zeros((0, 1))
    whole = np.zeros((0, 1), dtype=np.int64)
    return Trees(value, 0, whole, nothing, whole, whole, nothing, np.zeros((0, 1), dtype=np.bool_))


def test_each_origin_is_answered_by_the_newest_model_that_knew_nothing_later() -> None:
    days = [10, 40, 70]
    challenger = Challenger([Learned(str(day), FIRST + timedelta(days=day), constant(day)) for day in days])
    z, origins = np.log1p(np.arange(1.0, 101.0)), np.array([39, 40, 69, 70, 99])
    instants = [FIRST + timedelta(days=int(one)) for one in origins]
    of: dict[Method, Any] = {"combination": np.zeros((5, 7))}
    found = challenger.said(z, origins, instants, of, 7, level=False)
    assert found is not None
    assert found[:, 0].tolist() == [10, 40, 40, 70, 70]
    assert challenger.said(z, np.array([9]), [FIRST + timedelta(days=9)], {"combination": np.zeros((1, 7))}, 7,
                           level=False) is None, "no model is so old"  # fmt: skip


@settings(tried(20, nightly=500))
@given(st.integers(20, 99), st.integers(0, 10**6))
def test_features_of_an_origin_do_not_depend_on_later_days(origin: int, other: int) -> None:
    z = np.log1p(np.random.default_rng(2).poisson(200, 100).astype(float))
    changed = z.copy()
    changed[origin:] = np.log1p(other)

    def seen(some: Any) -> Any:
        at = np.array([origin])
        return features(some, at, members(some, at, 28).tried, 7, level=False)

    assert np.array_equal(seen(z), seen(changed), equal_nan=True)
