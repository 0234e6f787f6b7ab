"""Report the progress of histories while they are read: in their operations, on event streams, in the run's log."""

import time
from collections.abc import Callable
from threading import Lock

from metrics.collection import histories
from metrics.errors import NotFound, RedisUnavailable
from metrics.redis.events import Announcer, operation_status
from metrics.store import Store

REPORT_EVERY_SECONDS = 2.0
"""Minimum time between two reports, because each one invalidates cached responses of the workspace."""


class Progress:
    """Updates operations from the histories of their accounts; shared by the threads of a run.

    `unannounced` are the workspaces whose changes could not be announced, because Redis did not answer.
    """

    def __init__(self, store: Store, announcer: Announcer, run_id: str, say: Callable[[str], object]) -> None:
        self._store, self._announcer, self._run_id, self._say = store, announcer, run_id, say
        self._lock = Lock()
        self._reported: dict[str, float] = {}
        self.unannounced: set[str] = set()

    def begin(self, operation_id: str) -> None:
        """Mark an operation as being worked on by this run, at the first call for it."""
        with self._lock:
            if operation_id in self._reported:
                return
            self._reported[operation_id] = 0.0
        self._store.operations.start(operation_id, self._run_id)
        self.report(operation_id)

    def report(self, operation_id: str, *, at_once: bool = False) -> None:
        """Report an operation's progress, at most every few seconds unless `at_once` (an account of it has ended).

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with self._lock:
            if not at_once and time.monotonic() - self._reported.get(operation_id, 0.0) < REPORT_EVERY_SECONDS:
                return
            self._reported[operation_id] = time.monotonic()
        try:
            operation = histories.settle_operation(self._store, operation_id) or self._store.operations.get(
                operation_id
            )
        except NotFound:
            # The operation was erased together with its account.
            return
        counted = operation.get("progress", {"done": 0, "expected": 0})
        line = f"{operation['state']}, {counted['done']} of {counted['expected']} posts and days read"
        self._say(f"operation {operation_id}: {line}")
        try:
            self._announcer.announce(operation["workspaceId"], [operation_status(operation)])
        except RedisUnavailable:
            self.unannounced.add(operation["workspaceId"])
