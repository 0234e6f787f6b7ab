"""The interface between the loader and the destinations: the protocol `Destination`, its errors and data classes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import pyarrow as pa

from metrics.errors import TidemarkError, Unavailable
from metrics.warehouse.table import Table


class WarehouseUnavailable(Unavailable):
    """The warehouse cannot be reached, or is in use by another process; nothing was changed. Try again later."""


class WarehouseRefused(TidemarkError):
    """The warehouse refuses the login, a right is missing, or its disk is full; nothing was changed."""


class SchemaConflict(TidemarkError):
    """A table of the warehouse does not have the columns that Tidemark loads; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Load:
    """A partition of one table: a day of a workspace, or the whole of a dimension, under the names of the ledger.

    `read_at` is the instant at which its rows began to be read, on MongoDB's clock: rows never replace those that were
    read later.
    """

    table: Table
    workspace_id: str
    day: date
    read_at: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A row of the ledger: what was loaded of a day, or of a dimension."""

    dataset: str
    workspace_id: str
    day: date
    read_at: datetime
    rows: int
    content_hash: str


Batches = Callable[[], Iterator[pa.RecordBatch]]
"""Begins to read the rows of a load."""


class Destination(Protocol):
    """A database into which days are loaded; one connection, used by one thread.

    Every method raises `WarehouseUnavailable` or `WarehouseRefused` with one line that says what to do.
    """

    def close(self) -> None:
        """Close the connection."""
        ...

    def ensure(self, tables: Sequence[Table]) -> None:
        """Create missing tables, add missing columns to the others, and make views that are missing or were changed.

        Raises:
            SchemaConflict: a column has another type or is unknown, a table has the name of a view, or a newer version
                of Tidemark made the tables.
        """
        ...

    def replace(self, load: Load, read: Batches) -> Loaded | None:
        """Replace the rows of a partition, and write its row of the ledger, in one transaction.

        Returns what was loaded; None if rows that were read later are there already. What `read` raises is passed on,
        and then nothing is changed.
        """
        ...

    def loaded(self, workspace_id: str | None = None) -> list[Loaded]:
        """Return the ledger, by table, workspace and day."""
        ...

    def rows(self, table: Table, workspace_id: str, day: date) -> Iterable[pa.RecordBatch]:
        """Return the rows of a partition, in any order, with the columns of the table."""
        ...

    def forget(self, workspace_id: str, account_id: str | None = None) -> int:
        """Delete the rows of a workspace, or of one of its accounts, from all tables; return how many.

        Of a workspace, the ledger's rows are deleted too. Of an account, the ledger's days are deleted that had rows of
        it, and those of the dimensions, so that they are loaded again.
        """
        ...


Open = Callable[[Mapping[str, Any]], Destination]
