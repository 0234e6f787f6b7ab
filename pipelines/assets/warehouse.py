"""The asset `export_warehouse`: observations and daily rollups of a UTC day in all warehouses (docs/warehouses.md)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from metrics.clock import utcnow
from metrics.errors import MongoUnavailable, RedisUnavailable, TidemarkError
from metrics.store.rollup.export_marks import ExportMark
from metrics.store.workspace.warehouses import WarehouseDocument
from metrics.warehouse.marking import mark_days
from metrics.warehouse.tables import FACTS
from pipelines.checks import warehouse_checks
from pipelines.collect.reasons import error_place
from pipelines.partitions import DAYS, period_key, start_of_key
from pipelines.resources import Clients, Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress
from pipelines.runs.tags import LOAD, WAREHOUSE

if TYPE_CHECKING:
    from metrics.warehouse.loader import Loader, LoadReport

RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries in case MongoDB or Redis does not answer. A warehouse that does not answer is tried by a later run."""


@dataclass
class _Outcome:
    """What became of the warehouses in a run."""

    reports: "list[LoadReport]" = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


@dg.asset(
    name="export_warehouse",
    deps=["daily_rollup"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="warehouse",
    kinds={"sql"},
    owners=["team:data"],
    pool="warehouse",
    output_required=False,
    check_specs=warehouse_checks.specs("export_warehouse"),
    description="Observations and daily rollups of one UTC day in every warehouse (`tidemark warehouse add`): a day of "
    "a workspace is replaced as a whole in one transaction, with its row of the ledger. The sensor `warehouse_changed` "
    "loads a day again when it changes.",
)
def export_warehouse(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
    """Load the run's days: if the sensor requested the run, what changed into one warehouse; else all of them."""
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        days = sorted(start_of_key(key) for key in context.partition_keys)
        only = context.run.tags.get(WAREHOUSE)
        warehouses = [one for one in clients.store.warehouses.all() if only in (None, one["_id"])]
        if not warehouses:
            context.log.warning("nothing is loaded: there are no warehouses; `tidemark warehouse add` adds one")
        outcome, progress = _Outcome(), Progress(len(warehouses), context.log.info)
        for warehouse in warehouses:
            _load(context, clients, warehouse, days, outcome)
            progress.step(warehouse["_id"])
        for day in days:
            _materialize(context, day, outcome)
        yield warehouse_checks.result("export_warehouse", outcome.differences, len(outcome.reports))
        if outcome.failures:
            lines = "; ".join(f"{name}: {line}" for name, line in sorted(outcome.failures.items()))
            raise dg.Failure(f"{lines} (the other warehouses are loaded)", allow_retries=False)


def _load(
    context: dg.AssetExecutionContext,
    clients: Clients,
    warehouse: WarehouseDocument,
    days: Sequence[datetime],
    outcome: _Outcome,
) -> None:
    """Load into one warehouse; an error of this warehouse is noted, and the others are loaded nevertheless."""
    name, marks = warehouse["_id"], clients.store.warehouse_marks(warehouse["_id"])
    if LOAD not in context.run.tags:
        mark_days(clients.store, warehouse, days)
    pending = marks.pending(utcnow(), days)
    if not pending:
        return
    # Loaded late: it needs Arrow, which takes 50 MB, and few runs load warehouses.
    from metrics.warehouse.loader import Loader, opened

    try:
        with opened(warehouse, clients.settings, clients.redis) as destination:
            loader = Loader(clients.store, clients.settings, destination, name, context.run.run_id)
            report = loader.load(pending)
            outcome.differences += [f"{name}: {one}" for one in _differences(loader, pending)]
    except (MongoUnavailable, RedisUnavailable):
        raise
    except Exception as error:  # noqa: BLE001  a driver may raise anything, and the other warehouses must be loaded
        # Messages that are not Tidemark's may hold values.
        line = str(error) if isinstance(error, TidemarkError) else f"an error of Tidemark: {error_place(error)}"
        outcome.failures[name] = line
        context.log.warning("warehouse %s is not loaded: %s", name, line)
        clients.store.warehouses.note(name, {"at": utcnow(), "error": line})
        return
    context.log.info(report.summary())
    outcome.reports.append(report)
    clients.store.warehouses.note(name, {"at": utcnow()})


def _differences(loader: "Loader", loaded: Sequence[ExportMark]) -> list[str]:
    """Return what differs in one of the days that were loaded: the newest one."""
    sampled = loaded[-1]
    return [str(one) for one in loader.differences(sampled.workspace_id, sampled.day.date())]


def _materialize(context: dg.AssetExecutionContext, day: datetime, outcome: _Outcome) -> None:
    """Materialise a day with the rows of the ledger that were written in this run."""
    rows: Counter[str] = Counter()
    for report in outcome.reports:
        for one in report.loaded:
            if one.day == day.date():
                rows[one.dataset] += one.rows
    metadata = {f"rows_{table.name}": dg.MetadataValue.int(rows[table.name]) for table in FACTS}
    metadata |= {
        "dagster/partition_row_count": dg.MetadataValue.int(rows.total()),
        "dimensions": dg.MetadataValue.int(sum(len(report.dimensions) for report in outcome.reports)),
        "warehouses": dg.MetadataValue.int(len(outcome.reports)),
        "warehouses_failed": dg.MetadataValue.int(len(outcome.failures)),
        "kept": dg.MetadataValue.int(sum(report.kept for report in outcome.reports)),
        "superseded": dg.MetadataValue.int(sum(report.superseded for report in outcome.reports)),
    }
    context.log_event(dg.AssetMaterialization(context.asset_key, partition=period_key(day), metadata=metadata))
