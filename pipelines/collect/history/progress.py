"""How far histories are, told while they are read: in their operations, on streams, in the log of the run."""

import time
from collections.abc import Callable
from threading import Lock

from metrics.collection import histories
from metrics.errors import NotFound, RedisUnavailable
from metrics.redis.events import Announcer, operation_status
from metrics.store import Store

TOLD_EVERY_SECONDS = 2.0
"""Each telling renews what clients have cached of the workspace."""


class Progress:
    """Brings operations up to date with their accounts; shared by the threads of a run.

    `unannounced` are the workspaces that were not told of what was written, because Redis was away.
    """

    def __init__(self, store: Store, announcer: Announcer, run_id: str, say: Callable[[str], object]) -> None:
        self._store, self._announcer, self._run_id, self._say = store, announcer, run_id, say
        self._lock = Lock()
        self._told: dict[str, float] = {}
        self.unannounced: set[str] = set()

    def begin(self, operation_id: str) -> None:
        """Say that this run works on an operation, once."""
        with self._lock:
            if operation_id in self._told:
                return
            self._told[operation_id] = 0.0
        self._store.operations.start(operation_id, self._run_id)
        self.tell(operation_id)

    def tell(self, operation_id: str, *, at_once: bool = False) -> None:
        """Say how far an operation is, now and then; `at_once` where an account of it ended.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with self._lock:
            if not at_once and time.monotonic() - self._told.get(operation_id, 0.0) < TOLD_EVERY_SECONDS:
                return
            self._told[operation_id] = time.monotonic()
        try:
            operation = histories.settle(self._store, operation_id) or self._store.operations.get(operation_id)
        except NotFound:
            # Its account was erased, and it with it.
            return
        counted = operation.get("progress", {"done": 0, "expected": 0})
        said = f"{operation['state']}, {counted['done']} of {counted['expected']} posts and days read"
        self._say(f"operation {operation_id}: {said}")
        try:
            self._announcer.announce(operation["workspaceId"], [operation_status(operation)])
        except RedisUnavailable:
            self.unannounced.add(operation["workspaceId"])
