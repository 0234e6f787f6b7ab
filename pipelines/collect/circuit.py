"""The circuit breaker of a run: a platform that fails for many accounts in a row is not called for the others too."""

import threading
import time

from pipelines.platforms.errors import PlatformError

OPENS_AFTER = 10
"""Accounts in a row that failed, with no other answer between. One that fails alone is no outage."""

TRIES_AFTER_SECONDS = 30.0
"""How long an open circuit lets nobody through; then one account finds out whether the platform answers again."""


class CircuitOpen(PlatformError):
    """The account was not asked, because the platform failed for the ones before it. It is asked in the next run."""


class Circuit:
    """Shared by the threads that collect accounts of one platform."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._tried_at = 0.0

    def check(self) -> None:
        """Let the account be asked, or not.

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
        raise CircuitOpen(f"not asked: the platform failed for {OPENS_AFTER} accounts in a row")

    def note(self, error: Exception | None) -> None:
        """Note how an account was answered; a refusal is an answer, and an account that was not asked tells nothing."""
        if isinstance(error, CircuitOpen):
            return
        with self._lock:
            if isinstance(error, PlatformError) and error.reason == "provider_error":
                self._failures += 1
                self._tried_at = time.monotonic()
            else:
                self._failures = 0
