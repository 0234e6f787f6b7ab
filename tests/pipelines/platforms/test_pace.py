"""Tests of the pace of calls: workers share it, no 60 seconds have too many calls, and Redis may be away."""

from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import pytest
from redis import Redis

from metrics.redis.keys import pace_key
from pipelines.platforms.pace import SharedPace
from tidemark.stack.ports import HOST, free_port

PER_MINUTE = 600
AT_ONCE = 500
"""Redis keeps the instants of 570 calls."""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers are told how long to wait, and do not; the clock of a process that paces its own calls stands still."""
    stopped = SimpleNamespace(sleep=lambda _: None, monotonic=lambda: 1_000.0)
    monkeypatch.setattr("pipelines.platforms.pace.time", stopped)


def reserve(waits: list[Callable[[str], float]], count: int) -> list[float]:
    """Reserve so many calls from several workers in several threads at the same time; return how long each waits."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda number: waits[number % len(waits)]("list"), range(count)))


def instants(redis: Redis, waits: list[Callable[[str], float]], count: int) -> list[float]:
    """Return when so many calls may be sent, in seconds of Redis's clock; they are reserved at the same time.

    Redis has the instants. A test that added the waits to a clock of its own would see its own delays.
    """
    found: list[float] = []
    while len(found) < count:
        several = min(count - len(found), AT_ONCE)
        reserve(waits, several)
        kept = redis.lrange(pace_key("tiktok", "list"), 0, several - 1)
        found += [float(instant) / 1_000_000 for instant in kept]
    return sorted(found)


def most_in_a_minute(found: list[float]) -> int:
    return max(bisect_left(found, first + 60) - number for number, first in enumerate(found))


def test_two_workers_together_keep_below_the_limit_and_use_most_of_it(redis_client: Redis) -> None:
    workers = [SharedPace(redis_client, "tiktok", PER_MINUTE) for _ in range(2)]
    found = instants(redis_client, [worker.wait for worker in workers], 2_000)
    assert 0.9 * PER_MINUTE < most_in_a_minute(found) <= 0.95 * PER_MINUTE + 2
    assert found[-1] - found[0] < 1.1 * 60 * 2_000 / PER_MINUTE


def test_calls_that_are_five_seconds_late_do_not_exceed_the_limit(redis_client: Redis) -> None:
    shared = SharedPace(redis_client, "tiktok", PER_MINUTE)
    found = instants(redis_client, [shared.wait], 1_200)
    late = sorted(at + 5 if number < 570 else at for number, at in enumerate(found))
    assert most_in_a_minute(late) <= PER_MINUTE


def test_each_endpoint_has_its_own_window_which_is_filled_at_once(redis_client: Redis) -> None:
    shared = SharedPace(redis_client, "tiktok", PER_MINUTE)
    for endpoint in ("list", "query"):
        waits = [shared.wait(endpoint) for _ in range(572)]
        assert waits[:570] == [0.0] * 570
        assert min(waits[570:]) > 30


def test_calls_without_a_burst_keep_apart_from_the_first_one_on(redis_client: Redis) -> None:
    workers = [SharedPace(redis_client, "tiktok", PER_MINUTE) for _ in range(2)]
    found = instants(redis_client, [partial(worker.wait, burst=False) for worker in workers], 60)
    assert max(bisect_left(found, first + 1) - number for number, first in enumerate(found)) <= 10


def test_reservation_does_not_stay_for_ever(redis_client: Redis) -> None:
    SharedPace(redis_client, "tiktok", PER_MINUTE).wait("list")
    assert 0 < redis_client.ttl(pace_key("tiktok", "list")) <= 66


def test_smallest_limit_is_one_call_a_minute(redis_client: Redis) -> None:
    shared = SharedPace(redis_client, "tiktok", 1)
    # A wait is shorter by the time that has passed since the call before it.
    assert [shared.wait("list") for _ in range(3)] == pytest.approx([0, 65, 130], abs=4)


def test_without_redis_a_run_paces_its_own_calls() -> None:
    away = Redis(host=HOST, port=free_port(), socket_connect_timeout=0.2)
    found = sorted(reserve([SharedPace(away, "tiktok", PER_MINUTE).wait], 1_300))
    assert 0.9 * PER_MINUTE < most_in_a_minute(found) <= 0.95 * PER_MINUTE + 2
