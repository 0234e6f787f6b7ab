"""The sensor `requested_work`: requests runs for operations that clients created over HTTP or the command line.

It has no cursor: each evaluation reads the open operations from MongoDB, so a restart or a pause loses nothing. It
hands out only a few batches of operations at a time (`metrics.store.operation_queue`), because Dagster's queue of runs
would take them in the order of their requests, whichever workspace they are of.
"""

import threading
import time
from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from metrics.clock import utcnow
from metrics.collection import calendars
from metrics.errors import TidemarkError
from metrics.store.operation_queue import Batch
from pipelines import jobs
from pipelines.ops.change_calendars import change_calendars
from pipelines.ops.migrate_documents import migrate_documents
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.runs import histories, operations
from pipelines.runs.attempts import may_run
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.tags import (
    ASSETS,
    CALENDARS,
    HISTORY,
    MIGRATION,
    ONE_PARTITION,
    OPERATION,
    WILL_RETRY,
    Priority,
)

_LISTEN_SECONDS = 20.0
_LISTEN_INTERVAL = 0.3
_LOOK_AT_RUNS_SECONDS = 2.0
"""Interval, within an evaluation, of checks whether a run that shares work of one kind may begin."""
_AT_ONCE = 3
"""Runs of operations at once if the run queue has no limit for them; dagster.yaml has this one."""
_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


@dg.sensor(
    jobs=[*jobs.JOBS, jobs.collect_history, change_calendars, migrate_documents],
    minimum_interval_seconds=1,
    default_status=SENSOR_STATUS,
    description="Requests runs for operations, and writes their outcome back. Workspaces take turns. The queued "
    "collections of one account share a run. Histories of accounts share one as well, and the next one continues what "
    "it left.",
)
def requested_work(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Wait for queued operations and request their runs at once, so that a run starts within a second or two."""
    clients = tidemark.clients()
    lost = _settle_ended(clients, context.instance)
    for operation in [*histories.settle_finished(clients.store), *calendars.settle_done(clients.store)]:
        clients.announce_operation(operation["_id"])
    batches, shared = _listen(clients, context.instance, lost, _LISTEN_SECONDS)
    yield from shared
    for batch in batches:
        try:
            known = operations.platforms_of(clients.store, batch.first, PLATFORMS_IMPLEMENTED)
            work = operations.plan(batch, known, utcnow())
        except TidemarkError as error:
            _fail(clients, batch, str(error))
            continue
        yield _request(work)
    if not batches and not shared:
        yield dg.SkipReason("no operation is queued, or as many as may be are under way")


def _request(work: operations.Work) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=work.batch_id,
        job_name=work.job,
        partition_key=work.partition,
        asset_selection=[dg.AssetKey(asset) for asset in work.assets],
        tags={OPERATION: work.batch_id, ASSETS: str(len(work.assets)), **Priority.OPERATION, **ONE_PARTITION},
    )


def _places(instance: DagsterInstance) -> int:
    """Return how many batches may be under way: as many as run at once, and one that waits to be the next."""
    queue = instance.get_concurrency_config().run_queue_config
    limits = queue.tag_concurrency_limits if queue is not None else []
    return 1 + next((limit["limit"] for limit in limits if limit["key"] == OPERATION), _AT_ONCE)


def _listen(
    clients: Clients, instance: DagsterInstance, lost: Sequence[Batch], seconds: float
) -> tuple[Sequence[Batch], list[dg.RunRequest]]:
    """Wait up to `seconds` for work; return batches to request, and requests for runs that share work of one kind.

    The batches are `lost` and new ones. Polling here is faster than the daemon, which evaluates sensors only every 5 s.
    """
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    look_at_runs = time.monotonic()
    places = _places(instance)
    while True:
        batches = [*lost, *clients.store.operation_queue.hand_out(places)]
        shared: list[dg.RunRequest] = []
        if time.monotonic() >= look_at_runs:
            shared = _shared_runs(clients, instance)
            look_at_runs = time.monotonic() + _LOOK_AT_RUNS_SECONDS
        if batches or shared or time.monotonic() >= deadline:
            return batches, shared
        pause.wait(_LISTEN_INTERVAL)


def _shared_runs(clients: Clients, instance: DagsterInstance) -> list[dg.RunRequest]:
    """Return requests for runs over all histories, changes of calendars and conversions, where there is such work."""
    found, now = [], utcnow()
    if histories.any_to_read(clients.store, now) and may_run(instance, HISTORY, now):
        found.append(histories.run_request())
    if clients.store.calendars.with_upcoming() and may_run(instance, CALENDARS, now):
        found.append(dg.RunRequest(job_name=change_calendars.name))
    if clients.store.migrations.pending() and may_run(instance, MIGRATION, now):
        found.append(dg.RunRequest(job_name=migrate_documents.name))
    return found


def _settle_ended(clients: Clients, instance: DagsterInstance) -> list[Batch]:
    """Finish operations whose run ended without a report: it crashed, was cancelled, or failed before its assets.

    Return the batches that were handed out and have no run: the daemon ended before it created one, or it was deleted.
    """
    lost = []
    for batch in clients.store.operation_queue.under_way():
        runs = instance.get_runs(filters=RunsFilter(tags={OPERATION: batch.id}), limit=1)
        if not runs:
            lost.append(batch)
        elif runs[0].status in _ENDED and not _may_be_retried(instance, runs[0]):
            _fail(clients, batch, f"run {runs[0].run_id} ended as {runs[0].status.value.lower()}")
    return lost


def _may_be_retried(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Tell whether Dagster may retry a run that ended: Dagster sets the tag `will_retry` a moment after the failure."""
    if run.status is not DagsterRunStatus.FAILURE or not instance.run_retries_enabled:
        return False
    return run.tags.get(WILL_RETRY, "true") == "true"


def _fail(clients: Clients, batch: Batch, reason: str) -> None:
    for operation in batch.operations:
        if clients.store.operations.finish(operation["_id"], "failed", error=reason) is not None:
            clients.announce_operation(operation["_id"])
