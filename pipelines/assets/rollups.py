"""The assets `daily_rollup`, `weekly_rollup` and `monthly_rollup`: aggregated metrics per account and period."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import Period
from metrics.upkeep.retention import Horizon
from pipelines.checks import rollup_checks
from pipelines.partitions import ROLLUPS, period_key
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport, roll
from pipelines.runs import operations, tables
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress
from pipelines.runs.requested_partitions import grain_of, requested_starts
from pipelines.runs.scope import scope
from pipelines.runs.tags import OPERATION

RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries in case a store does not answer."""

_UPSTREAM: dict[Period, list[str]] = {
    "daily": [f"raw_{platform}" for platform in PLATFORMS_IMPLEMENTED],
    "weekly": ["daily_rollup"],
    "monthly": ["daily_rollup"],
}
# The present period can be rolled up too, although some of its hours have not begun.
_SO_FAR = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
_DESCRIPTIONS: dict[Period, str] = {
    "daily": (
        "Metrics of every account and post over one UTC day, computed inside MongoDB from the effective observations. "
        "When late observations change a day, it is rolled up again for the workspaces concerned."
    ),
    "weekly": "Metrics over one week from Monday, merged from daily rollups; the present week grows day by day.",
    "monthly": "Metrics over one calendar month, merged from daily rollups; the present month grows day by day.",
}
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("accountId", "string", "The account."),
        dg.TableColumn("periodStart", "datetime", "First instant of the period."),
        dg.TableColumn("periodEnd", "datetime", "First instant after the period."),
        dg.TableColumn("aggregatedMetrics", "object", "Totals, rates, followers, counts of posts."),
        dg.TableColumn("unavailable", "object", "Canonical name to the reason why the metric is unknown."),
        dg.TableColumn("coverage", "object", "Slots expected and observed."),
        dg.TableColumn("status", "string", "complete, partial or open."),
    ]
)


def rollup_asset(period: Period) -> dg.AssetsDefinition:
    """Return the asset of one period."""
    name = f"{period}_rollup"

    @dg.asset(
        name=name,
        deps=[dg.AssetDep(upstream, partition_mapping=_SO_FAR) for upstream in _UPSTREAM[period]],
        partitions_def=ROLLUPS[period],
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="rollups",
        kinds={"mongodb"},
        owners=["team:data"],
        pool="rollups",
        check_specs=rollup_checks.specs(name),
        # Each period is materialised by an event of its own, as soon as it is written.
        output_required=False,
        metadata={"dagster/column_schema": _COLUMNS},
        description=_DESCRIPTIONS[period],
    )
    def rollup(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
        batch_id = context.run.tags.get(OPERATION)
        with retried(context, RETRIES), one_line_failures():
            clients = tidemark.clients()
            starts = requested_starts(context.run.tags, grain_of(period), utcnow())
            progress = Progress(len(starts), context.log.info)
            with operations.report_outcome(clients, batch_id, context.run.run_id, name, 1) as outcome:
                workspaces = scope(clients, context.run.tags).workspace_ids
                reports = {}
                for start in starts:
                    report = roll_partition(context, clients, context.asset_key, period, start, workspaces)
                    progress.step(f"{period_key(start)}: {report.summary()}")
                    reports[start] = report
                outcome.set({"ok": sum(report.accounts for report in reports.values())})
            yield rollup_checks.result(clients.store, name, period, reports, of_all=workspaces is None)

    return rollup


def roll_partition(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    clients: Clients,
    asset: dg.AssetKey,
    period: Period,
    start: datetime,
    workspaces: Sequence[str] | None,
) -> RollReport:
    """Roll up one partition of an asset, for some workspaces or all, and materialise it.

    It is materialised as soon as it is written, independently of the run's other partitions.
    """
    report = roll(
        clients.store,
        period,
        [start],
        run_id=context.run.run_id,
        workspace_ids=workspaces,
        horizon=Horizon.of(clients.store, clients.settings, utcnow()),
        announce=clients.announce_rollups,
    )
    metadata = tables.roll_metadata(report)
    if workspaces is None:
        metadata |= tables.roll_plot(context.instance, asset, start, report)
    context.log_event(dg.AssetMaterialization(asset, partition=period_key(start), metadata=metadata))
    return report
