"""Settings of the Python interpreter that keep the event loop from waiting for garbage collections and for threads.

**Garbage.** Full collections are rare, because each one stops every stream. A stream consists of some 200 objects, so a
full collection beside 1,000 streams takes 100 ms. By default Python runs one whenever the objects that survived a
younger collection are a quarter of all long-lived objects, that is, each time after many clients have connected. It
would find nothing: streams and requests are freed by their reference counts when they end.

**Threads.** Threads that read the stores compute as well: they decode documents and encode answers. When the event loop
wants to go on while a thread computes, it waits for Python's switch interval, 5 ms by default, after each wait for the
network anew. With a shorter interval, answers that need no thread stay fast beside exports and long reads.
"""

import gc
import sys

_YOUNG, _MIDDLE, _OLD = 10_000, 5, 100
"""New objects until a collection of the youngest generation (3 ms), collections of that generation until one of the
middle generation, and collections of the middle one until a full collection."""

SWITCH_SECONDS = 0.0005
"""Longest time that a thread computes while the event loop waits.

Beside four computing threads, uvloop turned 13,400 times a second, and 2,700 times with the default. A fifth of this
interval gained nothing more (two cores, Python 3.11)."""


def settle() -> None:
    """Exclude the objects that exist after the start-up from all collections, make collections of the rest rare, and
    let threads give way to the event loop soon.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
