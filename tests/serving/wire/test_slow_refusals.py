"""Refusals of clients that send too much wait for a moment, and only so many of them."""

import asyncio
import threading

import httpx
import pytest

from metrics.store import Store
from serving.__main__ import Server
from serving.wire import slow_refusals


def test_refusals_above_the_limit_are_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_refusals, "MOST", 3)
    monkeypatch.setattr(slow_refusals, "SECONDS", 60)

    async def work() -> None:
        waiting = [asyncio.create_task(slow_refusals.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.wait_for(slow_refusals.wait(), 30)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        # The place of a refusal that ended is free again.
        waiting.append(asyncio.create_task(slow_refusals.wait()))
        await asyncio.sleep(0)
        assert not waiting[-1].done()
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    asyncio.run(work())


def test_refusal_waits_and_other_keys_do_not(
    live: tuple[str, Server], seeded: Store, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, passed = threading.Event(), threading.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.to_thread(passed.wait, 60)

    monkeypatch.setattr(slow_refusals, "wait", wait)
    key, _ = seeded.keys.create("slow", ["w1"], ["read"], rate_limit=1)

    async def work() -> None:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=live[0], headers=headers) as limited:
            assert (await limited.get("/analytics/metrics")).status_code == 200
            refused = asyncio.create_task(limited.get("/analytics/metrics"))
            while not waits.is_set():
                assert (await asyncio.to_thread(client.get, "/analytics/metrics")).status_code == 200
            assert not refused.done()
            passed.set()
            assert (await refused).status_code == 429

    asyncio.run(work())
