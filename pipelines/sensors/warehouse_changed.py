"""The sensor `warehouse_changed`: requests loads of days that have ended, and again when they have changed.

It has no cursor: the collection `warehouse_marks` holds, for each warehouse, the days to load. Each warehouse has runs
of its own, so one that does not answer holds none of the others, and catches up when it is back.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg
from dagster import RunsFilter

from metrics.clock import utcnow
from metrics.store import Store
from pipelines import jobs
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import LOAD, WAREHOUSE
from pipelines.sensors.changed_days import days_to_request, request


@dg.sensor(
    job=jobs.load_warehouses,
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Requests loads of days that have ended, or changed after they were loaded. Skips without warehouses.",
)
def warehouse_changed(
    context: dg.SensorEvaluationContext, tidemark: Tidemark
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request runs for all days to load, for each warehouse."""
    store, requested = tidemark.clients().store, 0
    names = [one["_id"] for one in store.warehouses.all()]
    behind = [mark.start for mark in store.marks.pending("daily")] if names else []
    for name in names:
        for one in _requests(context.instance, store, name, behind):
            requested += 1
            yield one
    if not names:
        yield dg.SkipReason("there are no warehouses: `tidemark warehouse add` adds one")
    elif not requested:
        yield dg.SkipReason("every day that ended is loaded, is being loaded, or waits after a failure")


def _requests(
    instance: dg.DagsterInstance, store: Store, name: str, behind: Sequence[datetime]
) -> Iterator[dg.RunRequest]:
    """Yield requests for the days to load into a warehouse, unless a load into it is unfinished."""
    if instance.get_runs(filters=RunsFilter(tags={WAREHOUSE: name}, statuses=UNFINISHED), limit=1):
        return
    now = utcnow()
    for days in days_to_request(f"warehouse:{name}", store.warehouse_marks(name).pending(now), behind, now):
        wanted = request(instance, LOAD, days)
        if wanted is not None:
            yield dg.RunRequest(
                wanted.run_key, partition_key=wanted.partition_key, tags={**wanted.tags, WAREHOUSE: name}
            )
