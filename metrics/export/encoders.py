"""Rows to bytes, a batch at a time: memory stays flat, whatever the number of rows."""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from io import StringIO
from itertools import islice
from typing import Any

import orjson

from metrics.clock import isoformat
from metrics.documents import Document
from metrics.export.columns import Dataset, Format, columns, types
from metrics.export.rows import TO_ROW, TOLD, Row

BATCH = 1000
_PARQUET_BATCH = 250
"""Fewer, because a row is held as a document, as a row and in columns at once."""

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


def _batches(documents: Iterator[Document], size: int = BATCH) -> Iterator[list[Document]]:
    while batch := list(islice(documents, size)):
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
    from metrics.export.parquet import ParquetFile  # 50 MB, needed by few

    file, to_row = ParquetFile(dataset), TO_ROW[dataset]
    for batch in _batches(documents, _PARQUET_BATCH):
        if piece := file.add([to_row(document) for document in batch]):
            yield piece
    yield file.end()
