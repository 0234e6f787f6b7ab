"""Runs whose processes are gone: Dagster believes that they go on, and keeps their places taken.

Runs are processes of the code server, and end with it. Dagster's monitor finds out within some minutes
(`pipelines.launcher`); the stack, which knows when the code server was gone, says so at once.

python -m tidemark.orphans
"""

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

UNDER_WAY = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def end_orphans(instance: dg.DagsterInstance) -> int:
    """End every run that is under way, free its places in pools, and return how many there were.

    For a time when nothing can run, because there is no code server. Such a run fails, and the daemon starts it again.
    A run that somebody had asked Dagster to terminate is cancelled instead, because it must not be started again.
    """
    found = instance.get_runs(RunsFilter(statuses=UNDER_WAY))
    for run in found:
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The code server, and this run with it, ended while it was terminated.")
        else:
            instance.report_run_failed(run, "The code server, and this run with it, ended while it ran.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(found)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as its:
        end_orphans(its)
