"""The job `aggregate_late`: one run that brings days, weeks and months up to date with their observations.

It rolls what is marked when it comes to it, so what a day changes of its week is rolled by the same run. Each period is
materialised when it is written, as by the runs of the assets themselves; one that fails turns red there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic

import dagster as dg
from dagster import AssetCheckEvaluation, DagsterInstance, RunsFilter
from dagster._core.events import AssetMaterializationPlannedData

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.periods import PERIODS, Period
from metrics.store import Store
from metrics.store.roll_marks import Pending
from pipelines import jobs
from pipelines.assets.rollups import RETRIES, roll_partition
from pipelines.checks import rollups as checks
from pipelines.partitions import period_key
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport
from pipelines.runs.failures import told_plainly, tried_again
from pipelines.runs.late import due, next_due
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import Priority

SECONDS = 600.0
"""A run begins no further period after that long: the next run goes on, and looks at what is overdue first."""

Reports = dict[Period, dict[datetime, RollReport]]


def marked(store: Store) -> dict[Period, Sequence[Pending]]:
    """Return what is marked, by period.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    return {period: store.marks.pending(period) for period in PERIODS}


def busy(instance: DagsterInstance) -> list[Period]:
    """Return the periods with a run of their own under way."""
    return [
        period
        for period, job in jobs.AGGREGATE.items()
        if instance.get_runs(filters=RunsFilter(job_name=job.name, statuses=UNFINISHED), limit=1)
    ]


@dg.op(
    pool="rollups",
    description="Rolls the marked days, then the weeks and months that they change, each for the workspaces concerned.",
)
def roll_late(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Roll what is marked. A period that fails keeps none of the others back, and fails the run at its end."""
    with tried_again(context, RETRIES), told_plainly():
        clients = tidemark.clients()
        reports: Reports = {}
        failed = _roll_all(context, clients, reports)
        for period, some in reports.items():
            context.log_event(_evaluation(clients, period, some))  # type: ignore[arg-type]  # Dagster takes it
        if failed:
            context.log.error("not rolled: %s", ", ".join(f"{period} {period_key(at)}" for period, at in failed))
            raise next(iter(failed.values()))


@dg.job(
    description="Bring days, weeks and months up to date with observations that came since they were rolled: one run.",
    # A run ends after ten minutes: one that takes much longer hangs.
    tags={**Priority.LATE, "dagster/max_runtime": "1800"},
)
def aggregate_late() -> None:
    """Roll what the marks name."""
    roll_late()


def _roll_all(
    context: dg.OpExecutionContext, clients: Clients, reports: Reports
) -> Mapping[tuple[Period, datetime], Exception]:
    """Roll one period after the other, each once; return those that failed, with their errors."""
    failed: dict[tuple[Period, datetime], Exception] = {}
    tried: set[tuple[Period, datetime]] = set()
    occupied, began = busy(context.instance), monotonic()
    while monotonic() - began < SECONDS:
        now = utcnow()
        found = next_due(due(marked(clients.store), occupied, now), now, besides=tried)
        if found is None:
            break
        period, mark = found
        tried.add((period, mark.start))
        try:
            reports.setdefault(period, {})[mark.start] = _roll_one(context, clients, period, mark)
        except Unavailable:
            raise
        except Exception as error:
            context.log.exception("%s %s could not be rolled", period, period_key(mark.start))
            failed[period, mark.start] = error
            _show_as_failed(context, period, mark.start)
    return failed


def _show_as_failed(context: dg.OpExecutionContext, period: Period, start: datetime) -> None:
    """Have Dagster show a partition in red, as it does for a failed run of the asset itself.

    Dagster takes a partition for failed when the newest event of it says that a run was going to materialise it, and
    that run failed. A run of an asset job has such an event from its beginning, a run of ops has none.
    """
    planned = AssetMaterializationPlannedData(dg.AssetKey(f"{period}_rollup"), partition=period_key(start))
    event = dg.DagsterEvent.build_asset_materialization_planned_event(context.job_name, context.op.name, planned)
    context.instance.report_dagster_event(event, context.run_id)


def _roll_one(context: dg.OpExecutionContext, clients: Clients, period: Period, mark: Pending) -> RollReport:
    key = dg.AssetKey(f"{period}_rollup")
    report = roll_partition(context, clients, key, period, mark.start, mark.workspaces)
    context.log.info("%s: %s", period_key(mark.start), report.summary())
    return report


def _evaluation(clients: Clients, period: Period, reports: Mapping[datetime, RollReport]) -> AssetCheckEvaluation:
    """Evaluate the check of an asset of which this run rolled periods."""
    found = checks.result(clients.store, f"{period}_rollup", period, reports, of_all=False)
    return AssetCheckEvaluation(
        asset_key=dg.AssetKey(f"{period}_rollup"),
        check_name=str(found.check_name),
        passed=found.passed,
        metadata=found.metadata,
        severity=found.severity,
        description=found.description,
    )
