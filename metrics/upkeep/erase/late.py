"""What a run wrote of an account that was erased while it ran.

A run that has read an account before it was erased may write after the erasure has looked for the last time. So whoever
writes about accounts looks at the end which of them are gone, and takes back what it wrote.
"""

from collections.abc import Collection

from redis import Redis

from metrics.documents import AccountDocument
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.upkeep.erase.extent import filters_of
from metrics.upkeep.erase.in_redis import forget_account


def take_back(store: Store, account_ids: Collection[str]) -> list[str]:
    """Delete what is there of those accounts that were erased or are being erased; return which these are.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    erased = sorted(set(account_ids) - store.accounts.existing(account_ids))
    with mongo_errors():
        for account_id in erased:
            for name, query in filters_of("account", account_id).items():
                if name != "accounts":
                    store.db[name].delete_many(query)
    return erased


def take_back_account(store: Store, redis: Redis, account: AccountDocument) -> bool:
    """Delete what is there of an account if it was erased or is being erased, its events as well; tell whether it was.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; what was in MongoDB is gone.
    """
    if not take_back(store, [account["_id"]]):
        return False
    forget_account(redis, account["workspaceId"], account["_id"])
    return True
