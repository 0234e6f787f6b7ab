"""Sensors: work that is asked for, data that came late, hours that were missed.

Each evaluation is a plain function over plain data; here it meets Dagster. None keeps a cursor: what is to be done is
read from MongoDB each time, so that nothing is lost with a cursor, a restart or a pause.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from metrics.clock import utcnow
from metrics.collection.hours import holes
from metrics.documents import OperationDocument, OperationKind
from metrics.errors import TidemarkError
from metrics.upkeep.retention import Horizon
from pipelines import jobs, partitions
from pipelines.ops import aggregate_late as late_runs
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.runs import histories as history_runs
from pipelines.runs import operations
from pipelines.runs.attempts import attempts
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.late import due, run_key
from pipelines.runs.retry import MAY_PASS, round_due
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import (
    ASSETS,
    LATE,
    MISSED,
    ONE_PARTITION,
    OPERATION,
    RANGE_END,
    RANGE_START,
    RETRY,
    WILL_RETRY,
    Priority,
)
from pipelines.sensors.missed import MAX_RUNS_PER_TICK, Missed, slots_to_look_at
from pipelines.sensors.missed import missed_hours as missed_hours_of

_LISTEN_SECONDS = 20.0
_LISTEN_INTERVAL = 0.3
_LOOK_AT_RUNS_SECONDS = 2.0
"""How often Dagster is asked whether a run over histories may begin, while one is wanted: the last may just end."""
_BY_RUN: tuple[OperationKind, ...] = ("collect", "aggregate")
"""Kinds of operations that have a run of their own."""
_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


@dg.sensor(
    jobs=[*jobs.JOBS, jobs.collect_history],
    minimum_interval_seconds=1,
    default_status=SENSOR_STATUS,
    description="Turns operations that were asked for into runs, and writes back how they ended. What came over HTTP "
    "has a run each; histories of accounts share one, and the next one goes on with what it left.",
)
def requested_work(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Listen for queued operations; return as soon as there are any, so that a run starts within a second or two."""
    clients = tidemark.clients()
    _settle_ended(clients, context.instance)
    for operation in history_runs.settle(clients.store):
        clients.announce_operation(operation["_id"])
    queued, history = _listen(clients, context.instance, _LISTEN_SECONDS)
    if history:
        yield history_runs.request()
    for operation in queued:
        try:
            known = operations.platforms_of(clients.store, operation, PLATFORMS_IMPLEMENTED)
            work = operations.plan(operation, known, utcnow())
        except TidemarkError as error:
            _fail(clients, operation, str(error))
            continue
        yield _request(work)
    if not queued and not history:
        yield dg.SkipReason("nothing was asked for")


def _request(work: operations.Work) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=work.operation_id,
        job_name=work.job,
        partition_key=work.partition,
        asset_selection=[dg.AssetKey(asset) for asset in work.assets],
        tags={OPERATION: work.operation_id, ASSETS: str(len(work.assets)), **Priority.OPERATION, **ONE_PARTITION},
    )


def _listen(clients: Clients, instance: dg.DagsterInstance, seconds: float) -> tuple[Sequence[OperationDocument], bool]:
    """Return queued operations, and whether histories are to be read, waiting up to `seconds` for the first of them.

    The daemon itself comes by every 5 s only.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    look_at_runs = time.monotonic()
    while True:
        queued = clients.store.operations.find(["queued"], limit=50, kinds=_BY_RUN)
        history = False
        if time.monotonic() >= look_at_runs and history_runs.wanted(clients.store, utcnow()):
            history = history_runs.may_run(instance, utcnow())
            look_at_runs = time.monotonic() + _LOOK_AT_RUNS_SECONDS
        if queued or history or time.monotonic() >= deadline:
            return queued, history
        pause.wait(_LISTEN_INTERVAL)


def _settle_ended(clients: Clients, instance: DagsterInstance) -> None:
    """Finish operations whose run ended without a word: crashed, cancelled, or failed before its asset began."""
    for operation in clients.store.operations.find(["queued", "running"], limit=200, kinds=_BY_RUN):
        runs = instance.get_runs(filters=RunsFilter(tags={OPERATION: operation["_id"]}), limit=1)
        if runs and runs[0].status in _ENDED and not _may_be_retried(instance, runs[0]):
            _fail(clients, operation, f"run {runs[0].run_id} ended as {runs[0].status.value.lower()}")


def _may_be_retried(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether Dagster is about to start a run that ended again; it says so a moment after the run failed."""
    if run.status is not DagsterRunStatus.FAILURE or not instance.run_retries_enabled:
        return False
    return run.tags.get(WILL_RETRY, "true") == "true"


