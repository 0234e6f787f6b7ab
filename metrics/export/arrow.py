"""Turn rows into Arrow record batches, without a Python object per value and without pandas."""

from array import array
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from metrics.export.rows import Row

_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_FIRST_DAY = date(1970, 1, 1)


def record_batch(rows: Sequence[Row], names: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as a batch of `schema`; `names` are the keys of its fields in the rows, in the same order.

    A value that a row lacks is null.
    """
    known = set().union(*rows)
    arrays = [
        _column([row.get(name) for row in rows], field.type) if name in known else pa.nulls(len(rows), field.type)
        for name, field in zip(names, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Return values as an Arrow array, with None as null.

    The array is made from buffers, because Arrow imports pandas (57 MB) to convert a list.
    """
    validity = None
    if None in values:
        validity = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
    buffers = _text(values) if pa.types.is_string(kind) else [_numbers(values, kind)]
    return pa.Array.from_buffers(kind, len(values), [validity, *buffers])


def _text(values: list[str | None]) -> list[pa.Buffer]:
    encoded = [(value or "").encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return [pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]


def _numbers(values: list[Any], kind: pa.DataType) -> pa.Buffer:
    if pa.types.is_timestamp(kind):
        values = [None if value is None else _milliseconds(value) for value in values]
    if pa.types.is_date32(kind):
        return pa.py_buffer(array("i", [0 if value is None else _days(value) for value in values]))
    if pa.types.is_boolean(kind):
        return pa.py_buffer(np.packbits([bool(value) for value in values], bitorder="little"))
    return pa.py_buffer(array("d" if pa.types.is_floating(kind) else "q", [value or 0 for value in values]))


@lru_cache(4096)
def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MS


@lru_cache(64)
def _days(value: date) -> int:
    return (value - _FIRST_DAY).days
