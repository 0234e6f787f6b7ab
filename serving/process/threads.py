"""A thread pool for calls of the synchronous stores from the event loop: of a fixed size and with a deadline."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from metrics.errors import MongoUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs blocking calls in threads. Create it inside a running event loop."""

    def __init__(self, size: int = 16, deadline: float = 15.0) -> None:
        self._limiter = CapacityLimiter(size)
        self._deadline = deadline
        self._steps = CapacityLimiter(4)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` in a thread and return its result.

        Raises:
            MongoUnavailable: no thread was free, or the call did not end, within the deadline.
        """
        try:
            with anyio.fail_after(self._deadline):
                return await to_thread.run_sync(
                    lambda: call(*args, **kwargs), abandon_on_cancel=True, limiter=self._limiter
                )
        except TimeoutError as error:
            raise MongoUnavailable("the store did not answer in time; try again") from error

    async def step(self, call: Callable[..., T], *args: object) -> T:
        """Run one step of long work in a thread and return its result; such steps take no threads from `run`.

        A caller that is cancelled meanwhile waits until the step has ended, so that two steps of the same work never
        run at once.
        """
        return await to_thread.run_sync(call, *args, limiter=self._steps)
