"""Make Python's cyclic garbage collection rare while accounts are read.

Reading accounts makes many short-lived objects, nearly all of which are freed by reference counting. By default Python
searches for cycles after every 700 new objects, and repeatedly among everything that the process has imported, which
in a Dagster process is a great deal.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 50_000
"""Surplus of made over freed objects at which Python searches for cycles among the new ones."""

_lock = threading.Lock()
_blocks = 0
_before: tuple[int, int, int] = gc.get_threshold()
_froze = False


@contextmanager
def rare_searches() -> Iterator[None]:
    """Let Python search for cycles rarely, and only among objects that are made within the block.

    This applies to the whole process. Blocks may overlap in several threads; the end of the last one restores the
    settings from before. If the process has disabled the collection, or frozen its objects itself, that is not changed.
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
