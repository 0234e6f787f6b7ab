"""The lease on the folders of an export: only one process at a time writes to them.

An export reads MongoDB and writes files; an erasure deletes from MongoDB and then from the files. If both ran at once,
the export could write erased data again, and either could overwrite the other's manifest. The lease is a lock in Redis
that expires, so that a killed process blocks the others only briefly. Its holder extends it while it writes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from metrics.errors import Unavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import export_lease_key

LEASE_SECONDS = 120.0
"""A holder that writes nothing for this long loses the lease."""
_EXTEND_SECONDS = 10.0
_POLL_SECONDS = 0.5


class ExportBusy(Unavailable):
    """Another process holds the lease, or took it over after this one had written nothing for too long."""


@dataclass
class Lease:
    """The lease of a process, while it is held."""

    lock: Lock
    _extended: float = field(default_factory=time.monotonic)

    def extend(self) -> None:
        """Extend the lease to its full length, unless it was extended in the last seconds.

        Raises:
            ExportBusy: the lease ran out, and another process may hold it by now.
            RedisUnavailable: Redis does not answer.
        """
        if time.monotonic() - self._extended < _EXTEND_SECONDS:
            return
        try:
            with redis_errors():
                self.lock.reacquire()
        except LockError:
            raise ExportBusy(
                f"nothing was written to the export for {LEASE_SECONDS:.0f} s, and its lease ran out: run this again"
            ) from None
        self._extended = time.monotonic()


@contextmanager
def leased(redis: Redis, root: str, wait: float) -> Iterator[Lease]:
    """Hold the lease on the folders below `root`; wait for it up to `wait` seconds.

    Raises:
        ExportBusy: another process held it all the time.
        RedisUnavailable: Redis does not answer.
    """
    lock = redis.lock(export_lease_key(root), timeout=LEASE_SECONDS, sleep=_POLL_SECONDS, blocking_timeout=wait)
    with redis_errors():
        if not lock.acquire():
            raise ExportBusy("another process writes to the export: run this again when it has ended")
    try:
        yield Lease(lock)
    finally:
        try:
            with redis_errors():
                lock.release()
        except (LockError, Unavailable):
            pass  # The lease has expired, or will.
