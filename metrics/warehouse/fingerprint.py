"""A hash of rows that does not depend on their order, nor on columns in which all of them are null.

It is the sum, modulo 2^128, of a hash of each row; a row's is made of its values and the names of their columns. So
rows can be hashed batch by batch, what a database returns can be compared in any order, and a column that is added
later changes no hash. It guards against mistakes, not against forgers.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_LANES = 2
_Hashes = npt.NDArray[np.uint64]


class Fingerprint:
    """Adds up the hashes of batches; `rows` counts them."""

    def __init__(self) -> None:
        self._sums = [0] * _LANES
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch. Columns are texts, integers, numbers, booleans, dates or instants."""
        self.rows += batch.num_rows
        for lane in range(_LANES):
            rows = np.zeros(batch.num_rows, dtype=np.uint64)
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                rows += _hashed(column, _seed(f"{lane}|{name}"))
            self._sums[lane] = (self._sums[lane] + int(_mixed(rows).sum(dtype=np.uint64))) % 2**64

    def hex(self) -> str:
        """Return the hash of all rows so far, as 32 hexadecimal digits."""
        return "".join(f"{one:016x}" for one in self._sums)


def _seed(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))


def _hashed(column: pa.Array, seed: np.uint64) -> _Hashes:
    """Return the hash of each value; 0 for null."""
    if column.null_count == len(column):
        return np.zeros(len(column), dtype=np.uint64)
    values = _texts(column) if pa.types.is_string(column.type) else _bits(column)
    hashed = _mixed(values ^ seed)
    if column.null_count:
        hashed[column.is_null().to_numpy(zero_copy_only=False)] = 0
    return hashed


def _texts(column: pa.Array) -> _Hashes:
    encoded = pc.dictionary_encode(column)
    hashes = np.array([_seed(text) for text in encoded.dictionary.to_pylist()], dtype=np.uint64)
    found: _Hashes = hashes[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    return found


def _bits(column: pa.Array) -> _Hashes:
    if pa.types.is_floating(column.type):
        # Adding 0.0 makes one zero of both.
        numbers: npt.NDArray[Any] = column.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0
        return numbers.view(np.uint64)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", tz="UTC"))
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    whole = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    bits: _Hashes = whole.astype(np.int64, copy=False).view(np.uint64)
    return bits


def _mixed(values: _Hashes) -> _Hashes:
    """Return each value after the mixing steps of SplitMix64 (G. Steele et al., 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
