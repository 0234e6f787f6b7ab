"""A lease on the folders of an export, so that one process at a time writes to them.

An export reads MongoDB and writes files; an erasure deletes from MongoDB and then from the files. If both worked at
once, the export could bring back what was erased, and either could overwrite the other's manifest. The lease is a lock
in Redis that ends by itself, so that a process that was killed keeps nobody waiting for long; its holder extends it
with every piece that it writes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from metrics.errors import Unavailable
from metrics.redis.client import export_lease_key, redis_errors

LEASE_SECONDS = 120.0
"""How long a holder may go without writing anything before another may take over."""
_EXTEND_SECONDS = 10.0
_POLL_SECONDS = 0.5


class ExportBusy(Unavailable):
    """Another process writes to these folders, or took over after this one had been silent for too long."""


@dataclass
class Lease:
    """A lease that is held."""

    lock: Lock
    _extended: float = field(default_factory=time.monotonic)

    def extend(self) -> None:
        """Extend the lease to its full length, unless that was done a moment ago.

        Raises:
            ExportBusy: it ran out and may be another's by now.
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
    """Hold the lease on the folders below `root`; wait for it as many seconds as `wait` says.

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
            # It ran out already, or will.
            pass
