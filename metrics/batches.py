"""Split an iterable into batches, so that a command or a step in memory holds a bounded number of values.

`itertools.batched` does the same from Python 3.12 on, with tuples.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in order, in lists of `size`; the last list may be shorter, and without values there is none.

    The values are read lazily, one batch at a time.
    """
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
