"""The sensor `hanging_runs`: counts runs that Dagster considers running, but that have no process or take too long.

Dagster's monitor ends such runs within some minutes. The count is for alerts in case it does not: Prometheus reads it
from the HTTP API, which has no access to Dagster. `tidemark doctor` lists the runs.
"""

import math

import dagster as dg
from dagster import DagsterInstance, RunRecord, RunsFilter
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from metrics.clock import utcnow
from metrics.upkeep import hanging_runs
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNDER_WAY


def find_hanging_runs(instance: DagsterInstance) -> list[str]:
    """Return one line for each hanging run: its job, the beginning of its id, and why it is considered hanging."""
    records = instance.get_run_records(RunsFilter(statuses=UNDER_WAY))
    return [f"{_name(record)}{why}" for record in records if (why := _why(instance, record))]


def _name(record: RunRecord) -> str:
    return f"{record.dagster_run.job_name} {record.dagster_run.run_id[:8]}"


def _why(instance: DagsterInstance, record: RunRecord) -> str:
    """Return why a run is considered hanging, or an empty text if it is not."""
    run = record.dagster_run
    since = record.start_time or record.create_timestamp.timestamp()
    took = utcnow().timestamp() - since
    limit = float(run.tags.get(MAX_RUNTIME_SECONDS_TAG, instance.run_monitoring_max_runtime_seconds or math.inf))
    if took > limit:
        return f" has been under way for {took / 60:.0f} minutes, and may take {limit / 60:.0f}"
    launcher = instance.run_launcher
    if not launcher.supports_check_run_worker_health:
        return ""
    health = launcher.check_run_worker_health(run)
    if health.status == WorkerStatus.RUNNING or _changed(instance, run):
        return ""
    return f": {health.msg or 'no process works on it'}"


def _changed(instance: DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether the status of a run changed during its health check."""
    now = instance.get_run_by_id(run.run_id)
    return now is None or now.status is not run.status


@dg.sensor(
    name="hanging_runs",
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Counts the runs without a process, or over their maximum runtime, for Prometheus "
    "(tidemark_hanging_runs). It does not end them: Dagster's monitor does.",
)
def count_hanging_runs(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Count hanging runs, and store the number in Redis for the HTTP API."""
    found = find_hanging_runs(context.instance)
    hanging_runs.keep(tidemark.clients().redis, len(found))
    return dg.SkipReason("; ".join(found) or "no run hangs")
