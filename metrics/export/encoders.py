"""Rows to bytes, a batch at a time: memory stays flat, whatever the number of rows."""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from metrics.clock import isoformat
from metrics.documents import Document
from metrics.export.columns import PARQUET_TYPES, Dataset, Format, columns, types
from metrics.export.rows import TO_ROW, TOLD, Row

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1000
ROW_GROUP = 20_000
"""Rows of a row group: large enough for readers to skip by statistics, small enough to be held as Arrow columns."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a text instead of showing it."""

_isoformat = lru_cache(4096)(isoformat)


def encode(dataset: Dataset, form: Format, documents: Iterable[Document]) -> Generator[bytes, None, None]:
    """Yield a file of these documents, piece by piece; without any it is a whole file with no rows."""
    encoders: dict[Format, Callable[[Dataset, Iterator[Document]], Generator[bytes, None, None]]] = {
        "csv": _csv,
        "ndjson": _ndjson,
        "parquet": _parquet,
    }
    return encoders[form](dataset, iter(documents))


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


def _ndjson(dataset: Dataset, documents: Iterator[Document]) -> Generator[bytes, None, None]:
    told = TOLD[dataset]
    for batch in _batches(documents):
        yield b"".join([_line(told(document)) for document in batch])


def _line(value: Row) -> bytes:
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return _isoformat(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _csv(dataset: Dataset, documents: Iterator[Document]) -> Generator[bytes, None, None]:
    """RFC 4180: CRLF, quotes where needed. What is unknown is an empty field."""
    names = [column.name for column in columns(dataset)]
    places = {name: place for place, name in enumerate(names)}
    guarded = {name for name, kind in types(dataset).items() if kind == "string"}
    to_row = TO_ROW[dataset]
    buffer = StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    for batch in _batches(documents):
        for document in batch:
            cells: list[Any] = [""] * len(names)
            for name, value in to_row(document).items():
                if isinstance(value, datetime):
                    cells[places[name]] = _isoformat(value)
                elif name in guarded and value.startswith(_FORMULA):
                    cells[places[name]] = f"'{value}"
                else:
                    cells[places[name]] = value
            writer.writerow(cells)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()


def _parquet(dataset: Dataset, documents: Iterator[Document]) -> Generator[bytes, None, None]:
    import pyarrow as pa  # 50 MB, needed by few
    import pyarrow.parquet as pq

    # The others keep what they once held: measured, twice the memory.
    pa.set_memory_pool(pa.system_memory_pool())
    schema = arrow_schema(dataset)
    sink = _Sink()
    to_row = TO_ROW[dataset]
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        held: list[pa.Table] = []
        for batch in _batches(documents):
            held.append(_table(b"".join([_line(to_row(document)) for document in batch]), schema))
            if len(held) * BATCH >= ROW_GROUP:
                writer.write_table(pa.concat_tables(held), ROW_GROUP)
                held = []
                yield sink.taken()
        if held:
            writer.write_table(pa.concat_tables(held), ROW_GROUP)
    yield sink.taken()


def arrow_schema(dataset: Dataset) -> "pa.Schema":
    """Return the schema of a dataset's Parquet files."""
    import pyarrow as pa

    made = {"string": pa.string(), "timestamp[ms, UTC]": pa.timestamp("ms", tz="UTC"), "int64": pa.int64(),
            "double": pa.float64()}  # fmt: skip
    return pa.schema([(column.name, made[PARQUET_TYPES[column.type]]) for column in columns(dataset)])


def _table(lines: bytes, schema: "pa.Schema") -> "pa.Table":
    """Return lines of JSON as a table. Arrow reads them itself: lists of values would make it import pandas (57 MB)."""
    import pyarrow as pa
    import pyarrow.json as pj

    read = pj.ReadOptions(use_threads=False, block_size=len(lines) + 1)
    parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    return pj.read_json(pa.BufferReader(lines), read_options=read, parse_options=parse)


class _Sink:
    """A file that is only ever written to, and whose content is taken away as it comes."""

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
        """Nothing is held back."""

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
