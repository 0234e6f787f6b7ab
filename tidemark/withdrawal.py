"""Withdraws a workspace's consent for a platform; one to store its numbers deletes them everywhere."""

from redis import Redis

from metrics.documents import Platform
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.redis.versions import invalidate
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import ErasureIds
from metrics.upkeep.erase import withdraw_consent
from metrics.upkeep.ledger import Ledger, consent_name
from tidemark.erasure.traces import forget_exports, forget_in_warehouses


def withdraw(store: Store, redis: Redis, settings: Settings, workspace_id: str, platform: Platform, by: str) -> int:
    """Withdraw the consent and delete what was stored with it; return how many accounts had something to delete.

    `by` is the person who withdraws it, for the ledger. Every step can be repeated: after an interruption, call this
    again.

    Raises:
        MongoUnavailable, RedisUnavailable: a store does not answer.
        ExportBusy: an export is running and does not end.
        TidemarkError: the ledger, the files of the export or a warehouse cannot be changed.
    """
    ledger, name = Ledger.of(settings), consent_name(workspace_id, platform)
    # Noted before anything is deleted, so that no backup brings it back; and at the end, for backups made meanwhile.
    ledger.note("consent", name, by)
    if platform not in STORING_NEEDS_CONSENT:
        store.consents.set(workspace_id, platform, given=False)
        invalidate(redis, workspace_id)
        return 0
    account_ids = withdraw_consent(store, redis, workspace_id, platform)
    named = ErasureIds(workspace_id, tuple(account_ids), (), ())
    forget_exports(settings, redis, named, whole_workspace=False)
    forget_in_warehouses(settings, store, redis, named, whole_workspace=False)
    ledger.note("consent", name, by)
    return len(account_ids)
