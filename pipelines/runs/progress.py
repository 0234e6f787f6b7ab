"""Log lines on the progress of a run over many partitions."""

import time
from collections.abc import Callable

EVERY_SECONDS = 5.0


class Progress:
    """Counts finished partitions; `say` is called at most every few seconds, and for the last partition."""

    def __init__(self, total: int, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._say, self._clock = total, say, clock
        self._done = 0
        self._began = self._said = clock()

    def step(self, what: str) -> None:
        """Count one partition; `what` describes it in the log."""
        self._done += 1
        now = self._clock()
        if self._done < self._total and now - self._said < EVERY_SECONDS:
            return
        self._said = now
        left = (now - self._began) / self._done * (self._total - self._done)
        rest = f", about {left:.0f} s left" if self._done < self._total else f" after {now - self._began:.0f} s"
        self._say(f"{self._done} of {self._total} partitions ({100 * self._done // self._total} %){rest}; {what}")
