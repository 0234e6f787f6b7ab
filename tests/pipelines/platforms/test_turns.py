"""Turns: no more than the bound at once, and nobody is overtaken."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from pipelines.platforms.http.turns import Turns
from tests.waiting import until


def test_no_more_than_the_bound_are_in_at_once() -> None:
    turns, lock, inside, most = Turns(3), Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns:
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert inside == 0
    assert 1 <= most <= 3


def test_who_waits_comes_before_who_returns() -> None:
    turns, waits, order = Turns(1), Event(), []

    def wait() -> None:
        waits.set()
        with turns:
            order.append("waited")

    with ThreadPoolExecutor(1) as pool:
        with turns:
            waiting = pool.submit(wait)
            waits.wait()
            until(lambda: len(turns._waiting) == 1)
        with turns:
            order.append("returned")
        waiting.result()
    assert order == ["waited", "returned"]
