"""Runs that hang: Dagster believes that they go on, and no process works on them, or they take longer than they may.

Dagster's monitor ends such runs within some minutes. A sensor counts them, so that people are told where it does not:
Prometheus reads the count from the HTTP API, which knows nothing of Dagster. `tidemark doctor` names each of them.
"""

import math

import dagster as dg
from dagster import DagsterInstance, RunRecord, RunsFilter
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

from metrics.clock import utcnow
from metrics.upkeep import hanging_runs as known
from pipelines.resources import Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.states import UNDER_WAY


def hanging(instance: DagsterInstance) -> list[str]:
    """Return one line for each run that hangs: its job, the beginning of its id, and why it is taken to hang."""
    records = instance.get_run_records(RunsFilter(statuses=UNDER_WAY))
    return [f"{_name(record)}{why}" for record in records if (why := _why(instance, record))]


def _name(record: RunRecord) -> str:
    return f"{record.dagster_run.job_name} {record.dagster_run.run_id[:8]}"


def _why(instance: DagsterInstance, record: RunRecord) -> str:
    """Return why a run is taken to hang, or nothing where it does not."""
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
    """Tell whether a run began or ended while its process was asked for."""
    now = instance.get_run_by_id(run.run_id)
    return now is None or now.status is not run.status


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Counts the runs that no process works on, or that take longer than they may, for Prometheus "
    "(tidemark_hanging_runs). It starts none and ends none: Dagster's monitor does.",
)
def hanging_runs(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Count the runs that hang, and keep the number where the HTTP API finds it."""
    found = hanging(context.instance)
    known.keep(tidemark.clients().redis, len(found))
    return dg.SkipReason("; ".join(found) or "no run hangs")
