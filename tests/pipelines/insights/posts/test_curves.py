"""Curves: values between readings, unknown where no reading is near, and the same however late they are derived."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.post_curves import POINT, POINTS, slot_hours
from pipelines.insights.posts.curves import Reading, curve, is_open

READINGS = st.lists(st.floats(0.01, 200), max_size=60, unique=True).map(
    lambda ages: [(age, 10 * math.sqrt(age)) for age in sorted(ages)]
)


def at(readings: list[Reading], age: float, known_at: float = 300) -> float | None:
    return curve(readings, known_at)[POINT[age]]


def test_value_lies_between_the_readings_on_both_sides() -> None:
    hourly = [(hour + 0.25, 100.0 * (hour + 0.25)) for hour in range(50)]
    assert at(hourly, 1) == pytest.approx(100)
    assert at(hourly, 0.5) == pytest.approx(50)
    assert at(hourly, 24) == pytest.approx(2400)
    assert at(hourly, 72) is None


def test_post_begins_with_nothing() -> None:
    assert at([(0.8, 8.0)], 0.5) == pytest.approx(5)
    assert at([(1.6, 16.0)], 1) == pytest.approx(10)
    assert at([(30.0, 500.0)], 24) is None, "its first reading is too late to tell"


def test_reading_within_a_slot_is_near_enough_and_one_beyond_it_is_not() -> None:
    assert at([(23.2, 7.0), (40.0, 9.0)], 24) == 7
    assert at([(22.8, 7.0), (40.0, 9.0)], 24) is None
    assert at([(163.0, 7.0)], 168) == 7
    assert at([(161.0, 7.0)], 168) is None
    assert at([(163.0, 7.0)], 168, known_at=170) is None, "a later reading may still come"


@given(READINGS, st.floats(0, 200), st.floats(0, 100))
def test_value_that_is_known_never_changes(readings: list[Reading], age: float, later: float) -> None:
    """No value depends on what was read after it: a leak from the future would change it."""
    before, after = curve(readings, age), curve(readings, age + later)
    for point, old, new in zip(POINTS, before, after, strict=True):
        if not is_open(readings, point, age):
            assert old == new
        if old is not None:
            assert old == new


@given(READINGS, st.sampled_from(POINTS))
def test_value_is_bounded_by_readings_near_the_age(readings: list[Reading], point: float) -> None:
    value = at(readings, point)
    slot = slot_hours(point)
    near = [(0.0, 0.0), *[one for one in readings if point - 2 * slot <= one[0] <= point + slot]]
    if value is not None:
        assert min(v for _, v in near) <= value + 1e-9
        assert value <= max(v for _, v in near) + 1e-9
        assert len(near) > 1, "there is a reading near the age"
    elif any(abs(one[0] - point) <= slot for one in readings):
        pytest.fail("a reading within a slot of the age is enough")
