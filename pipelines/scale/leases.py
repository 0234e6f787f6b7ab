"""Leases on steps: while a worker holds a step, it renews a key in Redis every few seconds.

Celery itself does not report that a worker is gone: a step that was acknowledged stays «started» for ever, and with
late acknowledgement a step comes back only after the broker's visibility timeout, which must be longer than the longest
step. An expired lease shows it within seconds, however long steps take.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from celery import bootsteps, signals
from celery.worker import state
from redis import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from pipelines.scale.config import lease_key, worker_key

BEAT_SECONDS = 3.0
LEASE_SECONDS = 12
"""Several beats, so that a worker that is only busy, or a restart of Redis, does not count as a lost worker."""

_log = logging.getLogger(__name__)


class Leases:
    """Leases of workers on steps, by the id of the step's Celery task."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def hold(self, worker: str, task_ids: Iterable[str]) -> None:
        """Set or renew the leases of a worker: one for itself, and one for each of its steps.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for key in (worker_key(worker), *map(lease_key, task_ids)):
                pipe.set(key, worker, ex=LEASE_SECONDS)
            pipe.execute()

    def holder(self, task_id: str) -> str | None:
        """Return the worker that has the lease on a step, or None.

        Raises:
            RedisUnavailable: Redis does not answer, so the holder is unknown.
        """
        with redis_errors():
            found = self._redis.get(lease_key(task_id))
        return found.decode() if isinstance(found, bytes) else None


class KeepLeases(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """The bootstep that renews a worker's leases, in a thread of the worker's main process."""

    requires = ("celery.worker.components:Pool",)
    leases: Leases
    """The app sets this before a worker starts."""

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()
        self._worker: str = parent.hostname

    def start(self, _parent: Any) -> None:
        """Start to take leases: at once for every step that arrives, renewed with every beat."""
        signals.task_received.connect(self._received, weak=False)
        threading.Thread(target=self._beat, name="leases", daemon=True).start()

    def stop(self, _parent: Any) -> None:
        """Stop to renew leases."""
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
