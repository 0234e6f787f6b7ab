"""Back-off for work that a sensor requests until it succeeds: how often it was tried, and when the next try is due."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from pipelines.runs.states import UNFINISHED

_DOUBLINGS = 6
_FAILED = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The runs so far of a piece of work; `ended` is the end of the newest one, None while it is unfinished."""

    count: int
    ended: datetime | None

    def next(self, now: datetime) -> int | None:
        """Return the number of the attempt that is due, from 0 on, or None if none is due yet.

        The first one is due at once; the others 2, 4, 8 … 64 minutes after the end of the one before.
        """
        if self.count == 0:
            return 0
        if self.ended is None or now - self.ended < timedelta(minutes=2 ** min(self.count, _DOUBLINGS)):
            return None
        return self.count


def attempts(instance: dg.DagsterInstance, tag: str, value: str) -> Attempts:
    """Return the attempts at the work that a tag with this value names."""
    of_this = RunsFilter(tags={tag: value})
    newest = instance.get_run_records(filters=of_this, limit=1)
    if not newest:
        return Attempts(0, None)
    ended = newest[0].end_time
    return Attempts(
        instance.get_runs_count(filters=of_this), None if ended is None else datetime.fromtimestamp(ended, UTC)
    )


def may_run(instance: dg.DagsterInstance, tag: str, now: datetime) -> bool:
    """Tell whether a run may be requested that carries out all work of one kind, which its tag names.

    One such run is under way at a time. After a run failed, the next one waits 2, 4, 8 … 64 minutes.
    """
    records = instance.get_run_records(RunsFilter(tags={tag: "true"}), limit=_DOUBLINGS)
    if any(record.dagster_run.status in UNFINISHED for record in records):
        return False
    failed = 0
    while failed < len(records) and records[failed].dagster_run.status in _FAILED:
        failed += 1
    ended = records[0].end_time if failed else None
    return ended is None or now - datetime.fromtimestamp(ended, UTC) >= timedelta(minutes=2**failed)
