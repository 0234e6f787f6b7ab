"""The sensor `late_data`: requests one run at a time that rolls up the periods that are marked as changed."""

from collections.abc import Iterator

import dagster as dg
from dagster import RunsFilter

from metrics.clock import utcnow
from pipelines.ops.aggregate_late import aggregate_late, busy_periods, busy_public, marks_by_period
from pipelines.resources import Tidemark
from pipelines.runs.attempts import attempts
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.due_periods import due_marks, run_key
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import LATE


@dg.sensor(
    job=aggregate_late,
    minimum_interval_seconds=5,
    default_status=SENSOR_STATUS,
    description="Requests a run that rolls up again the days, weeks and months whose observations changed, of "
    "connected and of watched accounts, and no others.",
)
def late_data(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run for the due marks; after a failed run, request it again with increasing waits."""
    clients, now = tidemark.clients(), utcnow()
    late = RunsFilter(job_name=aggregate_late.name, statuses=UNFINISHED)
    if context.instance.get_runs(filters=late, limit=1):
        yield dg.SkipReason("changed periods are being rolled up")
        return
    found = due_marks(marks_by_period(clients.store), busy_periods(context.instance), now)
    public = due_marks(marks_by_period(clients.store.public), busy_public(context.instance), now)
    key = run_key(found, public)
    attempt = attempts(context.instance, LATE, key).next(now) if found or public else None
    if attempt is not None:
        yield dg.RunRequest(run_key=f"{key}:{attempt}", tags={LATE: key})
    else:
        waits = "the last attempt failed; the next one comes later"
        yield dg.SkipReason(waits if found or public else "no period is due")
