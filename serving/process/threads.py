"""Synchronous stores from the event loop: a fixed number of threads of their own, and a deadline."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from metrics.errors import MongoUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs blocking calls beside the loop; build it inside a running loop."""

    def __init__(self, size: int = 16, deadline: float = 15.0) -> None:
        self._limiter = CapacityLimiter(size)
        self._deadline = deadline
        self._steps = CapacityLimiter(4)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns.

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
        """Return what `call` returns: a step of long work, which keeps no thread from short calls.

        Who is cancelled meanwhile waits until the step has ended: the next one may not meet it at work.
        """
        return await to_thread.run_sync(call, *args, limiter=self._steps)
