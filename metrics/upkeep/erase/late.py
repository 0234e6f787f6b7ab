"""Delete the late writes of a run about accounts that were erased while it ran.

A run that read an account before its erasure may write after the erasure has counted the remaining documents. Therefore
each run that writes about accounts checks at its end which of them were erased, and deletes their data again.
"""

from collections.abc import Collection

from redis import Redis

from metrics.documents import AccountDocument
from metrics.store import Store
from metrics.upkeep.erase.extent import filters_of
from metrics.upkeep.erase.in_redis import forget_account


def take_back(store: Store, account_ids: Collection[str]) -> list[str]:
    """Delete the data of those accounts that were erased or are being erased; return their ids.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    erased = sorted(set(account_ids) - store.accounts.existing(account_ids))
    for account_id in erased:
        for name, query in filters_of("account", account_id).items():
            if name != "accounts":
                store.deletion.delete(name, query)
    return erased


def take_back_account(store: Store, redis: Redis, account: AccountDocument) -> bool:
    """Delete the data and events of an account if it was erased or is being erased; tell whether it was.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; the data in MongoDB has been deleted.
    """
    if not take_back(store, [account["_id"]]):
        return False
    forget_account(redis, account["workspaceId"], account["_id"])
    return True
