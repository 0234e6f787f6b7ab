"""When Python looks for garbage in cycles: rarely among what lives long, for every stream stands still meanwhile.

A stream is some 200 objects to look at, so a full collection beside 1,000 of them takes 100 ms. As Python has it, one
comes whenever the objects that outlived a younger collection are a quarter of all, that is, each time when many clients
have connected, and finds nothing: streams and requests are freed when they are over, without being searched for.
"""

import gc

_YOUNG, _MIDDLE, _OLD = 10_000, 5, 100
"""Objects until the youngest are looked at (3 ms), that often until the middle ones are, that often until all are."""


def settle() -> None:
    """Leave out for good what is there now, imported and set up, and look through the rest rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
