"""Settings of Python's cyclic garbage collector: full collections are rare, because each one stops every stream.

A stream consists of some 200 objects, so a full collection beside 1,000 streams takes 100 ms. By default Python runs
one whenever the objects that survived a younger collection are a quarter of all long-lived objects, that is, each time
after many clients have connected. It would find nothing: streams and requests are freed by their reference counts when
they end.
"""

import gc

_YOUNG, _MIDDLE, _OLD = 10_000, 5, 100
"""New objects until a collection of the youngest generation (3 ms), collections of that generation until one of the
middle generation, and collections of the middle one until a full collection."""


def settle() -> None:
    """Exclude the objects that exist after the start-up from all collections, and make collections of the rest rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
