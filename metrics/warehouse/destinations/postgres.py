"""PostgreSQL 12 or newer, by ADBC: rows travel as Arrow and are copied into a temporary table."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from itertools import count
from types import MappingProxyType
from typing import Any

import adbc_driver_manager
import adbc_driver_manager.dbapi
import adbc_driver_postgresql.dbapi
import pyarrow as pa

from metrics.warehouse.destination import Load, WarehouseRefused, WarehouseUnavailable
from metrics.warehouse.destinations.sql import STAGED, SqlDestination

_UNAVAILABLE = ("08", "40", "53300", "55P03", "57")
"""SQLSTATEs, or their classes, after which the same load succeeds later: PostgreSQL documentation, appendix A."""


class PostgresDestination(SqlDestination):
    """A schema of a PostgreSQL database, which is created if it is missing."""

    types = MappingProxyType(
        {
            "text": "text",
            "timestamp": "timestamp with time zone",
            "date": "date",
            "integer": "bigint",
            "number": "double precision",
            "boolean": "boolean",
            # `json` keeps a text as it is; `jsonb` would reorder its keys.
            "json": "json",
        }
    )

    view_query = "SELECT pg_get_viewdef(to_regclass(?))"

    def __init__(self, url: str, schema: str = "tidemark") -> None:
        """Connect to `postgresql://user:password@host/database`.

        Raises:
            WarehouseUnavailable: nobody answers there, or there are too many connections.
            WarehouseRefused: the login is refused, or a right is missing.
        """
        try:
            self._connection = adbc_driver_postgresql.dbapi.connect(url, autocommit=False)
        except adbc_driver_manager.Error as error:
            raise _connecting_error(error) from None
        try:
            with self._transaction():
                if not self._fetch("SELECT 1 FROM pg_namespace WHERE nspname = ?", (schema,)):
                    self._execute(f"CREATE SCHEMA {schema}")
            with self._transaction():
                self._execute(f"SET search_path TO {schema}")
                self._execute("SET TIME ZONE 'UTC'")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        with suppress(adbc_driver_manager.Error):
            self._connection.close()

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(_numbered(statement), list(values) or None)

    def _fetch(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(_numbered(statement), list(values) or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _fetch_arrow(self, statement: str, values: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        # The driver holds the whole result of a query with values in memory: a setting of the session has them instead.
        for place, value in enumerate(values):
            self._fetch("SELECT set_config(?, ?, true)", (f"tidemark.value{place}", str(value)))
        places = count()

        def setting(_match: re.Match[str]) -> str:
            place = next(places)
            kind = "date" if isinstance(values[place], date) else "text"
            return f"CAST(current_setting('tidemark.value{place}') AS {kind})"

        with self._connection.cursor() as cursor:
            cursor.execute(re.sub(r"\?", setting, statement))
            yield from cursor.fetch_record_batch()

    def _begin(self) -> None:
        """Do nothing: the driver begins a transaction with the first statement."""

    def _commit(self) -> None:
        self._connection.commit()

    def _roll_back(self) -> None:
        with suppress(adbc_driver_manager.Error):
            self._connection.rollback()

    def _error(self, error: Exception) -> Exception:
        return _error(error) if isinstance(error, adbc_driver_manager.Error) else error

    def _lock(self, load: Load) -> None:
        name = f"{load.table.name}|{load.workspace_id}|{load.day}"
        self._fetch("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))::text", (name,))

    def _stage(self, batches: pa.RecordBatchReader) -> None:
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(STAGED, batches, mode="create", temporary=True)

    def _unstage(self) -> None:
        self._execute(f"DROP TABLE {STAGED}")


def _numbered(statement: str) -> str:
    """Return a statement with `$1`, `$2` and so on in place of `?`."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)


def _connecting_error(error: adbc_driver_manager.Error) -> Exception:
    # The message of libpq may quote the URL, which has the password.
    text = str(error).lower()
    if "password" in text or "authentication" in text or "role" in text:
        return WarehouseRefused("PostgreSQL refuses the login: check user and password, and set the warehouse again")
    if "database" in text and "does not exist" in text:
        return WarehouseRefused("PostgreSQL has no such database: create it, or set the warehouse again")
    if "invalid" in text and "connection" in text:
        return WarehouseRefused("this is no URL of PostgreSQL: it is postgresql://user:password@host:5432/database")
    return WarehouseUnavailable("PostgreSQL does not answer: check that it runs and that its host and port are right")


def _error(error: adbc_driver_manager.Error) -> Exception:
    state, line = error.sqlstate or "", _line(error)
    if not state or state.startswith(_UNAVAILABLE):
        return WarehouseUnavailable(f"PostgreSQL ended the load, and nothing was changed: {line}")
    if state == "42501":
        return WarehouseRefused(
            f"PostgreSQL refuses for lack of a right: {line}: grant it to the user of the warehouse"
        )
    if state == "2BP01":
        return WarehouseRefused(
            f"PostgreSQL keeps what views of yours read: {line}: drop them, and make them anew after"
        )
    if state == "53100":
        return WarehouseRefused(f"the disk of PostgreSQL is full, and nothing was changed: {line}: make room there")
    return WarehouseRefused(f"PostgreSQL refused a statement, and nothing was changed: {line}")


def _line(error: adbc_driver_manager.Error) -> str:
    """Return the server's first sentence, without the driver's words around it."""
    found = re.search(r"ERROR:\s*(.+?)(?:\n|$)", str(error))
    return (found.group(1) if found else str(error).split("\n", 1)[0])[:300]
