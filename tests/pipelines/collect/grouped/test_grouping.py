"""A grouped function works on the arguments of all waiting threads at once, and answers each of them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.errors import MongoUnavailable
from pipelines.collect.grouped.grouping import Grouped
from tests.waiting import until


class Doubling:
    """Doubles numbers; holds the first group until it is let go. 13 is refused, and takes a whole group with it."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = Event()

    def __call__(self, numbers: list[int]) -> list[int]:
        self.groups.append(numbers)
        self.go.wait(10)
        if 13 in numbers:
            raise ValueError("13 cannot be doubled")
        return [2 * number for number in numbers]


def in_one_group(work: Callable[[list[int]], list[int]], go: Event, numbers: list[int]) -> list[Future[int]]:
    """Call for 0 first, and for `numbers` while that call is under way; return the calls for `numbers`."""
    grouped = Grouped(work)
    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(grouped, 0)
        until(lambda: first.running() and grouped._busy and not grouped._waiting)
        calls = [pool.submit(grouped, number) for number in numbers]
        until(lambda: len(grouped._waiting) == len(numbers))
        go.set()
    assert first.result() == 0
    return calls


def test_calls_that_come_while_one_is_under_way_are_one_group() -> None:
    work = Doubling()
    calls = in_one_group(work, work.go, [1, 2, 3])
    assert [call.result() for call in calls] == [2, 4, 6]
    assert work.groups[0] == [0]
    assert sorted(work.groups[1]) == [1, 2, 3]
    assert len(work.groups) == 2


def test_an_argument_that_cannot_be_worked_on_fails_only_its_own_call() -> None:
    work = Doubling()
    right, wrong, other = in_one_group(work, work.go, [1, 13, 3])
    assert (right.result(), other.result()) == (2, 6)
    with pytest.raises(ValueError, match="13 cannot be doubled"):
        wrong.result()


def test_a_server_that_does_not_answer_is_asked_once_for_the_whole_group() -> None:
    go, asked = Event(), list[list[int]]()

    def work(numbers: list[int]) -> list[int]:
        asked.append(numbers)
        go.wait(10)
        if numbers != [0]:
            raise MongoUnavailable("no answer")
        return numbers

    for call in in_one_group(work, go, [1, 2, 3]):
        with pytest.raises(MongoUnavailable):
            call.result()
    assert len(asked) == 2


def test_a_call_after_a_failed_one_is_worked_on() -> None:
    work = Doubling()
    work.go.set()
    grouped = Grouped(work)
    with pytest.raises(ValueError, match="13"):
        grouped(13)
    assert grouped(4) == 8


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 8))
def test_each_call_gets_its_own_result_in_any_number_of_threads(numbers: list[int], threads: int) -> None:
    work = Doubling()
    work.go.set()
    grouped = Grouped(work)

    def outcome(number: int) -> int | None:
        try:
            return grouped(number)
        except ValueError:
            return None

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(outcome, numbers))
    assert found == [None if number == 13 else 2 * number for number in numbers]
