"""Destinations for tests: a file of DuckDB, and a schema of a real PostgreSQL; and a small table with rows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from metrics.warehouse.arrow import batches
from metrics.warehouse.destination import Load
from metrics.warehouse.destinations.duckdb import DuckDbDestination
from metrics.warehouse.destinations.postgres import PostgresDestination
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.fingerprint import Fingerprint
from metrics.warehouse.tables import TABLES

DAY = date(2026, 1, 15)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
OBSERVATIONS = TABLES[0]

Open = Callable[[], SqlDestination]
"""Opens a destination once more."""

_schemas = count()


def open_duckdb(folder: Path) -> Open:
    """Return a function that opens a file of DuckDB in a folder."""
    return lambda: DuckDbDestination(folder / "warehouse.duckdb")


def open_postgres(url: str) -> Open:
    """Return a function that connects to a schema of PostgreSQL that no other test uses."""
    schema = f"test_{next(_schemas)}"
    return lambda: PostgresDestination(url, schema)


def row(
    number: int, likes: int | None = 7, workspace: str = "w1", account: str = "a1", day: date = DAY
) -> dict[str, Any]:
    """Return a row of observations, of a post."""
    slot = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    return {
        "workspaceId": workspace, "date": day, "subjectId": f"p{number}", "postId": f"p{number}", "accountId": account,
        "platform": "instagram", "metricType": "post", "timestamp": slot, "collectedAt": slot + timedelta(hours=1),
        "likes": likes, "unavailable": '{"views": "not_supported"}', "runId": "r", "apiVersion": "v",
    }  # fmt: skip


def load(minute: int = 0, workspace: str = "w1", day: date = DAY) -> Load:
    """Return a load of observations that were read some minutes after noon."""
    return Load(OBSERVATIONS, workspace, day, NOON + timedelta(minutes=minute), "run-1")


def of(rows: Sequence[dict[str, Any]]) -> Callable[[], Iterator[pa.RecordBatch]]:
    """Return a function that begins to read rows."""
    return lambda: batches(OBSERVATIONS, rows)


def fingerprint(found: Iterator[pa.RecordBatch]) -> str:
    """Return the hash of rows."""
    print_ = Fingerprint()
    for batch in found:
        print_.add(batch)
    return print_.hex()


def values(destination: SqlDestination, workspace: str = "w1", day: date = DAY) -> list[tuple[str, int | None]]:
    """Return the post and the likes of the rows of a day."""
    return sorted(
        (one["subject_id"], one["likes"])
        for batch in destination.rows(OBSERVATIONS, workspace, day)
        for one in batch.select(["subject_id", "likes"]).to_pylist()
    )
