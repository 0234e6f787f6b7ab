"""A step on its way over workers, and what to do when one of them is gone."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.exceptions import WorkerLostError
from celery.result import AsyncResult
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from metrics.errors import RedisUnavailable, TidemarkError
from pipelines.scale.leases import BEAT_SECONDS, Leases

MAX_LOST = 3
"""A step whose worker is gone so often is what kills them."""

_UNREACHABLE = (RedisError, OperationalError, OSError, RedisUnavailable)


class StepLost(TidemarkError):
    """Worker after worker was gone while it had this step in hand."""


class WatchedStep:
    """A step that was submitted; to Dagster's loop it is a result of Celery's that comes also if a worker goes.

    `submit` sends the step to the workers, `say` tells of a lost one.
    """

    def __init__(
        self,
        submit: Callable[[], AsyncResult],
        leases: Leases,
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._submit, self._leases, self._say, self._clock = submit, leases, say, clock
        self._lost = 0
        self._begin()

    def _begin(self) -> None:
        self._result = self._submit()
        self._holder: str | None = None
        self._missing = 0
        self._looked = self._clock()

    def ready(self) -> bool:
        """Tell whether the step ended; if its worker is gone, submit it again. While Redis is away nothing is known."""
        try:
            if self._lost >= MAX_LOST:
                return True
            if self._result.ready():
                return not (isinstance(self._result.result, WorkerLostError) and self._again("its process was killed"))
            return self._is_lost() and not self._again(f"{self._holder} is gone")
        except _UNREACHABLE:
            self._missing = 0
            return False

    def get(self) -> Sequence[Any]:
        """Return the events of the step.

        Raises:
            StepLost: the step was submitted as often as is sensible.
        """
        if self._lost >= MAX_LOST:
            raise StepLost(f"{self._lost} workers were lost while they had this step in hand: look for what kills them")
        events: Sequence[Any] = self._result.get()
        self._result.forget()
        return events

    def revoke(self) -> None:
        """Take the step back if no worker has begun it."""
        self._result.revoke()

    def _is_lost(self) -> bool:
        """Tell whether a worker had the step in hand and no longer has: looked for twice, some beats apart."""
        now = self._clock()
        if now - self._looked < BEAT_SECONDS:
            return False
        self._looked = now
        holder = self._leases.holder(self._result.id)
        self._missing = 0 if holder or not self._holder else self._missing + 1
        self._holder = holder or self._holder
        return self._missing > 1

    def _again(self, why: str) -> bool:
        """Submit the step again; False where that was done often enough."""
        self._lost += 1
        if self._lost >= MAX_LOST:
            return False
        self._say(f"{why}: the step is submitted again")
        self._begin()
        return True
