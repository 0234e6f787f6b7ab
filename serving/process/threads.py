"""A thread pool for calls of the synchronous stores from the event loop: of a fixed size and with a deadline.

A call whose caller has left, because the client went away or the deadline passed, keeps its place in the pool until its
thread has ended: otherwise any number of abandoned queries could run. So that this is soon, the deadline is also that
of the commands in MongoDB (`pymongo.timeout`), and the command of an abandoned call is killed there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import pymongo
from anyio import CapacityLimiter, to_thread

from metrics.errors import MongoUnavailable
from metrics.store import Store
from metrics.store.running import Work, kill
from serving.process.fair_shares import FairShares, hold

P = ParamSpec("P")
T = TypeVar("T")

_KILL_SECONDS = 0.2
"""How often the present command of an abandoned call is killed, until its thread has ended."""
_PROBE_SECONDS = 3.0
_LONGEST_PAUSE_SECONDS = 0.5
"""How long the next step of long work waits at most."""
_SHARES = 4
"""An owner's share of the threads for calls that may take long is one of so many."""
_NO_ANSWER = "the store did not answer in time; try again"
_NO_THREAD = "no thread was free in time; send fewer requests at once, or try again"

Enter = Callable[[ExitStack], Awaitable[None]]
"""Waits until a call may begin, and puts what it then holds on the stack."""


class Threads:
    """Runs blocking calls in threads. Create it inside a running event loop."""

    def __init__(self, store: Store, size: int = 16, deadline: float = 15.0, cores: int | None = None) -> None:
        self._store = store
        self._deadline = deadline
        self._places = asyncio.Semaphore(size)
        self.shares = FairShares(max(1, size // _SHARES), cores)
        """The shares of the owners of `run_for`; tell it of every request of an owner (`note`)."""
        self._step_place = asyncio.Semaphore(1)
        self._calls = 0
        """How many calls of `run`, `run_for` and `probe` there were so far."""
        self._probe_place = asyncio.Semaphore(1)
        self._killing: set[asyncio.Task[None]] = set()
        self._any = CapacityLimiter(size + 2)
        self._killers = CapacityLimiter(2)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` in a thread and return its result.

        Raises:
            MongoUnavailable: no thread was free, or the call did not end, within the deadline.
        """
        return await self._within(self._deadline, partial(hold, self._places), lambda: call(*args, **kwargs))

    async def run_for(self, owner: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read that may take long, or a write, in a thread and return its result.

        All such calls of one owner together occupy at most a quarter of the threads of `run`. Further ones wait, so
        that the calls of other owners find a thread. While other owners are active, an owner that works without a pause
        has one call at a time and waits between them (`fair_shares`), so that the others find a core, too.

        Raises:
            MongoUnavailable: no thread was free, or the call did not end, within the deadline.
        """

        async def enter(held: ExitStack) -> None:
            await self.shares.enter(owner, held)
            await hold(self._places, held)
            held.callback(self.shares.charge, owner, time.monotonic())

        return await self._within(self._deadline, enter, lambda: call(*args, **kwargs))

    async def probe(self, call: Callable[[], T]) -> T:
        """Run a health check in a thread of its own, which no other work can occupy.

        Raises:
            MongoUnavailable: the check did not end within a few seconds.
        """
        return await self._within(_PROBE_SECONDS, partial(hold, self._probe_place), call)

    async def step(self, call: Callable[..., T], *args: object) -> T:
        """Run one step of long work in a thread and return its result; such steps take no threads from `run`.

        One step runs at a time: the threads of a process share one interpreter, and a step computes. If calls of `run`
        began meanwhile, the next step waits as long as this one took, so that long work takes half of the time at most.

        A caller that is cancelled meanwhile waits until the step has ended, so that two steps of the same work never
        run at once. The step ends soon, because its command in MongoDB is killed.
        """
        loop = asyncio.get_running_loop()
        async with self._step_place:
            began, calls = loop.time(), self._calls
            work = Work()
            try:
                running = asyncio.ensure_future(self._in_thread(work, None, lambda: call(*args)))
                result = await asyncio.shield(running)
            except asyncio.CancelledError:
                self._abandon(work)
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([running])
                raise
            if self._calls != calls:
                await asyncio.sleep(min(loop.time() - began, _LONGEST_PAUSE_SECONDS))
            return result

    async def _within(self, seconds: float, enter: Enter, call: Callable[[], T]) -> T:
        self._calls += 1
        ends = asyncio.get_running_loop().time() + seconds
        problem = _NO_THREAD
        try:
            async with asyncio.timeout(seconds):
                held = await _entered(enter)
                problem = _NO_ANSWER
                work = Work()
                left = ends - asyncio.get_running_loop().time()
                running = asyncio.ensure_future(self._in_thread(work, left, call))
                running.add_done_callback(lambda done: _free(held, done))
                try:
                    return await asyncio.shield(running)
                except asyncio.CancelledError:
                    self._abandon(work)
                    raise
        except TimeoutError as error:
            raise MongoUnavailable(problem) from error

    async def _in_thread(self, work: Work, seconds: float | None, call: Callable[[], T]) -> T:
        def run() -> T:
            try:
                with work.running(), pymongo.timeout(seconds):
                    return call()
            finally:
                work.ended.set()

        return await to_thread.run_sync(run, limiter=self._any)

    def _abandon(self, work: Work) -> None:
        task = asyncio.create_task(self._kill(work))
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)

    async def _kill(self, work: Work) -> None:
        while not work.ended.is_set():
            await to_thread.run_sync(kill, self._store.client, work, limiter=self._killers)
            await asyncio.sleep(_KILL_SECONDS)


async def _entered(enter: Enter) -> ExitStack:
    """Return what a call holds that may begin; if the caller is cancelled meanwhile, all of it is given back."""
    with ExitStack() as held:
        await enter(held)
        return held.pop_all()


def _free(held: ExitStack, ended: "asyncio.Task[T]") -> None:
    """Give back what a call held that has ended. The error of a call that nobody waits for is of no use."""
    held.close()
    if not ended.cancelled():
        ended.exception()
