"""Encode rows as CSV, NDJSON or Parquet in batches, so that memory stays flat for any number of rows."""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from io import StringIO
from typing import Any

from metrics.batches import batched
from metrics.documents import Document
from metrics.encoding import cached_isoformat, dump_json
from metrics.export.columns import Dataset, Format, columns, types
from metrics.export.rows import TO_API_OBJECT, to_row

BATCH = 1000
_PARQUET_BATCH = 250
"""Smaller, because each row is in memory three times: as a document, as a row and in columns."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Texts that begin with one of these are executed as formulas by spreadsheets."""


Own = tuple[str, ...]
"""The names of a workspace's own metrics that the documents have, in the order of their columns."""


def encode(
    dataset: Dataset, form: Format, documents: Iterable[Document], own: Own = ()
) -> Generator[bytes, None, None]:
    """Yield a file of these documents in pieces; without documents it is a valid file without rows."""
    encoders: dict[Format, Callable[[Dataset, Iterator[Document], Own], Generator[bytes, None, None]]] = {
        "csv": _csv,
        "ndjson": _ndjson,
        "parquet": _parquet,
    }
    return encoders[form](dataset, iter(documents), own)


def _ndjson(dataset: Dataset, documents: Iterator[Document], _own: Own) -> Generator[bytes, None, None]:
    to_object = TO_API_OBJECT[dataset]
    for batch in batched(documents, BATCH):
        yield b"\n".join([dump_json(to_object(document)) for document in batch]) + b"\n"


def _csv(dataset: Dataset, documents: Iterator[Document], own: Own) -> Generator[bytes, None, None]:
    """Write RFC 4180: CRLF, quotes if needed. An unknown value is an empty field."""
    names = [column.name for column in columns(dataset, own)]
    places = {name: place for place, name in enumerate(names)}
    guarded = {name for name, kind in types(dataset, own).items() if kind == "string"}
    row_of = to_row(dataset, own)
    buffer = StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    for batch in batched(documents, BATCH):
        for document in batch:
            cells: list[Any] = [""] * len(names)
            for name, value in row_of(document).items():
                if isinstance(value, datetime):
                    cells[places[name]] = cached_isoformat(value)
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


def _parquet(dataset: Dataset, documents: Iterator[Document], own: Own) -> Generator[bytes, None, None]:
    from metrics.export.parquet import ParquetFile  # Takes 50 MB, and few processes need it.

    file, row_of = ParquetFile(dataset, own), to_row(dataset, own)
    for batch in batched(documents, _PARQUET_BATCH):
        if piece := file.add([row_of(document) for document in batch]):
            yield piece
    yield file.end()
