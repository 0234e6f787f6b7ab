"""Waits for one-off child processes, as long as they make progress."""

import time
from collections.abc import Callable

from tidemark.stack.process import Child, StartFailed

STALL_SECONDS = 90.0
"""A task without progress for this long counts as hanging."""

_LOOK_SECONDS = 1.0


def finish(
    task: Child,
    what: str,
    pause: Callable[[float], object],
    progress: Callable[[], object] = lambda: None,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Wait until a task has ended; stop it if the wait is broken off.

    A task makes progress as long as its log grows, or the value of `progress()`, called every second, changes. `pause`
    sleeps for some seconds; it may raise an exception to break off.

    Raises:
        StartFailed: the task failed, or hangs.
    """
    seen, since, looked = (0, progress()), time.monotonic(), time.monotonic()
    try:
        while task.alive:
            pause(0.1)
            now = time.monotonic()
            if now - looked < min(_LOOK_SECONDS, stall_seconds):
                continue
            looked, found = now, (task.log.stat().st_size, progress())
            if found != seen:
                seen, since = found, now
            elif now - since > stall_seconds:
                raise StartFailed(f"{what}: no progress for {stall_seconds:.0f} s: {task.last_words()}")
    finally:
        task.stop()
    if task.process.returncode != 0:
        raise StartFailed(f"{what}: {task.name} failed: {task.last_words()}")