def _fail(clients: Clients, operation: OperationDocument, reason: str) -> None:
    if clients.store.operations.finish(operation["_id"], "failed", error=reason) is not None:
        clients.announce_operation(operation["_id"])


@dg.sensor(
    job=late_runs.aggregate_late,
    minimum_interval_seconds=5,
    default_status=SENSOR_STATUS,
    description="Rolls again exactly the days, weeks and months whose observations changed, one run per burst.",
)
def late_data(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run that brings what is marked up to date; one that failed is tried again, after a longer wait."""
    clients, now = tidemark.clients(), utcnow()
    late = RunsFilter(job_name=late_runs.aggregate_late.name, statuses=UNFINISHED)
    if context.instance.get_runs(filters=late, limit=1):
        yield dg.SkipReason("rollups are being brought up to date")
        return
    found = due(late_runs.marked(clients.store), late_runs.busy(context.instance), now)
    key = run_key(found)
    attempt = attempts(context.instance, LATE, key).next(now) if found else None
    if attempt is not None:
        yield dg.RunRequest(run_key=f"{key}:{attempt}", tags={LATE: key})
    else:
        yield dg.SkipReason("the last try failed, it is tried again later" if found else "no rollup is behind")


@dg.sensor(
    job=jobs.collect_hourly,
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Finds ended hours of which active accounts have no record, newest first, and has these accounts "
    "collected alone: after downtime, a run that was terminated, or a store that was away.",
)
def missed_hours(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request hours, of those platforms that have accounts without a record."""
    clients = tidemark.clients()
    if _is_collecting(context.instance):
        yield dg.SkipReason("an hour is being collected")
        return
    now, store, settings = utcnow(), clients.store, clients.settings
    horizon = Horizon.of(store, settings, now)
    found = holes(store, slots_to_look_at(now, horizon.first_day(horizon.observations)), horizon)
    missed = missed_hours_of(found, now, timedelta(minutes=settings.collect_grace_minutes))
    requests = [request for one in missed if (request := _missed_request(context.instance, one))]
    yield from requests[:MAX_RUNS_PER_TICK]
    if not missed:
        yield dg.SkipReason("every account has a record of every hour")
    elif not requests:
        yield dg.SkipReason(f"{len(found)} hours were tried and are tried again later")


def _is_collecting(instance: DagsterInstance) -> bool:
    """Tell whether an hour is collected or waits for it; what was asked for over HTTP does not count."""
    unfinished = instance.get_runs(RunsFilter(job_name=jobs.collect_hourly.name, statuses=UNFINISHED))
    return any(OPERATION not in run.tags for run in unfinished)


def _missed_request(instance: DagsterInstance, missed: Missed) -> dg.RunRequest | None:
    first, last = partitions.slot_key(missed.first), partitions.slot_key(missed.last)
    key = first if first == last else f"{first} to {last}"
    attempt = attempts(instance, MISSED, key).next(utcnow())
    if attempt is None:
        return None
    span = dict(ONE_PARTITION) if first == last else {RANGE_START: first, RANGE_END: last}
    return dg.RunRequest(
        run_key=f"missed:{key}:{attempt}",
        partition_key=first if first == last else None,
        asset_selection=[dg.AssetKey(f"raw_{platform}") for platform in missed.platforms],
        tags={MISSED: key, **Priority.MISSED, **span},
    )


@dg.sensor(
    job=jobs.collect_hourly,
    minimum_interval_seconds=30,
    default_status=SENSOR_STATUS,
    description="Asks accounts again that failed in the hour that just ended, 5, 15 and 40 minutes after its end, "
    "while their levels can still be read (TIDEMARK_COLLECT_GRACE_MINUTES).",
)
def retry_failed(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request the newest hour once more, of those platforms that have accounts which failed for what may pass."""
    clients = tidemark.clients()
    settings = clients.settings
    due = round_due(utcnow(), timedelta(minutes=settings.collect_grace_minutes), settings.mongo_db)
    failed = clients.store.collections.failed_before(due.slot, MAY_PASS, due.at) if due else {}
    if due is None or not failed:
        yield dg.SkipReason("no account of the newest hour is to be asked again now")
    elif _is_collecting(context.instance):
        yield dg.SkipReason("an hour is being collected")
    else:
        yield dg.RunRequest(
            run_key=f"retry:{due.key}",
            partition_key=partitions.slot_key(due.slot),
            asset_selection=[dg.AssetKey(f"raw_{platform}") for platform in sorted(failed)],
            tags={RETRY: due.key, **Priority.HOURLY, **ONE_PARTITION},
        )


SENSORS = [requested_work, late_data, missed_hours, retry_failed]
