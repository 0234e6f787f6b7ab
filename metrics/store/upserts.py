"""Upserts whose filter names more than `_id`, as a sharded collection needs it."""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from metrics.documents import Document

_DUPLICATE_KEY = 11000
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
            failed: list[dict[str, Any]] = (error.details or {}).get("writeErrors", [])
            raced = [left[one["index"]] for one in failed if one["code"] == _DUPLICATE_KEY]
            if not raced or len(raced) < len(failed) or attempt == _TRIES - 1:
                raise
            left = raced
        else:
            return
