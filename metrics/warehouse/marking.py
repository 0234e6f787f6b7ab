"""Mark the days that have to be loaded into warehouses."""

from collections.abc import Collection
from datetime import date, datetime

from metrics.periods import DAY, midnight
from metrics.store import Store
from metrics.store.workspace.warehouses import WarehouseDocument


def mark_changed(store: Store, workspace_ids: Collection[str], day: datetime) -> None:
    """Mark a day of workspaces to be loaded again into each warehouse that has their days.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not workspace_ids:
        return
    for name, only in store.warehouses.names_for(workspace_ids):
        store.warehouse_marks(name).touch(workspace_ids if only is None else [only], day)


def mark_workspace(store: Store, workspace_id: str) -> None:
    """Mark all days of a workspace to be exported and loaded again, after its calendar changed.

    A date may have rollups in one of both calendars only: the days before the first and after the last are marked, too.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    days = _stored_days(store, workspace_id)
    if not days:
        return
    marked = [(workspace_id, midnight(day)) for day in (days[0] - DAY, *days, days[-1] + DAY)]
    store.exports.touch_all(marked)
    for name, _ in store.warehouses.names_for([workspace_id]):
        store.warehouse_marks(name).touch_all(marked)


def mark_days(store: Store, warehouse: WarehouseDocument, days: Collection[datetime]) -> int:
    """Mark days of all workspaces of a warehouse, whether they have rollups or not; return how many were marked.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    only = warehouse.get("workspaceId")
    chosen = store.accounts.workspaces() if only is None else [only]
    return store.warehouse_marks(warehouse["_id"]).touch_all((one, day) for day in days for one in chosen)


def mark_stored(store: Store, warehouse: WarehouseDocument, first: date | None = None, last: date | None = None) -> int:
    """Mark the days that have rollups, from `first` to `last`, to be loaded into a warehouse; return how many.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    only = warehouse.get("workspaceId")
    found: list[tuple[str, datetime]] = []
    for workspace_id in store.accounts.workspaces() if only is None else [only]:
        found += [
            (workspace_id, midnight(day))
            for day in _stored_days(store, workspace_id)
            if (first is None or day >= first) and (last is None or day <= last)
        ]
    return store.warehouse_marks(warehouse["_id"]).touch_all(found)


def _stored_days(store: Store, workspace_id: str) -> list[date]:
    """Return the dates of a workspace that have rollups, oldest first."""
    calendar = store.calendars.get(workspace_id).current
    return sorted({calendar.date_of(start) for start in store.rollups.starts(workspace_id, "daily", calendar.version)})
