"""The job `aggregate_late`: one run that rolls up all days, weeks and months that are marked as changed.

First come those of connected accounts, then those of watched ones, whose weeks and months have no partitions. The run
reads the marks again before each period, so the week that a day has changed is rolled up in the same run. Each period
is materialised as soon as it is written, as in runs of the assets themselves; a period that fails turns red in
Dagster's UI.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

import dagster as dg
from dagster import AssetCheckEvaluation, DagsterInstance, RunsFilter
from dagster._core.events import AssetMaterializationPlannedData

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.periods import PERIODS, Period
from metrics.store import Store
from metrics.store.rollup.roll_marks import Pending
from pipelines import jobs
from pipelines.assets.public import ROLLUP, roll_public
from pipelines.assets.rollups import RETRIES, roll_partition
from pipelines.checks import rollup_checks
from pipelines.partitions import period_key
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport
from pipelines.runs.due_periods import due_marks, next_due
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.states import UNFINISHED
from pipelines.runs.tags import Priority

LONGEST_RUN_SECONDS = 600.0
"""After that long, a run begins no further period: the next run continues, with overdue periods first."""

Reports = dict[Period, dict[datetime, RollReport]]


def busy_public(instance: DagsterInstance) -> Sequence[Period]:
    """Return the periods of watched accounts that wait because a run reads these accounts, and rolls them up."""
    reading = RunsFilter(job_name=jobs.read_watched.name, statuses=UNFINISHED)
    return PERIODS if instance.get_runs(filters=reading, limit=1) else ()


def marks_by_period(store: Store) -> dict[Period, Sequence[Pending]]:
    """Return the marks, by period.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    return {period: store.marks.pending(period) for period in PERIODS}


def busy_periods(instance: DagsterInstance) -> list[Period]:
    """Return the periods whose own job has an unfinished run."""
    return [
        period
        for period, job in jobs.AGGREGATE.items()
        if instance.get_runs(filters=RunsFilter(job_name=job.name, statuses=UNFINISHED), limit=1)
    ]


@dg.op(
    pool="rollups",
    description="Rolls up the marked days, then the weeks and months that these change, each for the workspaces that "
    "are marked.",
)
def roll_late(context: dg.OpExecutionContext, tidemark: Tidemark) -> None:
    """Roll up all marked periods. If one fails, the others are rolled up nevertheless; then the run fails."""
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        own = _Lane(clients.store, busy_periods(context.instance), _asset, partial(_roll_one, context, clients))
        public = _Lane(
            clients.store.public,
            busy_public(context.instance),
            lambda period: ROLLUP if period == "daily" else None,
            partial(roll_public, context, clients),
        )
        reports: Reports = {}
        failed = [*_roll_all(context, own, reports), *_roll_all(context, public, {})]
        for period, some in reports.items():
            context.log_event(_evaluation(clients, period, some))  # type: ignore[arg-type]  # Dagster takes it
        if failed:
            context.log.error("not rolled up: %s", ", ".join(what for what, _ in failed))
            raise failed[0][1]


@dg.job(
    description="Rolls up again the days, weeks and months with observations that came after their last roll-up.",
    # A run ends by itself after ten minutes: if it takes much longer, it hangs.
    tags={**Priority.LATE, "dagster/max_runtime": "1800"},
)
def aggregate_late() -> None:
    """Roll up the marked periods."""
    roll_late()


@dataclass(frozen=True, slots=True)
class _Lane:
    """The marked periods of one kind of accounts: those that wait, and how one is rolled up and shown in Dagster.

    `asset` returns the asset whose partition is a period, None if there is none.
    """

    store: Store
    occupied: Sequence[Period]
    asset: Callable[[Period], str | None]
    roll: Callable[[Period, datetime, Sequence[str]], RollReport]


def _roll_all(context: dg.OpExecutionContext, lane: _Lane, reports: Reports) -> list[tuple[str, Exception]]:
    """Roll up due periods one after the other, each once; return those that failed, with their errors."""
    failed: list[tuple[str, Exception]] = []
    tried: set[tuple[Period, datetime]] = set()
    began = monotonic()
    while monotonic() - began < LONGEST_RUN_SECONDS:
        now = utcnow()
        found = next_due(due_marks(marks_by_period(lane.store), lane.occupied, now), now, besides=tried)
        if found is None:
            break
        period, mark = found
        tried.add((period, mark.start))
        try:
            reports.setdefault(period, {})[mark.start] = lane.roll(period, mark.start, mark.workspaces)
        except Unavailable:
            raise
        except Exception as error:
            context.log.exception("%s %s could not be rolled up", period, period_key(mark.start))
            failed.append((f"{period} {period_key(mark.start)}", error))
            if (asset := lane.asset(period)) is not None:
                _show_as_failed(context, asset, mark.start)
    return failed


def _asset(period: Period) -> str:
    return f"{period}_rollup"


def _show_as_failed(context: dg.OpExecutionContext, asset: str, start: datetime) -> None:
    """Make Dagster show a partition as failed, as it does for a failed run of the asset itself.

    Dagster considers a partition failed if its newest event says that a run planned to materialise it, and that run
    failed. A run of an asset job has such events from its beginning; a run of ops has none.
    """
    planned = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=period_key(start))
    event = dg.DagsterEvent.build_asset_materialization_planned_event(context.job_name, context.op.name, planned)
    context.instance.report_dagster_event(event, context.run_id)


def _roll_one(
    context: dg.OpExecutionContext, clients: Clients, period: Period, start: datetime, workspaces: Sequence[str]
) -> RollReport:
    report = roll_partition(context, clients, dg.AssetKey(_asset(period)), period, start, workspaces)
    context.log.info("%s: %s", period_key(start), report.summary())
    return report


def _evaluation(clients: Clients, period: Period, reports: Mapping[datetime, RollReport]) -> AssetCheckEvaluation:
    """Evaluate the check of an asset of which this run rolled up periods."""
    found = rollup_checks.result(clients.store, _asset(period), period, reports, of_all=False)
    return AssetCheckEvaluation(
        asset_key=dg.AssetKey(_asset(period)),
        check_name=str(found.check_name),
        passed=found.passed,
        metadata=found.metadata,
        severity=found.severity,
        description=found.description,
    )
