"""Openings on their way into an aggregation: in a collection, for a command holds 16 MB and a workspace may need more.

Rows are those of one roll, which takes them away. What a roll that was killed left behind expires after a day.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from metrics.clock import utcnow
from metrics.documents import Document
from metrics.store import Store
from pipelines.rollup.opening import Opening

OPENINGS = "roll_openings"
_BATCH = 5000


@contextmanager
def staged(store: Store, openings: Sequence[Opening], roll_id: str) -> Iterator[list[Document]]:
    """Store the openings of a roll; yield stages that add one document for each: `_id`, the subject, `opening`, `born`.

    There are no stages where there are no openings. The documents are gone afterwards.
    """
    if not openings:
        yield []
        return
    collection, now = store.db[OPENINGS], utcnow()
    try:
        for begin in range(0, len(openings), _BATCH):
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
                for one in openings[begin : begin + _BATCH]
            ]
            collection.insert_many(rows, ordered=False)
        fields = {"_id": "$subjectId", "opening": 1, "born": 1}
        pipeline = [{"$match": {"roll": roll_id}}, {"$project": fields}]
        yield [{"$unionWith": {"coll": OPENINGS, "pipeline": pipeline}}]
    finally:
        collection.delete_many({"roll": roll_id})
