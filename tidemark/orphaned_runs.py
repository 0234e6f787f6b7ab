"""Ends orphaned Dagster runs: their processes are gone, but Dagster takes them for running and keeps their pool slots.

Runs are child processes of the code server, and end with it. Dagster's monitor notices this only after some minutes
(`pipelines.runs.launcher`). The stack knows when it started the code server, and therefore ends the runs at once.

    python -m tidemark.orphaned_runs PORT BEGAN [--daemon]

This ends the runs of earlier code servers than the one at PORT, which was started at BEGAN (seconds since 1970). With
`--daemon`, used when Dagster's daemon already runs, it first waits until the daemon has found the new code server.
"""

import sys
import threading
import time

import dagster as dg
import tenacity
from dagster import DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.scheduler.instigation import TickStatus
from dagster._grpc.client import DagsterGrpcClient

from metrics.clock import utcnow
from pipelines.runs.states import UNDER_WAY
from tidemark.stack.ports import HOST

CODE_SERVER_SECONDS = 80.0
"""Maximum time until the new code server answers."""

DAEMON_SECONDS = 60.0
"""Maximum time to wait for the daemon; if all sensors are switched off, it never evaluates any."""


def orphans(instance: dg.DagsterInstance, began: float) -> list[RunRecord]:
    """Return the unfinished runs that are older than the present code server, which was started at `began`."""
    records = instance.get_run_records(RunsFilter(statuses=UNDER_WAY))
    return [record for record in records if (record.start_time or record.update_timestamp.timestamp()) < began]


def end_orphans(
    instance: dg.DagsterInstance,
    began: float,
    port: int,
    seconds: float = CODE_SERVER_SECONDS,
    daemon_seconds: float = 0.0,
) -> int:
    """End the orphaned runs, free their pool slots, and return how many there were.

    This first waits until the code server answers, and up to `daemon_seconds` until the daemon has found it. Dagster
    retries a run that failed like this, but only once, within some seconds; if no code server answers by then, or the
    daemon does not know it yet, Dagster gives the run up for good. A run that was being terminated is cancelled
    instead, because it must not be started again.

    Raises:
        DagsterUserCodeUnreachableError: the code server did not answer in time; nothing was changed.
    """
    if not orphans(instance, began):
        return 0
    _wait_for_code_server(port, seconds)
    _wait_for_daemon(instance, utcnow().timestamp(), daemon_seconds)
    found = orphans(instance, began)
    for run in (record.dagster_run for record in found):
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The code server ended, and with it this run, which was terminating.")
        else:
            instance.report_run_failed(run, "The code server ended, and with it this run.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(found)


def _wait_for_code_server(port: int, seconds: float) -> None:
    client = DagsterGrpcClient(port=port, host=HOST)
    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(DagsterUserCodeUnreachableError),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(0.2),
        reraise=True,
    )(lambda: client.ping(""))


def _wait_for_daemon(instance: dg.DagsterInstance, since: float, seconds: float) -> None:
    """Wait until the daemon has evaluated a sensor, which requires that it has found the code server."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline and not _evaluated(instance, since):
        pause.wait(0.5)


def _evaluated(instance: dg.DagsterInstance, since: float) -> bool:
    """Tell whether any evaluation of a sensor that began after `since` succeeded."""
    well = [TickStatus.SUCCESS, TickStatus.SKIPPED]
    return any(
        instance.get_ticks(one.instigator_origin_id, one.selector_id, after=since, limit=1, statuses=well)
        for one in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    )


if __name__ == "__main__":
    with dg.DagsterInstance.get() as its:
        patience = DAEMON_SECONDS if "--daemon" in sys.argv else 0.0
        ended = end_orphans(its, float(sys.argv[2]), int(sys.argv[1]), daemon_seconds=patience)
        sys.stdout.write(f"ended {ended} runs of an earlier code server\n")
