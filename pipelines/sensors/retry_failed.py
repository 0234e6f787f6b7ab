"""The sensor `retry_failed`: requests a retry of accounts that failed in the newest hour, within the hour's grace."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from metrics.clock import utcnow
from pipelines import jobs, partitions
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.retry import MAY_PASS, round_due
from pipelines.runs.tags import (
    ONE_PARTITION,
    RETRY,
    Priority,
)
from pipelines.sensors.collecting import is_collecting


@dg.sensor(
    job=jobs.collect_hourly,
    minimum_interval_seconds=30,
    default_status=SENSOR_STATUS,
    description="Requests a retry of accounts that failed in the hour that just ended, 5, 15 and 40 minutes after its "
    "end, while their levels can still be read (TIDEMARK_COLLECT_GRACE_MINUTES).",
)
def retry_failed(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run for the newest hour, of the platforms with accounts whose failure may be over."""
    clients = tidemark.clients()
    settings = clients.settings
    due = round_due(utcnow(), timedelta(minutes=settings.collect_grace_minutes), settings.mongo_db)
    failed = clients.store.collections.failed_before(due.slot, MAY_PASS, due.at) if due else {}
    if due is None or not failed:
        yield dg.SkipReason("no account of the newest hour is to be retried now")
    elif is_collecting(context.instance):
        yield dg.SkipReason("an hour is being collected")
    else:
        yield dg.RunRequest(
            run_key=f"retry:{due.key}",
            partition_key=partitions.slot_key(due.slot),
            asset_selection=[dg.AssetKey(f"raw_{platform}") for platform in sorted(failed)],
            tags={RETRY: due.key, **Priority.HOURLY, **ONE_PARTITION},
        )
