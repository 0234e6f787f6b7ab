"""Stage openings in a collection, from which an aggregation joins them.

They are not part of the command, because a command holds 16 MB and a workspace may need more. Each roll-up removes its
own rows; rows of a roll-up that was killed expire after a day.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from metrics.batches import batched
from metrics.clock import utcnow
from metrics.documents import Document
from metrics.store import Store
from pipelines.rollup.opening import Opening

_BATCH = 5000


@contextmanager
def staged_openings(store: Store, openings: Sequence[Opening], roll_id: str) -> Iterator[list[Document]]:
    """Store the openings of a roll-up; yield stages that add a document `{_id: subject, opening, born}` for each.

    Without openings there are no stages. The stored openings are removed at the end of the block.
    """
    if not openings:
        yield []
        return
    now = utcnow()
    try:
        for batch in batched(openings, _BATCH):
            rows = [
                {
                    "_id": f"{roll_id}|{one.subject_id}",
                    "roll": roll_id,
                    "at": now,
                    "workspaceId": one.workspace_id,
                    "accountId": one.account_id,
                    "subjectId": one.subject_id,
                    "opening": one.found,
                    "born": one.born,
                }
                for one in batch
            ]
            store.openings.add(rows)
        yield store.openings.stages(roll_id)
    finally:
        store.openings.remove(roll_id)
