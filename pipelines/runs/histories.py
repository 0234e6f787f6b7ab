"""When a run over histories is asked for: while any is to be read, and none is under way.

Like the other sensors' work it is read from MongoDB each time: accounts' memories say what is to be read, and when a
pause of theirs is over. A run that failed is followed by another after 2, 4, 8 … 64 minutes.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from metrics.collection import histories
from metrics.documents import OperationDocument
from metrics.errors import NotFound
from metrics.store import Store
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import HISTORY

JOB = "collect_history"

_DOUBLINGS = 6
_FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def may_run(instance: DagsterInstance, now: datetime) -> bool:
    """Tell whether a run may begin: none is under way, and the last one did not fail just now."""
    records = instance.get_run_records(RunsFilter(tags={HISTORY: "true"}), limit=_DOUBLINGS)
    if any(record.dagster_run.status in UNFINISHED for record in records):
        return False
    failed = 0
    while failed < len(records) and records[failed].dagster_run.status in _FAILED:
        failed += 1
    ended = records[0].end_time if failed else None
    return ended is None or now - datetime.fromtimestamp(ended, UTC) >= timedelta(minutes=2**failed)


def wanted(store: Store, now: datetime) -> bool:
    """Tell whether any history is to be read now."""
    return next(store.memories.unfinished_histories(now), None) is not None


def request() -> dg.RunRequest:
    """Return the request of a run."""
    return dg.RunRequest(job_name=JOB)


def settle(store: Store) -> list[OperationDocument]:
    """Finish the operations that have no account left to read, as where all of them were erased; return them."""
    found = []
    for operation in store.operations.find(["queued", "running"], limit=200, kinds=[histories.KIND]):
        try:
            settled = histories.settle(store, operation["_id"])
        except NotFound:
            continue
        if settled is not None and "finishedAt" in settled:
            found.append(settled)
    return found
