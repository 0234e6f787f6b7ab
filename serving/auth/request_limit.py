"""Limits of this process on how many requests of one kind run at once: one per API key, one for all keys together."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from serving.process.measures import LIMITED
from serving.wire.problems import Problem

_RETRY_SOON = {"Retry-After": "5"}


class ConcurrentRequests:
    """Admits a request of one kind while its key has fewer than `per_key` running, and all keys fewer than `in_all`."""

    def __init__(self, kind: str, *, per_key: int, in_all: int) -> None:
        self._kind = kind
        self._per_key = per_key
        self._in_all = in_all
        self._running: Counter[str] = Counter()

    @contextmanager
    def running(self, key_id: str) -> Iterator[None]:
        """Count a request for as long as the context lasts.

        Raises:
            Problem: 429, the key has as many as it may; 503, the process has.
        """
        if self._running[key_id] >= self._per_key:
            LIMITED.inc()
            detail = f"This key has {self._per_key} {self._kind} under way, the most at once; wait for one to end."
            raise Problem(429, detail, headers=_RETRY_SOON)
        if self._running.total() >= self._in_all:
            raise Problem(503, f"Too many {self._kind} are under way; try again.", headers=_RETRY_SOON)
        self._running[key_id] += 1
        try:
            yield
        finally:
            self._running[key_id] -= 1
            self._running += Counter()  # removes keys that have none left
