"""What databases with SQL and transactions have in common: the statements that replace a day and keep the ledger."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pyarrow as pa

from metrics.catalog import DEFINITION_VERSION
from metrics.clock import utcnow
from metrics.warehouse.arrow import schema
from metrics.warehouse.conformance import missing_fields
from metrics.warehouse.destination import Batches, Load, Loaded, SchemaConflict, WarehouseRefused
from metrics.warehouse.fingerprint import Fingerprint
from metrics.warehouse.table import Field, Table, Type
from metrics.warehouse.tables import LEDGER, SCHEMA_VERSION, TABLES
from metrics.warehouse.views import VIEWS, View

_PROBE = "_tidemark_view"
STAGED = "_tidemark_staged"
"""The name under which `_stage` makes the rows of a load readable."""


class SqlDestination(ABC):
    """A destination with transactions that include changes of several tables.

    A subclass connects, stages rows, and turns the errors of its driver into those of `metrics.warehouse.destination`.
    """

    types: Mapping[Type, str]
    """The database's type for each type of a column, as `information_schema` names it."""

    indexes_keys: bool = True
    """Whether tables have a primary key. Without one, each load counts its keys instead."""

    view_query: str
    """A query for the definition of the view that a statement of this session means by the name `?`."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def _execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement with `?` for values."""

    @abstractmethod
    def _fetch(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query with `?` for values."""

    @abstractmethod
    def _fetch_arrow(self, statement: str, values: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches."""

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction."""

    @abstractmethod
    def _commit(self) -> None:
        """Commit the transaction."""

    @abstractmethod
    def _roll_back(self) -> None:
        """Undo the transaction and whatever `_stage` left; nothing is raised."""

    @abstractmethod
    def _error(self, error: Exception) -> Exception:
        """Return the error of Tidemark for one of the driver; any other error as it is."""

    @abstractmethod
    def _lock(self, load: Load) -> None:
        """Wait until no other transaction replaces the same day, and keep others out until this one ends."""

    @abstractmethod
    def _stage(self, batches: pa.RecordBatchReader) -> None:
        """Make rows readable as the table `STAGED`, within the transaction."""

    @abstractmethod
    def _unstage(self) -> None:
        """Remove `STAGED`."""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit at the end of the block, or undo everything if it raises; driver errors become those of Tidemark."""
        try:
            self._begin()
            yield
            self._commit()
        except Exception as error:
            self._roll_back()
            raised = self._error(error)
            if raised is error:
                raise
            raise raised from None
        except BaseException:
            self._roll_back()
            raise

    def ensure(self, tables: Sequence[Table] = TABLES) -> None:
        """Create missing tables, add missing columns to the others, and make views that are missing or were changed.

        Raises:
            SchemaConflict: a column has another type or is unknown, a table has the name of a view, or a newer version
                of Tidemark made the tables.
        """
        with self._transaction():
            present = {table.name: self._columns(table) for table in (*tables, LEDGER)}
            # Everything is compared before anything is changed.
            missing = {table: missing_fields(table, present[table.name]) for table in (*tables, LEDGER)}
            if present[LEDGER.name]:
                self._check_version()
            missing_views = [view for view in VIEWS if not self._has_view(view)]
            for table, fields in missing.items():
                if not present[table.name]:
                    self._create(table)
                    if table != LEDGER and present[LEDGER.name]:
                        # Nothing of what was loaded is there any more.
                        self._execute(f"DELETE FROM {LEDGER.name} WHERE dataset = ?", (table.name,))
                    continue
                for field in fields:
                    self._execute(f"ALTER TABLE {table.name} ADD COLUMN {self._definition(field)}")
            for view in VIEWS:
                self._make_view(view, missing=view in missing_views)

    def replace(self, load: Load, read: Batches) -> Loaded | None:
        """Replace the rows of a partition, and write its row of the ledger, in one transaction.

        Returns what was loaded; None if rows that were read later are there already.
        """
        table, print_ = load.table, Fingerprint()
        within, bounds = table.within(load.workspace_id, load.day)

        def counted() -> Iterator[pa.RecordBatch]:
            for batch in read():
                print_.add(batch)
                yield batch

        key = (table.name, load.workspace_id, load.day)
        with self._transaction():
            self._lock(load)
            where = "WHERE dataset = ? AND workspace_id = ? AND date = ?"
            before = self._fetch(f"SELECT read_at FROM {LEDGER.name} {where}", key)
            if before and before[0][0] > load.read_at:
                return None
            names = ", ".join(field.name for field in table.fields)
            self._stage(pa.RecordBatchReader.from_batches(schema(table), counted()))
            self._execute(f"DELETE FROM {table.name} WHERE {within}", bounds)
            self._execute(f"INSERT INTO {table.name} ({names}) SELECT {self._casts(table)} FROM {STAGED}")
            self._unstage()
            if not self.indexes_keys:
                self._check_keys(load)
            self._execute(f"DELETE FROM {LEDGER.name} {where}", key)
            about = (SCHEMA_VERSION, DEFINITION_VERSION, load.run_id, utcnow())
            row = (*key, load.read_at, print_.rows, print_.hex(), *about)
            columns = ", ".join(field.name for field in LEDGER.fields)
            self._execute(f"INSERT INTO {LEDGER.name} ({columns}) VALUES ({', '.join('?' * len(row))})", row)
        return Loaded(*key, load.read_at, print_.rows, print_.hex())

    def loaded(self, workspace_id: str | None = None) -> list[Loaded]:
        """Return the ledger, by table, workspace and day."""
        only = "" if workspace_id is None else "WHERE workspace_id = ?"
        names = "dataset, workspace_id, date, read_at, rows, content_hash"
        with self._transaction():
            rows = self._fetch(
                f"SELECT {names} FROM {LEDGER.name} {only} ORDER BY dataset, workspace_id, date",
                () if workspace_id is None else (workspace_id,),
            )
        return [Loaded(*row) for row in rows]

    def rows(self, table: Table, workspace_id: str, day: date) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a partition, in any order, with the columns of the table."""
        names, of_table = ", ".join(self._readable(field) for field in table.fields), schema(table)
        within, bounds = table.within(workspace_id, day)
        with self._transaction():
            for batch in self._fetch_arrow(f"SELECT {names} FROM {table.name} WHERE {within}", bounds):
                yield batch.cast(of_table)

    def forget(self, workspace_id: str, account_id: str | None = None) -> int:
        """Delete the rows of a workspace, or of one of its accounts, from all tables; return how many.

        Of an account, the ledger's rows of the days are deleted that had rows of it, and those of the dimensions.
        """
        chosen = {"workspace_id": workspace_id} | ({} if account_id is None else {"account_id": account_id})
        gone = 0
        with self._transaction():
            for table in TABLES:
                if chosen.keys() <= table.types.keys():
                    gone += self._forget(table, chosen)
        return gone

    def _forget(self, table: Table, chosen: Mapping[str, str]) -> int:
        where, values = " AND ".join(f"{name} = ?" for name in chosen), tuple(chosen.values())
        noted = f"DELETE FROM {LEDGER.name} WHERE dataset = ? AND workspace_id = ?"
        if table.daily and "account_id" in chosen:
            days = f"AND date IN (SELECT date FROM {table.name} WHERE {where})"
            self._execute(f"{noted} {days}", (table.name, chosen["workspace_id"], *values))
        else:
            self._execute(noted, (table.name, chosen["workspace_id"]))
        (gone,) = self._fetch(f"SELECT count(*) FROM {table.name} WHERE {where}", values)[0]
        self._execute(f"DELETE FROM {table.name} WHERE {where}", values)
        return int(gone)

    def _columns(self, table: Table) -> dict[str, Type | str]:
        ours = {native: kind for kind, native in self.types.items()}
        rows = self._fetch(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
            (table.name,),
        )
        return {name: ours.get(native, native) for name, native in rows}

    def _has_view(self, view: View) -> bool:
        found = self._fetch(
            "SELECT table_type FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?",
            (view.name,),
        )
        if found and found[0][0] != "VIEW":
            raise SchemaConflict(
                f"{view.name}: Tidemark makes a view of this name, and a table has it: rename the table"
            )
        return bool(found)

    def _make_view(self, view: View, *, missing: bool) -> None:
        if not missing:
            # A database tells a view in words of its own: the same view, made now, tells what they have to be.
            self._execute(f"CREATE TEMPORARY VIEW {_PROBE} AS {view.sql}")
            same = self._query_of(_PROBE) == self._query_of(view.name)
            self._execute(f"DROP VIEW {_PROBE}")
            if same:
                return
            self._execute(f"DROP VIEW {view.name}")
        self._execute(f"CREATE VIEW {view.name} AS {view.sql}")

    def _query_of(self, view: str) -> str:
        ((text,),) = self._fetch(self.view_query, (view,))
        return re.sub(r"^CREATE (TEMP )?VIEW \S+ AS ", "", str(text))

    def _check_version(self) -> None:
        newest = self._fetch(f"SELECT max(schema_version) FROM {LEDGER.name}")[0][0]
        if newest is not None and newest > SCHEMA_VERSION:
            raise SchemaConflict(
                f"the warehouse was loaded by a newer version of Tidemark (tables of version {newest}, this one has "
                f"{SCHEMA_VERSION}): update Tidemark"
            )

    def _create(self, table: Table) -> None:
        definitions = [self._definition(field, not_null=field.name in table.key) for field in table.fields]
        if self.indexes_keys:
            definitions.append(f"PRIMARY KEY ({', '.join(table.key)})")
        self._execute(f"CREATE TABLE {table.name} ({', '.join(definitions)})")

    def _check_keys(self, load: Load) -> None:
        keys = ", ".join(load.table.key)
        within, bounds = load.table.within(load.workspace_id, load.day)
        twice = self._fetch(
            f"SELECT {keys} FROM {load.table.name} WHERE {within} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1", bounds
        )
        if twice:
            raise WarehouseRefused(f"{load.table.name}: two rows have the key {twice[0]}: nothing was changed")

    def _definition(self, field: Field, *, not_null: bool = False) -> str:
        return f"{field.name} {self.types[field.type]}{' NOT NULL' if not_null else ''}"

    def _casts(self, table: Table) -> str:
        return ", ".join(f"CAST({field.name} AS {self.types[field.type]})" for field in table.fields)

    def _readable(self, field: Field) -> str:
        """Return an expression for a column of which the driver returns one of the types of Arrow that are compared."""
        return f"CAST({field.name} AS {self.types['text']}) AS {field.name}" if field.type == "json" else field.name
