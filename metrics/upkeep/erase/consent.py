"""Delete what was stored of a platform in a workspace whose consent to store it has ended.

The terms of the platform then allow to keep nothing that its API returned. The accounts stay connected, and so do their
records of collection, which have no numbers of the platform.
"""

from collections.abc import Collection

from redis import Redis

from metrics.documents import Platform
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.redis.versions import invalidate
from metrics.store import Store
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.upkeep.erase.extent import filters_of
from metrics.upkeep.erase.in_redis import forget_account

KEPT_WITHOUT_CONSENT = frozenset(
    [OWN.accounts, PUBLIC.accounts, OWN.collections, "operations", "reading_memory", "shard_reports"]
)
"""Collections of which no whole document is deleted."""


def withdraw_consent(store: Store, redis: Redis, workspace_id: str, platform: Platform) -> list[str]:
    """Withdraw a workspace's consent to store a platform's numbers, and delete them; return the accounts.

    Runs that are under way delete again what they write later (`take_back`). Every step can be repeated: after an
    interruption, call this again.

    Raises:
        MongoUnavailable, RedisUnavailable: a store does not answer; call this again.
    """
    store.consents.set(workspace_id, platform, given=False)
    account_ids = [account["_id"] for account in store.accounts.find(workspace_id=workspace_id, platform=platform)]
    for account_id in account_ids:
        forget_collected(store, account_id)
        forget_account(redis, workspace_id, account_id)
    invalidate(redis, workspace_id)
    return account_ids


def forget_collected(store: Store, account_id: str) -> None:
    """Delete what was collected of an account, and what was derived from it.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    for name, query in filters_of("account", account_id).items():
        if name not in KEPT_WITHOUT_CONSENT:
            store.deletion.delete(name, query)
    store.memories.forget_collected(account_id)


def without_consent(store: Store, account_ids: Collection[str]) -> list[str]:
    """Return those of some accounts of which nothing may be stored.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    accounts = store.accounts.on_platforms(account_ids, STORING_NEEDS_CONSENT)
    platforms = {account["platform"] for account in accounts}
    consenting = {platform: store.consents.storing(platform) or frozenset() for platform in platforms}
    denied = [one for one in accounts if one["workspaceId"] not in consenting[one["platform"]]]
    return sorted(account["_id"] for account in denied)
