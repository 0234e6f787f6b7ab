"""Tests of the fair semaphore: its bound on concurrency, and the order in which threads are admitted."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from pipelines.platforms.http.fair_semaphore import FairSemaphore
from tests.waiting import until


def test_no_more_threads_than_the_bound_are_inside_at_once() -> None:
    semaphore, lock, inside, most = FairSemaphore(3), Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with semaphore:
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert inside == 0
    assert 1 <= most <= 3


def test_waiting_thread_is_admitted_before_a_returning_one() -> None:
    semaphore, waits, order = FairSemaphore(1), Event(), []

    def wait() -> None:
        waits.set()
        with semaphore:
            order.append("waited")

    with ThreadPoolExecutor(1) as pool:
        with semaphore:
            waiting = pool.submit(wait)
            waits.wait()
            until(lambda: len(semaphore._waiting) == 1)
        with semaphore:
            order.append("returned")
        waiting.result()
    assert order == ["waited", "returned"]
