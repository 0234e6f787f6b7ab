"""Leases on steps: while a worker has a step in hand it says so in Redis, every few seconds.

Celery itself never tells that a worker is gone: a step that was acknowledged stays «started» for ever, and one that is
acknowledged late comes back only after the broker's visibility timeout, which has to be longer than the longest step.
A lease that runs out says it within seconds, however long steps take.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from celery import bootsteps, signals
from celery.worker import state
from redis import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import redis_errors
from pipelines.scale.config import lease_key, worker_key

BEAT_SECONDS = 3.0
LEASE_SECONDS = 12
"""Several beats: a worker that is merely busy, or a Redis that restarts, is no lost worker."""

_log = logging.getLogger(__name__)


class Leases:
    """Who has which step in hand, by the id of its Celery task."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def hold(self, worker: str, task_ids: Iterable[str]) -> None:
        """Say that a worker is alive and has these steps in hand.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for key in (worker_key(worker), *map(lease_key, task_ids)):
                pipe.set(key, worker, ex=LEASE_SECONDS)
            pipe.execute()

    def holder(self, task_id: str) -> str | None:
        """Return the worker that has a step in hand, or None.

        Raises:
            RedisUnavailable: Redis does not answer; nothing is known.
        """
        with redis_errors():
            found = self._redis.get(lease_key(task_id))
        return found.decode() if isinstance(found, bytes) else None


class KeepLeases(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """The part of a worker's main process that keeps its leases, in a thread of its own."""

    requires = ("celery.worker.components:Pool",)
    leases: Leases
    """Set by the app, before a worker starts."""

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()
        self._worker: str = parent.hostname

    def start(self, _parent: Any) -> None:
        """Begin: at once for every step that arrives, and again with every beat."""
        signals.task_received.connect(self._received, weak=False)
        threading.Thread(target=self._beat, name="leases", daemon=True).start()

    def stop(self, _parent: Any) -> None:
        """End."""
        self._stopped.set()

    terminate = stop

    def _received(self, request: Any = None, **_: Any) -> None:
        self._hold([request.id])

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            self._hold({request.id for request in (*state.reserved_requests, *state.active_requests)})

    def _hold(self, task_ids: Iterable[str]) -> None:
        try:
            self.leases.hold(self._worker, task_ids)
        except RedisUnavailable as error:
            _log.warning("leases are not renewed: %s", error)
