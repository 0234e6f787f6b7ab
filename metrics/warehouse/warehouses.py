"""Add a warehouse, try it, and remove it."""

import re
from collections.abc import Mapping
from datetime import datetime

from metrics.errors import InvalidInput, NotFound
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.warehouses import WarehouseDocument, WarehouseKind, owner_of_url
from metrics.vault import Vault
from metrics.visible import visible
from metrics.warehouse.marking import mark_stored
from metrics.warehouse.opening import check_options, open_destination
from metrics.warehouse.tables import TABLES

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SHOWN = 64


def existing(store: Store, name: str) -> WarehouseDocument:
    """Return a warehouse.

    Raises:
        NotFound: there is none of this name.
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.warehouses.find(name)
    if found is None:
        raise NotFound(f"there is no warehouse {visible(name[:_SHOWN])}: see `tidemark warehouse status`")
    return found


def add_warehouse(
    store: Store,
    settings: Settings,
    name: str,
    kind: WarehouseKind,
    options: Mapping[str, str],
    *,
    by: str,
    now: datetime,
    url: str | None = None,
    workspace_id: str | None = None,
) -> int:
    """Store a warehouse after trying it, in place of one of the same name; return how many days are to be loaded.

    `url` is stored sealed. With `workspace_id`, only the days of this workspace are loaded.

    Raises:
        InvalidInput: the name, an option or the URL is wrong.
        SettingsError: the driver is not installed, or TIDEMARK_SECRET_KEYS is not set.
        WarehouseUnavailable, WarehouseRefused, SchemaConflict: the warehouse cannot be used; nothing was stored.
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput("name: it has 1 to 40 small letters, digits and hyphens, and begins with a letter", "name")
    check_options(kind, options, url)
    document: WarehouseDocument = {
        "_id": name, "kind": kind, "options": dict(options), "createdAt": now, "createdBy": by,
    }  # fmt: skip
    if workspace_id is not None:
        document["workspaceId"] = workspace_id
    if url is not None:
        document["sealed"] = Vault(settings.secret_keys).seal({"url": url}, owner_of_url(name))
    try_warehouse(document, settings)
    store.warehouses.put(document)
    return mark_stored(store, document)


def try_warehouse(warehouse: WarehouseDocument, settings: Settings) -> None:
    """Connect to a warehouse, and create or complete its tables.

    Raises:
        SettingsError, CredentialError: the driver is not installed, or the URL cannot be opened.
        WarehouseUnavailable, WarehouseRefused, SchemaConflict: the warehouse cannot be used.
    """
    destination = open_destination(warehouse, settings)
    try:
        destination.ensure(TABLES)
    finally:
        destination.close()


def remove_warehouse(store: Store, name: str) -> None:
    """Remove a warehouse and its marks. What was loaded stays there.

    Raises:
        NotFound: there is none of this name.
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    existing(store, name)
    store.warehouses.remove(name)
    store.warehouse_marks(name).clear()
