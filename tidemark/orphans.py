"""Runs whose processes are gone: Dagster believes that they go on, and keeps their places taken.

Runs are processes of the code server, and end with it. Dagster's monitor finds out within some minutes
(`pipelines.launcher`); the stack, which knows when it started the code server, says so at once.

    python -m tidemark.orphans PORT BEGAN

ends the runs of the code server that was there before the one at PORT, which was started at BEGAN (seconds since 1970).
"""

import sys

import dagster as dg
import tenacity
from dagster import DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from pipelines.states import UNDER_WAY
from tidemark.stack.ports import HOST

SECONDS = 80.0
"""How long the new code server may take until it answers."""


def orphans(instance: dg.DagsterInstance, began: float) -> list[RunRecord]:
    """Return the runs under way that were there before the present code server was started at `began`."""
    records = instance.get_run_records(RunsFilter(statuses=UNDER_WAY))
    return [one for one in records if (one.start_time or one.update_timestamp.timestamp()) < began]


def end_orphans(instance: dg.DagsterInstance, began: float, port: int, seconds: float = SECONDS) -> int:
    """End the orphans, free their places in pools, and return how many there were.

    This waits until the code server answers. Dagster starts a run that failed so again, but it tries that only once,
    within some seconds, and gives up for good where no code server answers. A run that somebody had asked Dagster to
    terminate is cancelled instead, because it must not be started again.

    Raises:
        DagsterUserCodeUnreachableError: the code server did not answer in time; nothing was changed.
    """
    if not orphans(instance, began):
        return 0
    _wait_for_code_server(port, seconds)
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


if __name__ == "__main__":
    with dg.DagsterInstance.get() as its:
        ended = end_orphans(its, float(sys.argv[2]), int(sys.argv[1]))
        sys.stdout.write(f"{ended} runs had ended with an earlier code server\n")
