"""Delete Dagster's old runs, without losing which partitions are materialised.

Dagster purges old ticks by itself, but never runs and events: a run is about 150 kB, and there are a hundred a day.
Deleting a run also deletes its materialisations, so its partitions would become «missing». Therefore partitions without
a newer materialisation are first reported again, as events without a run.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log import SqliteEventLogStorage

from metrics.clock import isoformat

_FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_BATCH = 100
_NUMBERS = (dg.IntMetadataValue, dg.FloatMetadataValue)


@dataclass
class Purged:
    """How many runs were deleted, and how many partitions were reported again."""

    runs: int = 0
    partitions: int = 0


def purge(instance: DagsterInstance, before: datetime, seconds: float = 600.0) -> Purged:
    """Delete finished runs that were created before an instant, oldest first, for at most `seconds`.

    The next call deletes the rest. A call that was interrupted has reported a partition twice at most.
    """
    done, deadline = Purged(), time.monotonic() + seconds
    old = RunsFilter(statuses=_FINISHED, created_before=before)
    while records := instance.get_run_records(filters=old, limit=_BATCH, ascending=True):
        for record in records:
            if time.monotonic() > deadline:
                return done
            done.partitions += _keep_partitions(instance, record.dagster_run.run_id)
            _delete(instance, record.dagster_run.run_id)
            done.runs += 1
    return done


def _keep_partitions(instance: DagsterInstance, run_id: str) -> int:
    """Report the partitions again whose newest materialisation is from this run; return how many."""
    kept = 0
    for event, asset, at in _materializations(instance, run_id):
        newest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset, asset_partitions=[event.partition] if event.partition else None), limit=1
        ).records
        if newest and newest[0].run_id == run_id:
            numbers = {name: value for name, value in event.metadata.items() if isinstance(value, _NUMBERS)}
            again = dg.AssetMaterialization(
                asset,
                partition=event.partition,
                description=f"Materialised {isoformat(at)}; the run was deleted with Dagster's old history.",
                metadata=numbers,
            )
            instance.report_runless_asset_event(again)
            kept += 1
    return kept


def _materializations(
    instance: DagsterInstance, run_id: str
) -> Iterator[tuple[dg.AssetMaterialization, dg.AssetKey, datetime]]:
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        event = record.event_log_entry.asset_materialization
        if event is not None:
            yield event, event.asset_key, datetime.fromtimestamp(record.timestamp, UTC)


def _delete(instance: DagsterInstance, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        # Dagster empties the run's file, but does not delete it.
        Path(storage.path_for_shard(run_id)).unlink(missing_ok=True)
