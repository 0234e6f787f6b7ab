"""Quantiles and ranks against numpy, and the laws that they obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.benchmarks.distribution import LEAST_ACCOUNTS, Distribution

VALUES = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(VALUES, min_size=LEAST_ACCOUNTS, max_size=60))
def test_quartiles_are_those_of_type_7(values: list[float]) -> None:
    expected = np.quantile(values, (0.25, 0.5, 0.75), method="linear")
    assert Distribution.of(values).quartiles() == pytest.approx(tuple(expected), rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.integers(-6, 6))
def test_the_rank_counts_lower_values_and_half_of_the_equal_ones(values: list[int], value: int) -> None:
    lower = sum(1 for one in values if one < value)
    equal = sum(1 for one in values if one == value)
    expected = 100 * (lower + equal / 2) / len(values)
    assert Distribution.of(values).percentile_rank(value) == pytest.approx(expected)


@given(st.lists(VALUES, min_size=1, max_size=30), VALUES, VALUES)
def test_a_greater_value_has_no_lower_rank(values: list[float], one: float, other: float) -> None:
    found = Distribution.of(values)
    assert found.percentile_rank(min(one, other)) <= found.percentile_rank(max(one, other))


def test_few_values_have_no_quartiles_and_none_have_no_rank() -> None:
    with pytest.raises(ValueError, match="there must be 5"):
        Distribution.of([1, 2, 3, 4]).quartiles()
    with pytest.raises(ValueError, match="no rank among no values"):
        Distribution.of([]).percentile_rank(1)
