"""Upserts whose filter names more than `_id`, as a sharded collection needs it."""

from collections.abc import Sequence

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from metrics.documents import Document
from metrics.store.errors import duplicates

_TRIES = 5


def upsert_all(collection: Collection[Document], writes: Sequence[UpdateOne]) -> None:
    """Apply upserts in any order; one that lost a race to insert its document is applied to that document.

    The server itself tries again only where the filter is `_id` alone.

    Raises:
        BulkWriteError: something else went wrong.
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
            left = [left[one["index"]] for one in raced]
        else:
            return
