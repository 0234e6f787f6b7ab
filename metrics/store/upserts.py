"""Upserts whose filter has more fields than `_id`, as sharded collections need it."""

from collections.abc import Sequence

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from metrics.documents import Document
from metrics.store.errors import duplicates

_TRIES = 5


def upsert_all(collection: Collection[Document], writes: Sequence[UpdateOne]) -> None:
    """Apply upserts in any order; an upsert that loses a race to insert its document then updates that document.

    The server repeats such an upsert by itself only if the filter is `_id` alone.

    Raises:
        BulkWriteError: there was another error.
    """
    left = list(writes)
    for attempt in range(_TRIES):
        if not left:
            return
        try:
            collection.bulk_write(left, ordered=False)
        except BulkWriteError as error:
            raced = duplicates(error)
            if attempt == _TRIES - 1:
                raise
            left = [left[error["index"]] for error in raced]
        else:
            return
