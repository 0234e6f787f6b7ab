"""Delete accounts and workspaces from all warehouses, when they are erased or may no longer be stored."""

from collections.abc import Collection, Mapping, Sequence

from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from metrics.warehouse.loader import opened


def forget(
    store: Store, settings: Settings, redis: Redis, workspace_id: str, account_ids: Collection[str] | None, wait: float
) -> Mapping[str, int]:
    """Delete a workspace, or some of its accounts, from all warehouses; return the deleted rows by warehouse.

    Raises:
        ExportBusy: a load is under way and does not end; call this again.
        SettingsError, CredentialError, WarehouseUnavailable, WarehouseRefused: a warehouse cannot be used; call this
            again when it can.
        MongoUnavailable, RedisUnavailable: a store does not answer; call this again.
    """
    gone: dict[str, int] = {}
    for warehouse in store.warehouses.all():
        if warehouse.get("workspaceId") not in (None, workspace_id):
            continue
        with opened(warehouse, settings, redis, wait) as destination:
            chosen: Sequence[str | None] = [None] if account_ids is None else sorted(account_ids)
            gone[warehouse["_id"]] = sum(destination.forget(workspace_id, one) for one in chosen)
    return gone
