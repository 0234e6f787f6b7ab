"""`daily_rollup`, `weekly_rollup`, `monthly_rollup`: what the observations come to, per account and period."""

import dagster as dg

from metrics.periods import Period
from pipelines import checks, operations, tables
from pipelines.partitions import ROLLUPS, period_key, start_of_key
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport, roll
from pipelines.tags import LATE, OPERATION

_UPSTREAM: dict[Period, list[str]] = {
    "daily": [f"raw_{platform}" for platform in PLATFORMS_IMPLEMENTED],
    "weekly": ["daily_rollup"],
    "monthly": ["daily_rollup"],
}
_DESCRIPTIONS: dict[Period, str] = {
    "daily": (
        "Numbers of every account and post over one UTC day, computed inside MongoDB from the observations that count. "
        "Rolled again, for the workspaces concerned, whenever late observations change the day."
    ),
    "weekly": "Numbers over one week from Monday, merged from daily rollups; the running week grows day by day.",
    "monthly": "Numbers over one calendar month, merged from daily rollups; the running month grows day by day.",
}
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("accountId", "string", "The account."),
        dg.TableColumn("periodStart", "datetime", "First instant of the period."),
        dg.TableColumn("periodEnd", "datetime", "First instant after the period."),
        dg.TableColumn("aggregatedMetrics", "object", "Totals, rates, followers, counts of posts."),
        dg.TableColumn("unavailable", "object", "Canonical name to the reason why it is unknown."),
        dg.TableColumn("coverage", "object", "Slots expected and observed."),
        dg.TableColumn("status", "string", "complete, partial or open."),
    ]
)


def rollup_asset(period: Period) -> dg.AssetsDefinition:
    """Return the asset of one period."""
    name = f"{period}_rollup"

    @dg.asset(
        name=name,
        deps=_UPSTREAM[period],
        partitions_def=ROLLUPS[period],
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="rollups",
        kinds={"mongodb"},
        owners=["team:data"],
        pool="rollups",
        retry_policy=dg.RetryPolicy(
            max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        check_specs=checks.rollup_specs(name),
        metadata={"dagster/column_schema": _COLUMNS, "collection": "aggregated_metrics"},
        description=_DESCRIPTIONS[period],
    )
    def rollup(context: dg.AssetExecutionContext, tidemark: Tidemark) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
        clients = tidemark.clients()
        operation_id = context.run.tags.get(OPERATION)
        with operations.carrying_out(clients, operation_id, context.run.run_id, name, 1) as outcome:
            report = _roll(context, clients, period, operation_id)
            outcome.set({"ok": report.accounts})
        context.log.info(report.summary())
        return dg.MaterializeResult(
            metadata=tables.roll_metadata(report), check_results=checks.rollup_results(report, name)
        )

    return rollup


def _roll(context: dg.AssetExecutionContext, clients: Clients, period: Period, operation_id: str | None) -> RollReport:
    """Roll the run's partitions: of an operation's workspace, of those whose data changed late, or of all."""
    starts = sorted(start_of_key(key) for key in context.partition_keys)
    workspaces = operations.scope(clients.store, operation_id).workspace_ids
    if LATE in context.run.tags:
        late = [mark for mark in clients.store.marks.pending(period) if mark.start in starts]
        workspaces = tuple(sorted({workspace for mark in late for workspace in mark.workspaces}))
        context.log.info(
            "late data in %s workspaces, %s to %s", len(workspaces), *map(period_key, (starts[0], starts[-1]))
        )
    return roll(
        clients.store,
        period,
        starts,
        run_id=context.run.run_id,
        workspace_ids=workspaces,
        announce=clients.announce_rollups,
    )
