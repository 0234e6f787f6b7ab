"""The runs over histories: which histories are to be read, and the settlement of their operations.

There is no cursor: the accounts' memories in MongoDB say which histories are to be read, and until when each rests.
"""

from datetime import datetime

import dagster as dg

from metrics.collection import histories
from metrics.documents import OperationDocument
from metrics.errors import NotFound
from metrics.store import Store

JOB = "collect_history"


def any_to_read(store: Store, now: datetime) -> bool:
    """Tell whether any history is to be read now."""
    return next(store.memories.unfinished_histories(now), None) is not None


def run_request() -> dg.RunRequest:
    """Return the request for a run over histories."""
    return dg.RunRequest(job_name=JOB)


def settle_finished(store: Store) -> list[OperationDocument]:
    """Finish the operations that have no account left to read, for example because all were erased; return them."""
    found = []
    for operation in store.operations.find(["queued", "running"], limit=200, kinds=[histories.KIND]):
        try:
            settled = histories.settle_operation(store, operation["_id"])
        except NotFound:
            continue
        if settled is not None and "finishedAt" in settled:
            found.append(settled)
    return found
