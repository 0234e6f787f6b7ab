"""Decide when a run over histories is requested: while any history is to be read, and no such run is unfinished.

There is no cursor: the accounts' memories in MongoDB say which histories are to be read, and until when each rests.
After a run failed, the next one is requested 2, 4, 8 … 64 minutes later.
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
    """Tell whether a run may be requested: none is unfinished, and the wait after the last failure is over."""
    records = instance.get_run_records(RunsFilter(tags={HISTORY: "true"}), limit=_DOUBLINGS)
    if any(record.dagster_run.status in UNFINISHED for record in records):
        return False
    failed = 0
    while failed < len(records) and records[failed].dagster_run.status in _FAILED:
        failed += 1
    ended = records[0].end_time if failed else None
    return ended is None or now - datetime.fromtimestamp(ended, UTC) >= timedelta(minutes=2**failed)


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
