"""`raw_<platform>`: the observations of one UTC hour, read at its end.

One asset per platform, made by one factory, partitioned by hour. The hour under way may be collected on demand; an hour
whose end lies further back than `TIDEMARK_COLLECT_GRACE_MINUTES` gets only what the platform still answers for it.
"""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from metrics.documents import Platform
from pipelines import checks, operations, tables
from pipelines.collect.report import CollectReport
from pipelines.partitions import HOURS, slot_key, slot_of_key
from pipelines.progress import Progress
from pipelines.resources import Clients, Tidemark
from pipelines.tags import ASSETS, OPERATION

HOURS_PER_RUN = 24

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("timestamp", "datetime", "The slot: start of the UTC hour."),
        dg.TableColumn("metadata", "object", "Workspace, account, post: what the numbers are about."),
        dg.TableColumn("collectedAt", "datetime", "When the platform answered; the newest counts."),
        dg.TableColumn("metrics", "object", "Canonical name to number; what is absent is unknown."),
        dg.TableColumn("unavailable", "object", "Canonical name to the reason why it is unknown."),
        dg.TableColumn("runId", "string", "The run that wrote it."),
        dg.TableColumn("apiVersion", "string", "The version of the platform's API that answered."),
    ]
)


def raw_asset(platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one platform."""
    name = f"raw_{platform}"

    @dg.asset(
        name=name,
        partitions_def=HOURS,
        backfill_policy=dg.BackfillPolicy.multi_run(HOURS_PER_RUN),
        group_name="raw",
        kinds={"python", "mongodb"},
        owners=["team:data"],
        pool=f"platform_{platform}",
        retry_policy=dg.RetryPolicy(
            max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        check_specs=checks.raw_specs(name),
        # Each hour is materialised when it is there, by an event of its own.
        output_required=False,
        metadata={"dagster/column_schema": _COLUMNS, "collection": "metrics"},
        description=(
            f"Observations of every active {platform} account and its followed posts for one UTC hour, appended to the "
            "time series `metrics`. Collecting an hour again appends; the newest value of a metric counts. An hour in "
            "the past gets only what the platform still answers for it: the metadata says what was not recoverable."
        ),
    )
    def raw(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
        clients = tidemark.clients()
        operation_id = context.run.tags.get(OPERATION)
        parts = int(context.run.tags.get(ASSETS, 1))
        # The newest hour first: it is the one that cannot be asked for again.
        slots = sorted((slot_of_key(key) for key in context.partition_keys), reverse=True)
        progress = Progress(len(slots), context.log.info)
        with operations.carrying_out(clients, operation_id, context.run.run_id, name, parts) as outcome:
            reports = [_collect(context, clients, platform, slot, operation_id, progress) for slot in slots]
            outcome.set(_accounts(reports))
        yield from checks.raw_results(clients.store, name, reports)
        if operation_id is None:
            # What was asked for of some accounts says nothing of the hour; its operation has the outcome.
            _refuse_empty_hours(reports)

    return raw


def _collect(
    context: dg.AssetExecutionContext,
    clients: Clients,
    platform: Platform,
    slot: datetime,
    operation_id: str | None,
    progress: Progress,
) -> CollectReport:
    """Collect one hour; it is materialised as soon as it is there, whatever becomes of the others of the run."""
    work = operations.scope(clients.store, operation_id)
    report = clients.collector().collect(
        platform, slot, run_id=context.run.run_id, workspace_ids=work.workspace_ids, account_ids=work.account_ids
    )
    for failure in report.failures:
        context.log.warning("%s: %s", slot_key(slot), failure)
    if operation_id is not None or not report.empty_handed:
        metadata = tables.collect_metadata(report)
        if operation_id is None:
            metadata |= tables.collect_plot(context.instance, context.asset_key, report)
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=slot_key(slot), metadata=metadata))
    progress.step(f"{slot_key(slot)}: {report.summary()}")
    return report


def _refuse_empty_hours(reports: list[CollectReport]) -> None:
    """Fail the hours in which every account failed; the others of the run are materialised."""
    empty = [report for report in reports if report.empty_handed]
    if not empty:
        return
    hours = ", ".join(slot_key(report.slot) for report in empty)
    raise dg.Failure(
        f"every account failed in {hours}: see the table of failures",
        metadata=tables.collect_metadata(empty[0]),
        allow_retries=False,
    )


def _accounts(reports: list[CollectReport]) -> dict[str, int]:
    """Count accounts over the hours of a run; an operation has one hour."""
    return {
        "ok": sum(report.ok for report in reports),
        "failed": sum(report.failed for report in reports),
        "skipped": sum(report.skipped for report in reports),
    }
