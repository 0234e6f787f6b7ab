"""The sensor `requested_work`: requests runs for operations that clients created over HTTP or the command line.

It has no cursor: each evaluation reads the open operations from MongoDB, so a restart or a pause loses nothing.
"""

import threading
import time
from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from metrics.clock import utcnow
from metrics.documents import OperationDocument, OperationKind
from metrics.errors import TidemarkError
from pipelines import jobs
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.runs import histories, operations
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.tags import (
    ASSETS,
    ONE_PARTITION,
    OPERATION,
    WILL_RETRY,
    Priority,
)

_LISTEN_SECONDS = 20.0
_LISTEN_INTERVAL = 0.3
_LOOK_AT_RUNS_SECONDS = 2.0
"""Interval, within an evaluation, of checks whether a run over histories may begin."""
_BY_RUN: tuple[OperationKind, ...] = ("collect", "aggregate")
"""Kinds of operations that have a run of their own."""
_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


@dg.sensor(
    jobs=[*jobs.JOBS, jobs.collect_history],
    minimum_interval_seconds=1,
    default_status=SENSOR_STATUS,
    description="Requests runs for operations, and writes their outcome back. Each operation has a run of its own, "
    "except histories of accounts: these share a run, and the next one continues what it left.",
)
def requested_work(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Wait for queued operations and request their runs at once, so that a run starts within a second or two."""
    clients = tidemark.clients()
    _settle_ended(clients, context.instance)
    for operation in histories.settle_finished(clients.store):
        clients.announce_operation(operation["_id"])
    queued, history = _listen(clients, context.instance, _LISTEN_SECONDS)
    if history:
        yield histories.run_request()
    for operation in queued:
        try:
            known = operations.platforms_of(clients.store, operation, PLATFORMS_IMPLEMENTED)
            work = operations.plan(operation, known, utcnow())
        except TidemarkError as error:
            _fail(clients, operation, str(error))
            continue
        yield _request(work)
    if not queued and not history:
        yield dg.SkipReason("no operation is queued")


def _request(work: operations.Work) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=work.operation_id,
        job_name=work.job,
        partition_key=work.partition,
        asset_selection=[dg.AssetKey(asset) for asset in work.assets],
        tags={OPERATION: work.operation_id, ASSETS: str(len(work.assets)), **Priority.OPERATION, **ONE_PARTITION},
    )


def _listen(clients: Clients, instance: dg.DagsterInstance, seconds: float) -> tuple[Sequence[OperationDocument], bool]:
    """Wait up to `seconds` for work; return queued operations, and whether a run over histories is to be requested.

    Polling here is faster than the daemon, which evaluates sensors only every 5 s.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    look_at_runs = time.monotonic()
    while True:
        queued = clients.store.operations.find(["queued"], limit=50, kinds=_BY_RUN)
        history = False
        if time.monotonic() >= look_at_runs and histories.any_to_read(clients.store, utcnow()):
            history = histories.may_run(instance, utcnow())
            look_at_runs = time.monotonic() + _LOOK_AT_RUNS_SECONDS
        if queued or history or time.monotonic() >= deadline:
            return queued, history
        pause.wait(_LISTEN_INTERVAL)


def _settle_ended(clients: Clients, instance: DagsterInstance) -> None:
    """Finish operations whose run ended without a report: it crashed, was cancelled, or failed before its assets."""
    for operation in clients.store.operations.find(["queued", "running"], limit=200, kinds=_BY_RUN):
        runs = instance.get_runs(filters=RunsFilter(tags={OPERATION: operation["_id"]}), limit=1)
        if runs and runs[0].status in _ENDED and not _may_be_retried(instance, runs[0]):
            _fail(clients, operation, f"run {runs[0].run_id} ended as {runs[0].status.value.lower()}")


def _may_be_retried(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether Dagster may retry a run that ended: Dagster sets the tag `will_retry` a moment after the failure."""
    if run.status is not DagsterRunStatus.FAILURE or not instance.run_retries_enabled:
        return False
    return run.tags.get(WILL_RETRY, "true") == "true"


def _fail(clients: Clients, operation: OperationDocument, reason: str) -> None:
    if clients.store.operations.finish(operation["_id"], "failed", error=reason) is not None:
        clients.announce_operation(operation["_id"])
