"""Find out whether a run of hourly collection is unfinished."""

from dagster import DagsterInstance, RunsFilter

from pipelines import jobs
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import OPERATION


def is_collecting(instance: DagsterInstance) -> bool:
    """Tell whether a run collects an hour or waits in the queue to do so; runs of operations do not count."""
    unfinished = instance.get_runs(RunsFilter(job_name=jobs.collect_hourly.name, statuses=UNFINISHED))
    return any(OPERATION not in run.tags for run in unfinished)
