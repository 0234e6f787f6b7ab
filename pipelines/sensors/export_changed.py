"""The sensor `export_changed`: requests the export of a day when it has ended, and again when it has changed.

Like `late_data` it has no cursor: the collection `export_marks` holds the days to export.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from metrics.clock import utcnow
from metrics.periods import DAY
from metrics.store.rollup.export_marks import ExportMark
from pipelines import jobs
from pipelines.partitions import has_partition, period_key, ranges
from pipelines.resources import Tidemark
from pipelines.runs.attempts import attempts
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import EXPORT, RANGE_END, RANGE_START

SETTLED = timedelta(minutes=15)
"""Time after a day's end at which it is exported: until then its last hour is still being collected and rolled up."""


@dataclass(frozen=True, slots=True)
class Export:
    """A run over consecutive days; `run_key` stays the same until other marks are made."""

    first: datetime
    last: datetime
    run_key: str


def exports_to_request(marks: Sequence[ExportMark], behind: Sequence[datetime], now: datetime) -> list[Export]:
    """Return one run per range of consecutive marked days that have ended; days that are marked for roll-up wait."""
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
    description="Requests exports of days that have ended, or changed after their export. Off without "
    "TIDEMARK_EXPORT_URL.",
)
def export_changed(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request runs for all days to export, unless an export is unfinished."""
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
    """Return the request for an export, or None while it has to wait after a failed attempt."""
    attempt = attempts(instance, EXPORT, export.run_key).next(utcnow())
    if attempt is None:
        return None
    first, last = period_key(export.first), period_key(export.last)
    single = first == last
    return dg.RunRequest(
        run_key=f"{export.run_key}:{attempt}",
        partition_key=first if single else None,
        tags={EXPORT: export.run_key, **({} if single else {RANGE_START: first, RANGE_END: last})},
    )
