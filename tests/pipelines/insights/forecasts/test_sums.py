"""The sum of daily series: the days that all of them reach, and no value where one has none."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.insights.forecasts.series import DailySeries
from pipelines.insights.forecasts.sums import sum_of

DAY_0 = date(2026, 1, 1)
VALUES = st.one_of(st.none(), st.integers(0, 100))


@st.composite
def by_day(draw: st.DrawFn) -> dict[date, float]:
    """Values by day; some days have none."""
    first = draw(st.integers(0, 10))
    values = draw(st.lists(VALUES, min_size=1, max_size=15))
    found = {DAY_0 + timedelta(days=first + n): float(v) for n, v in enumerate(values) if v is not None}
    return found or {DAY_0: 1.0}


@given(st.lists(by_day(), min_size=1, max_size=4))
def test_sum_has_the_days_that_all_series_have(several: list[dict[date, float]]) -> None:
    series = [one for days in several if (one := DailySeries.of(days, DAY_0 + timedelta(days=60))) is not None]
    found = sum_of(series)
    common = sorted(set.intersection(*(set(days) for days in several)))
    if not common:
        assert found is None
        return
    assert found is not None
    assert (found.first, found.last) == (common[0], common[-1])
    expected = {day: sum(days[day] for days in several) for day in common}
    for n, value in enumerate(found.values):
        day = found.first + timedelta(days=n)
        assert value == expected[day] if day in expected else np.isnan(value)


def test_nothing_has_no_sum() -> None:
    assert sum_of([]) is None
