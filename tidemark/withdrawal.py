"""Withdraws a workspace's consent to store a platform's numbers, and deletes them in the stores and in exports."""

from redis import Redis

from metrics.documents import Platform
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import ErasureIds
from metrics.upkeep.erase import withdraw_consent
from tidemark.erasure.traces import forget_exports


def withdraw(store: Store, redis: Redis, settings: Settings, workspace_id: str, platform: Platform) -> int:
    """Withdraw the consent and delete what was stored with it; return how many accounts had something to delete.

    Every step can be repeated: after an interruption, call this again.

    Raises:
        MongoUnavailable, RedisUnavailable: a store does not answer.
        ExportBusy: an export is running and does not end.
        TidemarkError: the files of the export cannot be changed.
    """
    account_ids = withdraw_consent(store, redis, workspace_id, platform)
    named = ErasureIds(workspace_id, tuple(account_ids), (), ())
    forget_exports(settings, redis, named, whole_workspace=False)
    return len(account_ids)
