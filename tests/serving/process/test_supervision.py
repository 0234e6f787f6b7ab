"""Long-lived tasks: each failure is counted and visible, and the task starts again."""

import asyncio
import logging

import anyio
import pytest

from serving.process import supervision
from serving.process.measures import TASK_FAILURES
from serving.process.supervision import Supervisor


def test_failed_task_is_counted_visible_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)

    async def work() -> None:
        supervisor, steady, starts = Supervisor(), asyncio.Event(), 0

        async def run() -> None:
            nonlocal starts
            starts += 1
            if starts == 1:
                raise ValueError("no such thing")
            if starts == 2:
                return
            steady.set()
            await asyncio.Event().wait()

        task = supervisor.start("a test", run)
        await steady.wait()
        assert (starts, list(supervisor.failing())) == (3, ["a test"])
        assert TASK_FAILURES.labels("a test")._value.get() == 2
        monkeypatch.setattr(supervision, "STEADY_SECONDS", -1.0)
        assert supervisor.failing() == {}
        await supervisor.stop(task)
        await supervisor.close()

    with caplog.at_level(logging.INFO):
        anyio.run(work)
    assert any(record.exc_info for record in caplog.records)


def test_stop_lets_a_task_finish_its_last_work() -> None:
    async def work() -> None:
        ended = []

        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append(True)

        supervisor = Supervisor()
        supervisor.start("a test", run)
        await asyncio.sleep(0)
        await supervisor.close()
        assert ended == [True]

    anyio.run(work)


def test_lost_cancellation_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "CANCEL_AGAIN_SECONDS", 0.01)

    async def work() -> None:
        lost: list[bool] = []

        async def run() -> None:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if lost:
                        raise
                    lost.append(True)

        supervisor = Supervisor()
        supervisor.start("a test", run)
        await asyncio.sleep(0)
        with anyio.fail_after(10):
            await supervisor.close()
        assert lost == [True]

    anyio.run(work)
