"""Load days of workspaces into a warehouse, and compare what it has with MongoDB."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

import pyarrow as pa
from redis import Redis

from metrics.clock import utcnow
from metrics.export.lease import leased
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.rollup.export_marks import ExportMark
from metrics.store.workspace.warehouses import WarehouseDocument
from metrics.upkeep.limited import limited_accounts
from metrics.upkeep.retention import Horizon
from metrics.warehouse.arrow import batches
from metrics.warehouse.destination import Batches, Destination, Load, Loaded
from metrics.warehouse.dimension_rows import Extent, dimension_rows
from metrics.warehouse.dimensions import DIMENSIONS
from metrics.warehouse.fingerprint import Fingerprint
from metrics.warehouse.opening import open_destination
from metrics.warehouse.rows import read_rows
from metrics.warehouse.table import EVERY, WHOLE, Table
from metrics.warehouse.tables import FACTS, TABLES

WAIT_SECONDS = 60.0
"""How long a load waits for another one, or for an erasure, that uses the warehouse."""


@dataclass
class LoadReport:
    """What was loaded into one warehouse.

    `dimensions` are those that had changed. `kept` counts the days of tables that stay as they are, because MongoDB no
    longer holds them; `superseded` those of which another process had loaded newer rows.
    """

    warehouse: str
    days: int = 0
    loaded: list[Loaded] = field(default_factory=list)
    dimensions: list[Loaded] = field(default_factory=list)
    kept: int = 0
    superseded: int = 0

    def rows(self, table: str | None = None) -> int:
        """Return the number of rows of facts that were loaded, of a table or of all."""
        return sum(one.rows for one in self.loaded if table in (None, one.dataset))

    def summary(self) -> str:
        """Return one line for a log."""
        kept = f", {self.kept} kept (no longer in MongoDB)" if self.kept else ""
        superseded = f", {self.superseded} loaded by another process" if self.superseded else ""
        return f"{self.warehouse}: {self.days} days of workspaces, {self.rows():,} rows{kept}{superseded}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A table of which the warehouse does not have the rows of MongoDB for a day."""

    table: str
    workspace_id: str
    day: date
    what: str

    def __str__(self) -> str:
        return f"{self.table} of {self.workspace_id} on {self.day}: {self.what}"


@contextmanager
def opened(
    warehouse: WarehouseDocument, settings: Settings, redis: Redis, wait: float = WAIT_SECONDS
) -> Iterator[Destination]:
    """Hold the lease on a warehouse, with a connection to it whose tables are complete.

    Raises:
        ExportBusy: another process held the lease all the time.
        SettingsError, CredentialError: the driver is not installed, or the URL cannot be opened.
        WarehouseUnavailable, WarehouseRefused, SchemaConflict: the warehouse cannot be used.
        RedisUnavailable: Redis does not answer.
    """
    with leased(redis, f"warehouse:{warehouse['_id']}", wait):
        destination = open_destination(warehouse, settings)
        try:
            destination.ensure(TABLES)
            yield destination
        finally:
            destination.close()


