"""Python's search for reference cycles, made rare while accounts are read.

Reading accounts makes and drops many short-lived objects, nearly all of which are freed as soon as nothing refers to
them. By default Python looks for cycles after every 700 new objects, and again and again at all that the process has
imported, which in a process of Dagster is a great deal.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 50_000
"""How many more objects have to be made than freed before Python looks for cycles among the new ones."""

_lock = threading.Lock()
_blocks = 0
_before: tuple[int, int, int] = gc.get_threshold()
_froze = False


@contextmanager
def rare_searches() -> Iterator[None]:
    """Let Python look for cycles rarely, and only among objects that are made within the block.

    This holds for the whole process. Blocks may overlap in several threads; the end of the last one restores what was
    before. A process that has switched the search off, or has frozen its objects itself, keeps what it chose.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _blocks, _before, _froze  # noqa: PLW0603
    with _lock:
        _blocks += 1
        if _blocks > 1:
            return
        _before = gc.get_threshold()
        if _before[0]:
            gc.set_threshold(max(_before[0], NEW_OBJECTS), *_before[1:])
        _froze = gc.get_freeze_count() == 0
        if _froze:
            gc.freeze()


def _leave() -> None:
    global _blocks  # noqa: PLW0603
    with _lock:
        _blocks -= 1
        if _blocks:
            return
        gc.set_threshold(*_before)
        if _froze:
            gc.unfreeze()
