"""Work that a sensor asks for until it is done: how often it was tried, and when it is tried again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import RunsFilter

_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class Attempts:
    """Runs that a piece of work had; `ended` is when the newest one ended, None while it has not."""

    count: int
    ended: datetime | None

    def next(self, now: datetime) -> int | None:
        """Return the number of the attempt that is due, from 0 on; None while it has to wait.

        The first is due at once; then 2, 4, 8 … 64 minutes after the one before ended.
        """
        if self.count == 0:
            return 0
        if self.ended is None or now - self.ended < timedelta(minutes=2 ** min(self.count, _DOUBLINGS)):
            return None
        return self.count


def attempts(instance: dg.DagsterInstance, tag: str, value: str) -> Attempts:
    """Return the attempts whose runs carry a tag of this value."""
    of_this = RunsFilter(tags={tag: value})
    newest = instance.get_run_records(filters=of_this, limit=1)
    if not newest:
        return Attempts(0, None)
    ended = newest[0].end_time
    return Attempts(
        instance.get_runs_count(filters=of_this), None if ended is None else datetime.fromtimestamp(ended, UTC)
    )
