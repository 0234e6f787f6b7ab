"""Request runs over days that changed since they were exported; a failed run is repeated with back-off."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import DAY
from metrics.store.rollup.export_marks import ExportMark
from pipelines.partitions import has_partition, period_key, ranges
from pipelines.runs.attempts import attempts
from pipelines.runs.tags import RANGE_END, RANGE_START

SETTLED = timedelta(minutes=15)
"""Time after a day's end at which it is exported: until then its last hour is still being collected and rolled up."""


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Consecutive days for one run; `run_key` stays the same until other marks are made."""

    first: datetime
    last: datetime
    run_key: str


def days_to_request(
    name: str, marks: Sequence[ExportMark], behind: Sequence[datetime], now: datetime
) -> list[ChangedDays]:
    """Return the ranges of consecutive marked days that have ended; days in `behind` are to be rolled up, and wait.

    `name` begins the run keys.
    """
    waiting = set(behind)
    ready = [m for m in marks if m.day + DAY + SETTLED <= now and m.day not in waiting and has_partition(m.day, now)]
    found = []
    for first, last in ranges("daily", sorted({mark.day for mark in ready})):
        covered = "|".join(f"{m.mark_id}:{m.token}" for m in ready if first <= m.day <= last)
        digest = hashlib.sha256(covered.encode()).hexdigest()[:16]
        found.append(ChangedDays(first, last, f"{name}:{period_key(first)}:{digest}"))
    return found


def request(instance: dg.DagsterInstance, tag: str, days: ChangedDays) -> dg.RunRequest | None:
    """Return the request for a run over days, tagged with their key; None while it has to wait after a failure."""
    attempt = attempts(instance, tag, days.run_key).next(utcnow())
    if attempt is None:
        return None
    first, last = period_key(days.first), period_key(days.last)
    single = first == last
    return dg.RunRequest(
        run_key=f"{days.run_key}:{attempt}",
        partition_key=first if single else None,
        tags={tag: days.run_key, **({} if single else {RANGE_START: first, RANGE_END: last})},
    )
