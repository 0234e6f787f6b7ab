"""Load days of workspaces into a warehouse, and compare what it has with MongoDB."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

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
from metrics.warehouse.destination import Destination, Load, Loaded
from metrics.warehouse.fingerprint import Fingerprint
from metrics.warehouse.opening import open_destination
from metrics.warehouse.rows import read_rows
from metrics.warehouse.tables import TABLES, Table

WAIT_SECONDS = 60.0
"""How long a load waits for another one, or for an erasure, that uses the warehouse."""


@dataclass
class LoadReport:
    """What was loaded into one warehouse.

    `kept` counts the days of tables that stay as they are, because MongoDB no longer holds them; `superseded` those of
    which another process had loaded newer rows.
    """

    warehouse: str
    days: int = 0
    loaded: list[Loaded] = field(default_factory=list)
    kept: int = 0
    superseded: int = 0

    def rows(self, table: str | None = None) -> int:
        """Return the number of rows that were loaded, of a table or of all."""
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
        self._horizon = Horizon.of(store, settings, utcnow())
        # Rows stay, so there are none of accounts whose data may be kept for some days only.
        self._left_out = frozenset(one.account_id for one in limited_accounts(store))

    def load(self, marks: Sequence[ExportMark]) -> LoadReport:
        """Load the days of marks, each table of a day in one transaction, and clear each mark whose day is loaded.

        Raises:
            WarehouseUnavailable, WarehouseRefused: the warehouse failed. The days before are loaded.
            MongoUnavailable: MongoDB does not answer.
        """
        report, waiting = LoadReport(self._name), self._store.warehouse_marks(self._name)
        for mark in marks:
            for table in TABLES:
                self._table(report, table, mark.workspace_id, mark.day)
            waiting.settle([mark])
            report.days += 1
        return report

    def _table(self, report: LoadReport, table: Table, workspace_id: str, day: datetime) -> None:
        horizon = self._horizon
        kept_from = horizon.observations_from if table.source == "observations" else horizon.rollups_from
        if day < kept_from(workspace_id):
            report.kept += 1
            return
        # The instant is taken before the rows are read: a change after it makes another mark.
        load = Load(table, workspace_id, day.date(), self._store.server_now(), self._run_id)
        rows = read_rows(self._store, table, workspace_id, load.day, self._left_out)
        loaded = self._destination.replace(load, lambda: batches(table, rows))
        if loaded is None:
            report.superseded += 1
        else:
            report.loaded.append(loaded)

    def differences(self, workspace_id: str, day: date) -> list[Difference]:
        """Return in which tables the rows of a day, or their row of the ledger, are not those of MongoDB.

        Raises:
            WarehouseUnavailable, WarehouseRefused: the warehouse failed.
            MongoUnavailable: MongoDB does not answer.
        """
        ledger = {one.dataset: one for one in self._destination.loaded(workspace_id) if one.day == day}
        found = []
        for table in TABLES:
            if table.name not in ledger:
                continue
            there, here = Fingerprint(), Fingerprint()
            for batch in self._destination.rows(table, workspace_id, day):
                there.add(batch)
            for batch in batches(table, read_rows(self._store, table, workspace_id, day, self._left_out)):
                here.add(batch)
            for what, one in (("the warehouse", there), ("MongoDB", here)):
                noted = ledger[table.name]
                if (one.rows, one.hex()) != (noted.rows, noted.content_hash):
                    found.append(
                        Difference(
                            table.name,
                            workspace_id,
                            day,
                            f"{noted.rows} rows were loaded, {what} has {one.rows}, or other values in them",
                        )
                    )
        return found
