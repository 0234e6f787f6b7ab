"""The sensor `export_changed`: requests the export of a day when it has ended, and again when it has changed.

Like `late_data` it has no cursor: the collection `export_marks` holds the days to export.
"""

from collections.abc import Iterator

import dagster as dg
from dagster import RunsFilter

from metrics.clock import utcnow
from pipelines import jobs
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import EXPORT
from pipelines.sensors.changed_days import days_to_request, request


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
    wanted = days_to_request("export", clients.store.exports.pending(now), behind, now)
    requests = [one for days in wanted if (one := request(context.instance, EXPORT, days))]
    yield from requests
    if not requests:
        yield dg.SkipReason("every day that ended is exported")
