"""The sensor that keeps exports up to date: a day is exported when it has ended, and again when it changes.

Like `late_data` it has no cursor: what is to be done stands in `export_marks` (`metrics.store.export_marks`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from metrics.clock import utcnow
from metrics.periods import DAY
from metrics.store.export_marks import ExportMark
from pipelines import jobs
from pipelines.partitions import has_partition, period_key, ranges
from pipelines.resources import Tidemark
from pipelines.runs.attempts import attempts
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import EXPORT, RANGE_END, RANGE_START

SETTLED = timedelta(minutes=15)
"""After midnight the last hour is still being collected and rolled: a day is not exported before."""


@dataclass(frozen=True, slots=True)
class Export:
    """A run over consecutive days; `run_key` is the same as long as nothing new was marked."""

    first: datetime
    last: datetime
    run_key: str


def exports_to_request(marks: Sequence[ExportMark], behind: Sequence[datetime], now: datetime) -> list[Export]:
    """Return one run per row of consecutive marked days that have ended; days still to be rolled wait."""
    waiting = set(behind)
    ready = [m for m in marks if m.day + DAY + SETTLED <= now and m.day not in waiting and has_partition(m.day, now)]
    found = []
    for first, last in ranges("daily", [mark.day for mark in ready]):
        covered = "|".join(f"{m.mark_id}:{m.token}" for m in ready if first <= m.day <= last)
        digest = hashlib.sha256(covered.encode()).hexdigest()[:16]
        found.append(Export(first, last, f"export:{period_key(first)}:{digest}"))
    return found


@dg.sensor(
    job=jobs.export_daily,
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Exports days that ended or changed since; does nothing without TIDEMARK_EXPORT_URL.",
)
def export_changed(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request the runs that bring exports up to date, one at a time."""
    clients, now = tidemark.clients(), utcnow()
    if clients.settings.export_url is None:
        yield dg.SkipReason("nothing is exported: TIDEMARK_EXPORT_URL is not set")
        return
    if context.instance.get_runs(filters=RunsFilter(job_name=jobs.export_daily.name, statuses=UNFINISHED), limit=1):
        yield dg.SkipReason("an export is under way")
        return
    behind = [mark.start for mark in clients.store.marks.pending("daily")]
    wanted = exports_to_request(clients.store.exports.pending(now), behind, now)
    requests = [request for export in wanted if (request := _request(context.instance, export))]
    yield from requests
    if not requests:
        yield dg.SkipReason("every day that ended is exported")


def _request(instance: DagsterInstance, export: Export) -> dg.RunRequest | None:
    """Return the request for an export; one that failed is tried again, each time after a longer wait."""
    attempt = attempts(instance, EXPORT, export.run_key).next(utcnow())
    if attempt is None:
        return None
    first, last = period_key(export.first), period_key(export.last)
    one = first == last
    return dg.RunRequest(
        run_key=f"{export.run_key}:{attempt}",
        partition_key=first if one else None,
        tags={EXPORT: export.run_key, **({} if one else {RANGE_START: first, RANGE_END: last})},
    )
