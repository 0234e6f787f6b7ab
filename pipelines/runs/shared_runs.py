"""Decide when a run is requested that carries out all work of one kind: histories of accounts, changes of calendars.

One such run is under way at a time. After a run failed, the next one is requested 2, 4, 8 … 64 minutes later.
"""

from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from pipelines.runs.states import UNFINISHED

_DOUBLINGS = 6
_FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def may_run(instance: DagsterInstance, tag: str, now: datetime) -> bool:
    """Tell whether a run with a tag may be requested: none is unfinished, and the wait after a failure is over."""
    records = instance.get_run_records(RunsFilter(tags={tag: "true"}), limit=_DOUBLINGS)
    if any(record.dagster_run.status in UNFINISHED for record in records):
        return False
    failed = 0
    while failed < len(records) and records[failed].dagster_run.status in _FAILED:
        failed += 1
    ended = records[0].end_time if failed else None
    return ended is None or now - datetime.fromtimestamp(ended, UTC) >= timedelta(minutes=2**failed)
