"""DuckDB: a file, which analysts open with `duckdb` or from a notebook.

Only one process at a time can write to a file, and none can read it meanwhile. So the connection is opened for a load
and closed after it.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from metrics.warehouse.destination import Load, WarehouseRefused, WarehouseUnavailable
from metrics.warehouse.destinations.sql import STAGED, SqlDestination

_FULL = ("no space left", "disk full", "could not write")


class DuckDbDestination(SqlDestination):
    """A file of DuckDB, which is created if it is missing; its folder has to exist."""

    types = MappingProxyType(
        {
            "text": "VARCHAR",
            "timestamp": "TIMESTAMP WITH TIME ZONE",
            "date": "DATE",
            "integer": "BIGINT",
            "number": "DOUBLE",
            "boolean": "BOOLEAN",
            "json": "JSON",
        }
    )

    view_query = "SELECT sql FROM duckdb_views() WHERE view_name = ?"

    # Replacing a million rows takes five times as long with an index on their keys.
    indexes_keys = False

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            WarehouseUnavailable: another process has opened it.
            WarehouseRefused: it is no file of DuckDB, or may not be written.
        """
        self._path = path
        try:
            self._connection = duckdb.connect(str(path))
        except duckdb.IOException as error:
            raise _opening_error(path, error) from None
        except duckdb.Error as error:
            raise WarehouseRefused(
                f"{path}: this is no file that DuckDB {duckdb.__version__} can open: {_line(error)}"
            ) from None
        self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Close the file, so that others can open it."""
        self._connection.close()

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, list(values))

    def _fetch(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, list(values)).fetchall()

    def _fetch_arrow(self, statement: str, values: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        yield from self._connection.sql(statement, params=list(values)).to_arrow_reader(5000)

    def _begin(self) -> None:
        self._connection.execute("BEGIN TRANSACTION")

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):
            self._connection.execute("ROLLBACK")
        with suppress(duckdb.Error):
            self._connection.unregister(STAGED)

    def _error(self, error: Exception) -> Exception:
        if not isinstance(error, duckdb.Error):
            return error
        text = _line(error)
        if isinstance(error, duckdb.IOException) or any(sign in text.lower() for sign in _FULL):
            return WarehouseRefused(
                f"{self._path}: nothing was written: {text}: make room on the disk, or check the file's rights"
            )
        return WarehouseRefused(f"{self._path}: DuckDB refused a statement, and nothing was changed: {text}")

    def _lock(self, load: Load) -> None:
        """Do nothing: DuckDB locks the whole file."""

    def _stage(self, batches: pa.RecordBatchReader) -> None:
        self._connection.register(STAGED, batches)

    def _unstage(self) -> None:
        self._connection.unregister(STAGED)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _opening_error(path: Path, error: duckdb.Error) -> Exception:
    if "lock" in str(error).lower():
        return WarehouseUnavailable(
            f"{path}: another process has opened this file: close it there, or open it read-only only while nothing is "
            "loaded (`duckdb -readonly`)"
        )
    return WarehouseRefused(f"{path}: the file cannot be opened for writing: {_line(error)}")
