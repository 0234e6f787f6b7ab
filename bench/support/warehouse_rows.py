"""Loads made-up rows into a warehouse, in a process of its own (`bench/warehouse.py`)."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from bench.support.memory import peak
from metrics.clock import utcnow
from metrics.warehouse.arrow import schema
from metrics.warehouse.destination import Load
from metrics.warehouse.destinations.duckdb import DuckDbDestination
from metrics.warehouse.destinations.postgres import PostgresDestination
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.tables import TABLES

DAY = date(2026, 1, 15)
BATCH = 5000
DAY_OF_A_WORKSPACE = 2500
_FILLED = 22
"""Columns of numbers with values, beside eight of identity and time: thirty of all."""


def batches(rows: int, workspace: str) -> Iterator[pa.RecordBatch]:
    """Yield observations of posts; each has thirty values, and its other columns are empty."""
    of_table, slot = schema(TABLES[0]), datetime(2026, 1, 15, 3, tzinfo=UTC)
    for low in range(0, rows, BATCH):
        size, filled = min(BATCH, rows - low), 0
        columns = []
        for field in of_table:
            if field.name in ("subject_id", "post_id"):
                columns.append(pa.array([f"post_{low + n:024d}" for n in range(size)]))
            elif field.name in ("workspace_id", "account_id", "platform", "content_type"):
                columns.append(pa.array([workspace] * size))
            elif pa.types.is_date(field.type):
                columns.append(pa.array([DAY] * size))
            elif pa.types.is_timestamp(field.type) and field.name == "slot":
                columns.append(pa.array([slot] * size, type=field.type))
            elif pa.types.is_int64(field.type) and filled < _FILLED:
                columns.append(pa.array(np.arange(low, low + size, dtype=np.int64) * 7 + filled))
                filled += 1
            else:
                columns.append(pa.nulls(size, field.type))
        yield pa.RecordBatch.from_arrays(columns, schema=of_table)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare(kind: str, place: str, rows: int) -> None:
    """Copy the same batches into a table by the driver alone: no key, no ledger, no deletion."""
    reader = pa.RecordBatchReader.from_batches(schema(TABLES[0]), batches(rows, "w"))
    if kind == "duckdb":
        with duckdb.connect(f"{place}.bare") as connection:
            connection.register("rows_to_copy", reader)
            connection.execute("CREATE TABLE bare AS SELECT * FROM rows_to_copy")
    else:
        with dbapi.connect(place) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("bare", reader, mode="create")
            connection.commit()


def main(kind: str, place: str, rows: int) -> None:
    """Print the seconds of each way to load as JSON, and the peak memory in MB."""
    before = peak()
    destination: SqlDestination = DuckDbDestination(Path(place)) if kind == "duckdb" else PostgresDestination(place)
    destination.ensure(TABLES)

    def load(size: int, workspace: str) -> None:
        wanted = Load(TABLES[0], workspace, DAY, utcnow(), "bench")
        destination.replace(wanted, partial(batches, size, workspace))

    found: dict[str, Any] = {
        "made": seconds(lambda: sum(batch.num_rows for batch in batches(rows, "w"))),
        "bare": seconds(lambda: bare(kind, place, rows)),
        "first": seconds(lambda: load(rows, "w")),
        "again": seconds(lambda: load(rows, "w")),
        "day": seconds(lambda: load(DAY_OF_A_WORKSPACE, "other")),
        "day again": seconds(lambda: load(DAY_OF_A_WORKSPACE, "other")),
    }
    destination.close()
    print(json.dumps({**found, "megabytes": peak() - before}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
