"""Gives every Python process of a stack a clock that a test puts forward while the stack runs.

Python imports this module at its start if the folder is on PYTHONPATH. The stack must have been started with `--clock`,
so that all of its processes take the time from `metrics.clock`; `tests.moved_clock` writes the seconds to add to it.
"""

import mmap
import os
import struct
import sys
import threading
from datetime import timedelta
from pathlib import Path

from metrics import clock

_SECONDS = struct.Struct("d")
_LONGEST_SLEEP_SECONDS = 1.0


def _install(path: str) -> None:
    with Path(path).open("rb") as file:
        moved = mmap.mmap(file.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)
    at_start, wait = clock.offset, threading.Event.wait

    def offset() -> timedelta:
        return at_start() + timedelta(seconds=_SECONDS.unpack(moved)[0])

    def wait_briefly(event: threading.Event, timeout: float | None = None) -> bool:
        """Let Dagster's scheduler look at the clock every second: it sleeps until the next minute, which may jump."""
        if timeout is not None and sys._getframe(1).f_globals.get("__name__") == "dagster._scheduler.scheduler":
            timeout = min(timeout, _LONGEST_SLEEP_SECONDS)
        return wait(event, timeout)

    offset.cache_clear = at_start.cache_clear  # type: ignore[attr-defined]
    clock.offset = offset  # type: ignore[assignment]
    threading.Event.wait = wait_briefly  # type: ignore[method-assign, assignment]


if "TEST_MOVED_CLOCK" in os.environ:
    _install(os.environ["TEST_MOVED_CLOCK"])