class Loader:
    """Loads days into one warehouse that is open."""

    def __init__(self, store: Store, settings: Settings, destination: Destination, name: str, run_id: str) -> None:
        self._store, self._destination, self._name, self._run_id = store, destination, name, run_id
        self._now = utcnow()
        self._horizon = Horizon.of(store, settings, self._now)
        # Rows stay, so there are none of accounts whose data may be kept for some days only.
        self._left_out = frozenset(one.account_id for one in limited_accounts(store))

    def load(self, marks: Sequence[ExportMark]) -> LoadReport:
        """Load the days of marks, each table of a day in one transaction, and clear each mark whose day is loaded.

        The last mark of a workspace is cleared when its dimensions are loaded, too.

        Raises:
            WarehouseUnavailable, WarehouseRefused: the warehouse failed. The days before are loaded.
            MongoUnavailable: MongoDB does not answer.
        """
        report, waiting = LoadReport(self._name), self._store.warehouse_marks(self._name)
        last = {mark.workspace_id: mark for mark in marks}
        for mark in marks:
            for table in FACTS:
                self._fact(report, table, mark.workspace_id, mark.day)
            if mark is last[mark.workspace_id]:
                self._dimensions(report, mark.workspace_id)
            waiting.settle([mark])
            report.days += 1
        return report

    def _fact(self, report: LoadReport, table: Table, workspace_id: str, day: datetime) -> None:
        horizon = self._horizon
        kept_from = horizon.observations_from if table.source == "observations" else horizon.rollups_from
        if day < kept_from(workspace_id):
            report.kept += 1
            return
        self._replace(
            report, report.loaded, table, workspace_id, day.date(), self._batches(table, workspace_id, day.date())
        )

    def _dimensions(self, report: LoadReport, workspace_id: str) -> None:
        """Load the dimensions of a workspace that are not what the ledger says."""
        noted = self._noted(workspace_id)
        days = [day for table in FACTS for dataset, day in noted if dataset == table.name]
        extent = Extent(workspace_id, self._left_out, min(days, default=None), self._now)
        for table in DIMENSIONS:
            read = partial(_dimension_batches, self._store, table, extent)
            before = noted.get((table.name, WHOLE))
            if before is None or not _equal(_fingerprint(read()), before):
                self._replace(report, report.dimensions, table, table.owner(workspace_id), WHOLE, read)

    def _replace(
        self, report: LoadReport, into: list[Loaded], table: Table, workspace_id: str, day: date, read: Batches
    ) -> None:
        # The instant is taken before the rows are read: a change after it makes another mark.
        load = Load(table, workspace_id, day, self._store.server_now(), self._run_id)
        loaded = self._destination.replace(load, read)
        if loaded is None:
            report.superseded += 1
        else:
            into.append(loaded)

    def _batches(self, table: Table, workspace_id: str, day: date) -> Batches:
        return lambda: batches(table, read_rows(self._store, table, workspace_id, day, self._left_out))

    def _noted(self, workspace_id: str) -> dict[tuple[str, date], Loaded]:
        """Return the ledger of a workspace, and of what is of no workspace, by table and date."""
        noted = [one for owner in (workspace_id, EVERY) for one in self._destination.loaded(owner)]
        return {(one.dataset, one.day): one for one in noted}

    def differences(self, workspace_id: str, day: date) -> list[Difference]:
        """Return in which tables the rows of a day, or their row of the ledger, are not those of MongoDB.

        Dimensions are compared with the ledger alone, because accounts and posts change all the time.

        Raises:
            WarehouseUnavailable, WarehouseRefused: the warehouse failed.
            MongoUnavailable: MongoDB does not answer.
        """
        ledger, found = self._noted(workspace_id), []
        for table in TABLES:
            noted = ledger.get((table.name, day if table.daily else WHOLE))
            if noted is None:
                continue
            owner = table.owner(workspace_id)
            sides = {"the warehouse": self._destination.rows(table, owner, noted.day)}
            if table.daily:
                sides["MongoDB"] = self._batches(table, workspace_id, day)()
            for what, rows in sides.items():
                there = _fingerprint(rows)
                if not _equal(there, noted):
                    line = f"{noted.rows} rows were loaded, {what} has {there.rows}, or other values in them"
                    line += "" if table.daily else ": drop this table, and the next load makes it again"
                    found.append(Difference(table.name, owner, noted.day, line))
        return found


def _dimension_batches(store: Store, table: Table, extent: Extent) -> Iterator[pa.RecordBatch]:
    return batches(table, dimension_rows(store, table, extent))


def _fingerprint(rows: Iterable[pa.RecordBatch]) -> Fingerprint:
    found = Fingerprint()
    for batch in rows:
        found.add(batch)
    return found


def _equal(found: Fingerprint, noted: Loaded) -> bool:
    return (found.rows, found.hex()) == (noted.rows, noted.content_hash)
