"""Report how many accounts a collection is done with, in its operations and on event streams, while it runs."""

import logging
import time
from threading import Lock

from metrics.documents import Platform
from metrics.errors import Unavailable
from metrics.redis.events import operation_status
from pipelines.resources import Clients

log = logging.getLogger(__name__)

REPORT_EVERY_SECONDS = 1.0
"""Minimum time between two reports of a step, because each one invalidates cached responses of the workspace."""


class AccountProgress:
    """The count of one step of a run for a batch of operations; shared by the threads of the step."""

    def __init__(self, clients: Clients, batch_id: str, platform: Platform, step: str) -> None:
        self._clients = clients
        self._operations = [one["_id"] for one in clients.store.operation_queue.batch(batch_id).operations]
        self._platform = platform
        self._step = step
        self._lock = Lock()
        self._done = 0
        self._reported = 0
        self._reported_at = time.monotonic()

    def account_done(self) -> None:
        """Count one account; report the count, unless that was done a moment ago."""
        with self._lock:
            self._done += 1
            if time.monotonic() - self._reported_at >= REPORT_EVERY_SECONDS:
                self._report()

    def finish(self) -> None:
        """Report the accounts that were counted since the last report."""
        with self._lock:
            if self._done > self._reported:
                self._report()

    def _report(self) -> None:
        self._reported, self._reported_at = self._done, time.monotonic()
        try:
            for operation_id in self._operations:
                found = self._clients.store.operations.count(operation_id, self._platform, self._step, self._done)
                if found is not None:
                    self._clients.announce(found["workspaceId"], [operation_status(found)])
        except Unavailable as error:
            # The collection is worth more than its progress, and the next report has the whole count.
            log.warning("the progress of operation %s was not reported: %s", self._operations[0], error)
