"""Calls of the store in threads: deadlines that reach MongoDB, and places that only an ended call gives back."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest

from metrics.errors import MongoUnavailable
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.observations import ObservationLog
from serving.process.threads import Threads
from tests.serving.conftest import reading, serving
from tests.waiting import until

SLOW = {"$where": "sleep(60000) || true"}


class SlowQuery:
    """A query that takes a minute, and can be found among the operations of MongoDB."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._comment = uuid4().hex

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Run the query."""
        return list(self._store.db["accounts"].find(SLOW, comment=self._comment))

    def runs(self) -> bool:
        """Tell whether MongoDB works on it."""
        mine = {"$match": {"active": True, "command.comment": self._comment}}
        return bool(list(self._store.client.admin.aggregate([{"$currentOp": {}}, mine])))


async def awaited(condition: Callable[[], bool], seconds: float = 10) -> None:
    await anyio.to_thread.run_sync(until, condition, seconds)


def in_loop(work: Callable[[], Awaitable[None]]) -> None:
    anyio.run(work)


def test_query_ends_with_the_deadline_of_its_caller(seeded: Store) -> None:
    query = SlowQuery(seeded)

    async def work() -> None:
        with pytest.raises(MongoUnavailable):
            await Threads(seeded, deadline=1.0).run(query)
        await awaited(lambda: not query.runs(), 5)

    in_loop(work)


@pytest.mark.parametrize("name", ["run", "step"])
def test_query_of_a_cancelled_caller_is_killed(seeded: Store, name: str) -> None:
    query = SlowQuery(seeded)

    async def work() -> None:
        call = asyncio.ensure_future(getattr(Threads(seeded), name)(query))
        await awaited(query.runs)
        call.cancel()
        await awaited(lambda: not query.runs(), 5)
        with pytest.raises(asyncio.CancelledError):
            await call

    in_loop(work)


def test_all_queries_of_a_cancelled_caller_are_killed_and_no_other_is(seeded: Store) -> None:
    first, second, other = SlowQuery(seeded), SlowQuery(seeded), SlowQuery(seeded)

    def both() -> None:
        try:
            first()
        finally:
            second()

    async def work() -> None:
        threads = Threads(seeded)
        calls = [asyncio.ensure_future(threads.run(call)) for call in (both, other)]
        await awaited(lambda: first.runs() and other.runs())
        calls[0].cancel()
        await awaited(lambda: not first.runs() and not second.runs(), 5)
        assert other.runs()
        calls[1].cancel()
        await awaited(lambda: not other.runs(), 5)
        assert not second.runs()

    in_loop(work)


def test_steps_run_one_at_a_time_and_give_way_to_calls(seeded: Store) -> None:
    """Each step takes 0.2 s. If there was a call meanwhile, the next one waits as long again."""
    began: list[float] = []
    running = 0
    most = 0

    def step() -> None:
        nonlocal running, most
        began.append(time.monotonic())
        running += 1
        most = max(most, running)
        threading.Event().wait(0.2)
        running -= 1

    async def work(calls: int) -> float:
        threads = Threads(seeded)
        steps = [asyncio.ensure_future(threads.step(step)) for _ in range(2)]
        await awaited(lambda: running == 1)
        for _ in range(calls):
            await threads.run(seeded.ping)
        await asyncio.gather(*steps)
        return began[-1] - began[-2]

    assert anyio.run(work, 0) >= 0.2
    assert anyio.run(work, 1) >= 0.4
    assert most == 1


def test_abandoned_call_keeps_its_place_until_its_thread_ends(seeded: Store) -> None:
    release = threading.Event()

    async def work() -> None:
        threads = Threads(seeded, size=1, deadline=0.2)
        with pytest.raises(MongoUnavailable):
            await threads.run(release.wait)
        with pytest.raises(MongoUnavailable):
            await threads.run(seeded.ping)
        await threads.probe(seeded.ping)
        release.set()

        async def pinged() -> bool:
            try:
                await threads.run(seeded.ping)
            except MongoUnavailable:
                return False
            return True

        while not await pinged():
            pass

    in_loop(work)


def test_query_ends_when_the_client_that_waits_for_it_leaves(
    seeded: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = SlowQuery(seeded)
    monkeypatch.setattr(ObservationLog, "page", query)
    with serving(settings) as url, reading(url, seeded) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/analytics/workspace/w1/metrics", timeout=httpx.Timeout(60, read=1))
        until(lambda: not query.runs())


def test_query_goes_on_while_another_client_waits_for_it(
    seeded: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Semaphore(0), threading.Event()
    page = ObservationLog.page

    def slow(*args: Any, **named: Any) -> Any:
        entered.release()
        release.wait(20)
        return page(*args, **named)

    monkeypatch.setattr(ObservationLog, "page", slow)
    with serving(settings) as url, reading(url, seeded) as leaving, reading(url, seeded) as staying:
        answers: list[int] = []
        path = "/analytics/workspace/w1/metrics"
        waits = threading.Thread(target=lambda: answers.append(staying.get(path).status_code))
        waits.start()
        assert entered.acquire(timeout=60)
        with pytest.raises(httpx.ReadTimeout):
            leaving.get(path, timeout=httpx.Timeout(60, read=0.5))
        release.set()
        waits.join()
        assert answers == [200]
        assert not entered.acquire(blocking=False)


def test_long_calls_of_one_owner_leave_most_threads_to_others(seeded: Store) -> None:
    """One key that reads without a pause must not keep the reads of another one waiting for a thread."""
    release, running = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        running.release()
        release.wait(30)

    async def work() -> None:
        threads = Threads(seeded, size=12, deadline=30)
        held = [asyncio.ensure_future(threads.run_for("greedy", hold)) for _ in range(20)]
        for _ in range(3):
            assert await anyio.to_thread.run_sync(running.acquire, True, 10)
        assert await asyncio.wait_for(threads.run_for("other", lambda: "read"), 60) == "read"
        assert await asyncio.wait_for(threads.run(lambda: "checked"), 60) == "checked"
        assert not running.acquire(blocking=False), "no more than a quarter of the threads hold"
        held[-1].cancel()
        release.set()
        done, _ = await asyncio.wait(held, timeout=20)
        assert len(done) == len(held)
        assert await threads.run_for("greedy", lambda: "again") == "again"

    in_loop(work)


def test_call_that_ends_too_late_for_its_share_leaves_it_as_it_was(seeded: Store) -> None:
    release = threading.Event()

    async def work() -> None:
        threads = Threads(seeded, size=2, deadline=0.3)
        for _ in range(2):
            with pytest.raises(MongoUnavailable):
                await threads.run_for("greedy", release.wait)
        assert await threads.run_for("other", lambda: "read") == "read", "the second call never had a thread"
        release.set()

        async def read() -> bool:
            try:
                return await threads.run_for("greedy", lambda: True)
            except MongoUnavailable:
                return False

        while not await read():
            pass

    in_loop(work)
