"""Write a Parquet file incrementally, one row group at a time."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from metrics.export.arrow import record_batch
from metrics.export.columns import PARQUET_TYPES, Dataset, columns
from metrics.export.rows import Row

ROW_GROUP = 5000
"""Rows per row group. Four times as many need 13 MB more memory, and make the file a tenth smaller."""

_TYPES = {
    "string": pa.string(),
    "timestamp[ms, UTC]": pa.timestamp("ms", tz="UTC"),
    "int64": pa.int64(),
    "double": pa.float64(),
}


class ParquetFile:
    """Accepts rows and returns the bytes of the file in pieces."""

    def __init__(self, dataset: Dataset, own: tuple[str, ...] = ()) -> None:
        self._schema = schema(dataset, own)
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, rows: Sequence[Row]) -> bytes:
        """Add rows; return the bytes of the file that are ready, often none."""
        self._held.append(record_batch(rows, self._schema.names, self._schema))
        self._rows += len(rows)
        if self._rows >= ROW_GROUP:
            self._write()
        return self._sink.taken()

    def end(self) -> bytes:
        """Return the rest of the file."""
        if self._held:
            self._write()
        self._writer.close()
        return self._sink.taken()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._held), ROW_GROUP)
        self._held, self._rows = [], 0


def schema(dataset: Dataset, own: tuple[str, ...] = ()) -> pa.Schema:
    """Return the schema of a dataset's Parquet files; the arguments are those of `columns`."""
    return pa.schema([(column.name, _TYPES[PARQUET_TYPES[column.type]]) for column in columns(dataset, own)])


class _Sink:
    """A write-only file in memory; `taken` returns and clears its content."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def taken(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
