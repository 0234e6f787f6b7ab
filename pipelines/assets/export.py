"""The asset `export_parquet`: observations and daily rollups of a UTC day as Parquet files (docs/export.md)."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.errors import RedisUnavailable
from metrics.export import DATASETS, Dataset
from metrics.export.folders import Folders, Written, write_day
from metrics.periods import DAY
from metrics.redis.versions import data_version
from metrics.upkeep.limited import limited_accounts
from metrics.upkeep.retention import Horizon
from pipelines.partitions import DAYS, period_key, start_of_key
from pipelines.resources import Clients, Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress
from pipelines.runs.tags import EXPORT

RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries in case a store or the export's storage does not answer."""
_WAIT_SECONDS = 60.0
"""How long an export waits for the lock while an erasure cleans the folders."""


@dg.asset(
    name="export_parquet",
    deps=["daily_rollup"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="export",
    kinds={"parquet"},
    owners=["team:data"],
    pool="export",
    output_required=False,
    description="Observations and daily rollups of one UTC day as Parquet, a file per dataset and workspace, with a "
    "manifest that is written last. The sensor `export_changed` exports a day again when it changes. Off without "
    "TIDEMARK_EXPORT_URL.",
)
def export_parquet(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # Dagster knows only the bare class
    """Export the run's days: if the sensor requested the run, only of workspaces that changed, else of all."""
    with retried(context, RETRIES), one_line_failures():
        clients = tidemark.clients()
        folders = Folders.open(clients.settings)
        if folders is None:
            context.log.warning("nothing is exported: TIDEMARK_EXPORT_URL is not set")
            return
        days = sorted(start_of_key(key) for key in context.partition_keys)
        marks = clients.store.exports.pending(utcnow(), days)
        progress = Progress(len(days), context.log.info)
        for day in days:
            of_day = [mark for mark in marks if mark.day == day]
            changed = sorted({mark.workspace_id for mark in of_day}) if EXPORT in context.run.tags else None
            written = _export(clients, folders, day, changed, context.run.run_id)
            clients.store.exports.settle(of_day)
            progress.step(f"{period_key(day)}: {len(written.files)} files written, {len(written.kept)} kept")
            context.add_asset_metadata(_metadata(written), partition_key=period_key(day))
        yield dg.MaterializeResult()


def _export(clients: Clients, folders: Folders, day: datetime, workspaces: list[str] | None, run_id: str) -> Written:
    horizon = Horizon.of(clients.store, clients.settings, utcnow())

    def held(dataset: Dataset, workspace_id: str) -> bool:
        return day >= (horizon.observations_from if dataset == "metrics" else horizon.rollups_from)(workspace_id)

    def version(workspace_id: str) -> str | None:
        try:
            return data_version(clients.redis, workspace_id)
        except RedisUnavailable:
            return None

    # Files stay, so they have no account whose data may be kept for some days only.
    limited = frozenset(one.account_id for one in limited_accounts(clients.store))
    with folders.alone(clients.redis, _WAIT_SECONDS):
        return write_day(
            folders, clients.store, day, run_id=run_id, workspace_ids=workspaces, held=held, version=version,
            left_out=limited,
        )  # fmt: skip


def _metadata(written: Written) -> dict[str, dg.MetadataValue]:
    counts = {f"rows_{dataset}": written.rows(dataset) for dataset in DATASETS}
    counts |= {
        "dagster/partition_row_count": sum(counts.values()),
        "files": len(written.files),
        "files_kept": len(written.kept),
        "files_removed": written.removed,
        "bytes": sum(entry["bytes"] for entry in written.files),
    }
    metadata: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(n) for name, n in counts.items()}
    metadata["manifest"] = dg.MetadataValue.text(f"_manifests/{written.day:%Y-%m-%d}.json")
    metadata["day_has_ended"] = dg.MetadataValue.bool(written.day + DAY <= utcnow())
    return metadata
