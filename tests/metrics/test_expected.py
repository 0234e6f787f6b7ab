"""The hours of an account that count as expected."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.expected import Connection, connected_again
from tests.metrics.accounts import BASE, DAY, HOUR, account, changes, hours

_days = st.integers(-3, 18)


@given(changes(), _days, st.integers(1, 9))
def test_rule_equals_counting_hour_by_hour(instants: list[Any], first: int, length: int) -> None:
    start, end = BASE + first * DAY, BASE + (first + length) * DAY
    one = account("a", "instagram", instants)
    found, wanted = Connection.of(one), hours(one, start, end)
    assert found.hours(start, end) == len(wanted)
    assert found.expected(start, end) == bool(wanted)
    assert found.throughout(start, end) == (len(wanted) == (end - start) // HOUR)
    assert sum((last - begin) // HOUR for begin, last in found.within(start, end)) == len(wanted)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [([0], True), ([24 * 60 - 1], True), ([24 * 60], False), ([-60, 0], False), ([-60, 59], False), ([-60, 60], True)],
)
def test_edges_of_a_day(minutes: list[int], expected: bool) -> None:
    one = account("a", "instagram", [BASE + timedelta(minutes=n) for n in minutes])
    assert Connection.of(one).expected(BASE, BASE + DAY) == expected


def test_account_connected_and_disconnected_within_an_hour_was_never_expected() -> None:
    one = account("a", "instagram", [BASE + timedelta(minutes=5), BASE + timedelta(minutes=50)])
    assert Connection.of(one).spans == ()


def test_account_connected_again_keeps_the_time_without_it() -> None:
    gone, back = BASE + DAY, BASE + 3 * DAY
    one: Any = account("a", "instagram", [BASE, gone])
    assert connected_again(one, back) == [{"disconnectedAt": gone, "connectedAt": back}]
    again: Any = {**one, "disconnections": connected_again(one, back)}
    again.pop("disconnectedAt")
    assert connected_again(again, back + DAY) == again["disconnections"]
    assert [Connection.of(again).expected(BASE + n * DAY, BASE + (n + 1) * DAY) for n in range(5)] == [
        True, False, False, True, True,
    ]  # fmt: skip
