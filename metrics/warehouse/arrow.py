"""The tables of a warehouse as Arrow schemas, and their rows as record batches."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from metrics.batches import batched
from metrics.export.arrow import record_batch
from metrics.export.rows import Row
from metrics.warehouse.table import Table, Type

BATCH = 5000
"""Rows per batch."""

_TYPES: Mapping[Type, pa.DataType] = {
    "text": pa.string(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "json": pa.string(),
}


def schema(table: Table) -> pa.Schema:
    """Return the schema of a table."""
    return pa.schema([(field.name, _TYPES[field.type]) for field in table.fields])


def batches(table: Table, rows: Iterable[Row]) -> Iterator[pa.RecordBatch]:
    """Yield rows as batches of the table's schema."""
    of_table, sources = schema(table), [field.source for field in table.fields]
    for some in batched(rows, BATCH):
        yield record_batch(some, sources, of_table)
