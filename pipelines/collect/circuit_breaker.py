"""Circuit breaker of a platform within a run: after many accounts in a row failed, the others are not requested."""

import threading
import time

from pipelines.collect.reasons import reason_of
from pipelines.platforms.errors import PlatformError

OPENS_AFTER = 10
"""Failed accounts in a row, without any other answer in between, that open the circuit. One alone is no outage."""

TRIES_AFTER_SECONDS = 30.0
"""How long an open circuit rejects all accounts; then one account is let through as a probe."""


class CircuitOpen(PlatformError):
    """The account was not requested, because the platform failed for those before it; the next run requests it."""


class PlatformCircuitBreaker:
    """The circuit breaker; shared by the threads that collect accounts of one platform."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._tried_at = 0.0

    def check(self) -> None:
        """Return if the next account may be requested.

        Raises:
            CircuitOpen: the platform failed for too many accounts in a row.
        """
        with self._lock:
            if self._failures < OPENS_AFTER:
                return
            now = time.monotonic()
            if now - self._tried_at >= TRIES_AFTER_SECONDS:
                self._tried_at = now
                return
        raise CircuitOpen(f"not requested: the platform failed for {OPENS_AFTER} accounts in a row")

    def note(self, error: Exception | None, *, requested: bool = True) -> None:
        """Note the outcome of an account: None, or its error.

        Only `provider_error` counts as a failure: any other error is an answer. An account for which nothing was
        requested of the platform says nothing about it: its credentials could not be opened, it was paused, or the
        circuit was open.
        """
        if isinstance(error, CircuitOpen):
            return
        with self._lock:
            if error is not None and reason_of(error) == "provider_error":
                self._failures += 1
                self._tried_at = time.monotonic()
            elif requested:
                self._failures = 0
