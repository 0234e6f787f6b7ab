"""Runs whose processes are gone: Dagster believes that they go on, and keeps their places taken.

Runs are processes of the code server, and end with it. Dagster's monitor finds out within some minutes
(`pipelines.runs.launcher`); the stack, which knows when it started the code server, says so at once.

    python -m tidemark.orphans PORT BEGAN [--daemon]

ends the runs of the code server that was there before the one at PORT, which was started at BEGAN (seconds since 1970).
With `--daemon`, for when Dagster's daemon runs already, it waits until that has found the new code server.
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

SECONDS = 80.0
"""How long the new code server may take until it answers."""

DAEMON_SECONDS = 60.0
"""How long the daemon is waited for; it evaluates no sensor where all of them are switched off."""


def orphans(instance: dg.DagsterInstance, began: float) -> list[RunRecord]:
    """Return the runs under way that were there before the present code server was started at `began`."""
    records = instance.get_run_records(RunsFilter(statuses=UNDER_WAY))
    return [one for one in records if (one.start_time or one.update_timestamp.timestamp()) < began]


def end_orphans(
    instance: dg.DagsterInstance, began: float, port: int, seconds: float = SECONDS, daemon_seconds: float = 0.0
) -> int:
    """End the orphans, free their places in pools, and return how many there were.

    This waits until the code server answers, and up to `daemon_seconds` until the daemon has found it. Dagster starts a
    run that failed so again, but it tries that only once, within some seconds, and gives up for good where no code
    server answers or where it does not know yet that one does. A run that somebody had asked Dagster to
    terminate is cancelled instead, because it must not be started again.

    Raises:
        DagsterUserCodeUnreachableError: the code server did not answer in time; nothing was changed.
    """
    if not orphans(instance, began):
        return 0
    _wait_for_code_server(port, seconds)
    _wait_for_daemon(instance, utcnow().timestamp(), daemon_seconds)
    found = orphans(instance, began)
    for run in (one.dagster_run for one in found):
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The code server, and this run with it, ended while it was terminated.")
        else:
            instance.report_run_failed(run, "The code server, and this run with it, ended while it ran.")
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
    """Wait until the daemon has evaluated a sensor, which it can only with a code server that it has found."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline and not _evaluated(instance, since):
        pause.wait(0.5)


def _evaluated(instance: dg.DagsterInstance, since: float) -> bool:
    """Tell whether the evaluation of a sensor that began later than `since` went well."""
    well = [TickStatus.SUCCESS, TickStatus.SKIPPED]
    return any(
        instance.get_ticks(one.instigator_origin_id, one.selector_id, after=since, limit=1, statuses=well)
        for one in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    )


if __name__ == "__main__":
    with dg.DagsterInstance.get() as its:
        patience = DAEMON_SECONDS if "--daemon" in sys.argv else 0.0
        ended = end_orphans(its, float(sys.argv[2]), int(sys.argv[1]), daemon_seconds=patience)
        sys.stdout.write(f"{ended} runs had ended with an earlier code server\n")
