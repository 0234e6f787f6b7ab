"""A submitted step that is submitted again when its worker is gone."""

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
"""Lost workers after which a step fails: then the step itself probably kills them."""

_UNREACHABLE = (RedisError, OperationalError, OSError, RedisUnavailable)


class StepLost(TidemarkError):
    """Too many workers in a row were lost while they executed this step."""


class WatchedStep:
    """A submitted step with the interface of Celery's `AsyncResult`, for dagster-celery's loop.

    `submit` sends the step to the workers. `say` is called with a message when a worker was lost.
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
        """Tell whether the step ended; if its worker is gone, submit it again. False while Redis does not answer."""
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
            StepLost: the step's worker was lost `MAX_LOST` times.
        """
        if self._lost >= MAX_LOST:
            raise StepLost(f"{self._lost} workers were lost while they executed this step: find out what kills them")
        events: Sequence[Any] = self._result.get()
        self._result.forget()
        return events

    def revoke(self) -> None:
        """Cancel the step if no worker has begun it."""
        self._result.revoke()

    def _is_lost(self) -> bool:
        """Tell whether a worker had a lease on the step, and two checks in a row, a beat apart, found none."""
        now = self._clock()
        if now - self._looked < BEAT_SECONDS:
            return False
        self._looked = now
        holder = self._leases.holder(self._result.id)
        self._missing = 0 if holder or not self._holder else self._missing + 1
        self._holder = holder or self._holder
        return self._missing > 1

    def _again(self, why: str) -> bool:
        """Submit the step again and return True; return False if `MAX_LOST` is reached."""
        self._lost += 1
        if self._lost >= MAX_LOST:
            return False
        self._say(f"{why}: the step is submitted again")
        self._begin()
        return True
