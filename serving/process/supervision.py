"""Supervision of long-lived tasks: one that fails is logged, counted, shown in `/readyz`, and started again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from serving.process.measures import TASK_FAILURES

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
CANCEL_AGAIN_SECONDS = 5.0
STEADY_SECONDS = 60.0
"""A task that has run for this long since its last failure counts as healthy again."""


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end.

    A cancellation can get lost: redis-py sends commands within `asyncio.wait_for`, which until Python 3.11 forgets a
    cancellation that comes in the same turn of the event loop as the end of what it waits for. So it is repeated, but
    late, because it would also interrupt the last work of a task.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)


@dataclass(eq=False)
class Supervised:
    """A task that runs until `stop`, and its newest failure."""

    name: str
    run: Callable[[], Awaitable[None]]
    failure: str = ""
    _failed_at: float = 0.0
    _pause: float = field(default_factory=lambda: FIRST_PAUSE)
    _task: "asyncio.Task[None] | None" = field(default=None, init=False)

    @property
    def failing(self) -> bool:
        """True from a failure on, until the task has run for `STEADY_SECONDS` again."""
        return bool(self.failure) and time.monotonic() - self._failed_at < self._pause + STEADY_SECONDS

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._keep_running(), name=self.name)

    async def stop(self) -> None:
        """Cancel the task and wait for its end."""
        if self._task is not None:
            await cancel(self._task)

    async def _keep_running(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self.run()
                failure = "it returned, though it has to run until the process stops"
                log.error("the task %s failed: %s", self.name, failure)
            except Exception as error:
                failure = type(error).__name__
                log.exception("the task %s failed", self.name)
            if time.monotonic() - began >= STEADY_SECONDS:
                self._pause = FIRST_PAUSE
            self._failed_at, self.failure = time.monotonic(), failure
            TASK_FAILURES.labels(self.name).inc()
            log.info("the task %s starts again in %.0f s", self.name, self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)


class Supervisor:
    """The supervised tasks of a process. Create it inside a running event loop."""

    def __init__(self) -> None:
        self._tasks: list[Supervised] = []

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> Supervised:
        """Run a coroutine function until it is stopped, again after each failure; `name` is shown to operators."""
        task = Supervised(name, run)
        self._tasks.append(task)
        TASK_FAILURES.labels(name)
        task.start()
        return task

    async def stop(self, task: Supervised) -> None:
        """End one task."""
        await task.stop()
        self._tasks.remove(task)

    async def close(self) -> None:
        """End all tasks, the newest first."""
        for task in reversed(list(self._tasks)):
            await self.stop(task)

    def failing(self) -> dict[str, str]:
        """Return the names of tasks that failed lately, with the type of the newest error."""
        return {task.name: task.failure for task in self._tasks if task.failing}
