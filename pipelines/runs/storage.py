"""Delete old rows in Dagster's storage that deleting runs leaves behind, and give disk space back.

* Events without a run, which `pipelines.runs.pruning` reports for the partitions of deleted runs. The newest of a
  partition stays as long as the partition exists. In SQLite each exists twice, and nothing reads the second copy.
* Records of asset checks, which Dagster does not delete with their run. The newest of each check stays.
* Backfills that have ended.

Postgres gives space back by itself (autovacuum), SQLite only with VACUUM.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster import DagsterInstance
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs.schema import BackfillTagsTable, BulkActionsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

from metrics.upkeep.sizes import folder_bytes

_BATCH = 1000
_WITHOUT_RUN = ""
_LEAST_FREE_BYTES = 4 * 2**20
_BUSY_SECONDS = 5.0


@dataclass
class Pruned:
    """How many rows of each kind were deleted."""

    events: int = 0
    checks: int = 0
    backfills: int = 0


@dataclass
class Shrunk:
    """How many bytes were given back, and which files were in use, so that they were left for the next time."""

    given_back: int = 0
    busy: list[str] = field(default_factory=list)


def prune(instance: DagsterInstance, before: datetime, first: Mapping[dg.AssetKey, str]) -> Pruned:
    """Delete rows that are older than an instant and not the newest of their kind.

    `first` has the first partitions of assets. Older partitions do not exist any more, so their events are deleted even
    if they are the newest of their partition.
    """
    done, events = Pruned(), instance.event_log_storage
    at = before.astimezone(UTC).replace(tzinfo=None)
    if isinstance(events, SqlEventLogStorage):
        done.events = _delete(events.index_connection, SqlEventLogStorageTable, lambda: _old_events(at, first))
        done.checks = _delete(events.index_connection, AssetCheckExecutionsTable, lambda: _old_checks(at))
    if isinstance(events, SqliteEventLogStorage):
        _delete(lambda: events.run_connection(_WITHOUT_RUN), SqlEventLogStorageTable, _copies)
    if isinstance(instance.run_storage, SqlRunStorage):
        done.backfills = _delete(instance.run_storage.connect, BulkActionsTable, lambda: _old_backfills(at))
        _delete(instance.run_storage.connect, BackfillTagsTable, _tags_of_nothing)
    return done


def shrink(instance: DagsterInstance) -> Shrunk:
    """Shrink SQLite's files of which deleted rows take a quarter or more (and 4 MiB or more)."""
    done = Shrunk()
    for path in _sqlite_files(instance):
        before = _size(path)
        try:
            with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
                pages, free, size = (
                    connection.execute(f"PRAGMA {name}").fetchone()[0]
                    for name in ("page_count", "freelist_count", "page_size")
                )
                if free * size < max(_LEAST_FREE_BYTES, pages * size / 4):
                    continue
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            done.busy.append(path.name)
        else:
            done.given_back += before - _size(path)
    return done


def storage_bytes(instance: DagsterInstance) -> int | None:
    """Return the bytes of Dagster's storage: of its folder or its Postgres database, None for any other storage."""
    events = instance.event_log_storage
    if not isinstance(events, SqlEventLogStorage):
        return None
    with events.index_connection() as connection:
        if connection.engine.url.get_backend_name() == "postgresql":
            return int(connection.execute(db.text("SELECT pg_database_size(current_database())")).scalar_one())
    return folder_bytes(Path(instance.root_directory)) if isinstance(events, SqliteEventLogStorage) else None


def _old_events(before: datetime, first: Mapping[dg.AssetKey, str]) -> db.Select[Any]:
    table = SqlEventLogStorageTable.c
    newest_of = (table.dagster_event_type, table.asset_key)
    newest_of_asset = db.select(db.func.max(table.id)).group_by(*newest_of)
    newest_of_partition = db.select(db.func.max(table.id)).group_by(*newest_of, table.partition)
    out_of_range = [
        db.and_(table.asset_key == key.to_string(), table.partition < partition, table.id.not_in(newest_of_asset))
        for key, partition in first.items()
    ]
    return db.select(table.id).where(
        table.run_id == _WITHOUT_RUN,
        table.timestamp < before,
        db.or_(table.id.not_in(newest_of_partition), *out_of_range),
    )


def _old_checks(before: datetime) -> db.Select[Any]:
    table = AssetCheckExecutionsTable.c
    newest = db.select(db.func.max(table.id)).group_by(table.asset_key, table.check_name)
    return db.select(table.id).where(table.create_timestamp < before, table.id.not_in(newest))


def _copies() -> db.Select[Any]:
    return db.select(SqlEventLogStorageTable.c.id)


def _old_backfills(before: datetime) -> db.Select[Any]:
    table = BulkActionsTable.c
    ended = table.status.in_([status.value for status in BULK_ACTION_TERMINAL_STATUSES])
    return db.select(table.id).where(ended, table.timestamp < before)


def _tags_of_nothing() -> db.Select[Any]:
    return db.select(BackfillTagsTable.c.id).where(
        BackfillTagsTable.c.backfill_id.not_in(db.select(BulkActionsTable.c.key))
    )


def _delete(connect: Callable[[], Any], table: db.Table, chosen: Callable[[], db.Select[Any]]) -> int:
    """Delete chosen rows in batches, so that other processes can write in between."""
    gone = 0
    while True:
        with connect() as connection:
            ids = [row[0] for row in connection.execute(chosen().limit(_BATCH))]
            if ids:
                connection.execute(table.delete().where(table.c.id.in_(ids)))
        gone += len(ids)
        if len(ids) < _BATCH:
            return gone


def _sqlite_files(instance: DagsterInstance) -> Iterator[Path]:
    events = instance.event_log_storage
    connects: list[Callable[[], Any]] = []
    if isinstance(events, SqliteEventLogStorage):
        connects += [events.index_connection, lambda: events.run_connection(_WITHOUT_RUN)]
    if isinstance(instance.run_storage, SqlRunStorage):
        connects.append(instance.run_storage.connect)
    if isinstance(instance.schedule_storage, SqlScheduleStorage):
        connects.append(instance.schedule_storage.connect)
    for connect in connects:
        with connect() as connection:
            url = connection.engine.url
        if url.get_backend_name() == "sqlite" and url.database and Path(url.database).is_file():
            yield Path(url.database)


def _size(path: Path) -> int:
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(one.stat().st_size for one in beside if one.exists())
