"""Where the day under way stood an hour ago, so that one more hour costs one more hour.

Each daily rollup of a subject keeps, while its day is open, a state: the entries of the slots before an instant, which
are those that no longer change in steady collection. A later roll continues from there and reads the slots since. A
mark that names an earlier slot makes the roll read the whole day. Both give the same documents.
"""

from collections.abc import Sequence
from datetime import datetime

from metrics.catalog import DEFINITION_VERSION
from metrics.documents import Document
from metrics.periods import DAY, HOUR, slot_of
from metrics.store import Store
from metrics.store.marks import Claim

STATE = "soFar"
"""The field of a daily rollup: `{at, version, metrics, seen}`; `seen` are slots in which an account was observed."""


def state_at(start: datetime, now: datetime) -> datetime | None:
    """Return the instant of the state that a roll at `now` leaves behind, or None where it leaves none.

    The slot that ended last is still collected. A day that has ended, or of which no earlier slot ended, has no state.
    """
    at = slot_of(now) - HOUR
    return at if start < at and now < start + DAY else None


def continued_from(store: Store, claims: Sequence[Claim], start: datetime) -> dict[str, datetime]:
    """Return the workspaces whose day continues from its states, and from which slot on each has to be read.

    Every rollup of the workspace's day needs a state of this version, and no slot before a state may have been touched.
    """
    touched = {claim.workspace_id: claim.first for claim in claims}
    current = {"$and": [{"$eq": [f"${STATE}.version", DEFINITION_VERSION]}, {"$gt": [f"${STATE}.at", None]}]}
    stages: list[Document] = [
        {"$match": _of(list(touched), start)},
        {
            "$group": {
                "_id": "$workspaceId",
                "first": {"$min": f"${STATE}.at"},
                "last": {"$max": f"${STATE}.at"},
                "without": {"$sum": {"$cond": [current, 0, 1]}},
            }
        },
        {"$match": {"without": 0}},
    ]
    rows = list(store.rollups.subjects.aggregate(stages))
    return {row["_id"]: row["first"] for row in rows if row["last"] <= touched[row["_id"]]}


def stored_states(store: Store, workspace_ids: Sequence[str], start: datetime, fields: Document) -> Document:
    """Return a stage that adds a document per rollup of the day: `_id`, the subject, and `fields` of the rollup."""
    project: Document = {"_id": "$subjectId", **fields}
    return {
        "$unionWith": {
            "coll": store.rollups.subjects.name,
            "pipeline": [{"$match": _of(workspace_ids, start)}, {"$project": project}],
        }
    }


def _of(workspace_ids: Sequence[str], start: datetime) -> Document:
    return {"workspaceId": {"$in": list(workspace_ids)}, "period": "daily", "periodStart": start}
