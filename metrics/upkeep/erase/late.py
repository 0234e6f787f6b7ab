"""Delete the late writes of a run about accounts that were erased, or may no longer be stored, since it began.

A run that read an account before its erasure may write after the erasure has counted the remaining documents. Therefore
each run that writes about accounts checks at its end which of them were erased, and deletes their data again. The same
holds for accounts whose workspace withdrew the consent that the terms of their platform demand.
"""

from collections.abc import Collection, Sequence

from redis import Redis

from metrics.documents import AccountDocument
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.store import Store
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.upkeep.erase.consent import forget_collected, without_consent
from metrics.upkeep.erase.extent import filters_of
from metrics.upkeep.erase.in_redis import forget_account


def take_back(store: Store, account_ids: Collection[str]) -> list[str]:
    """Delete the data of those accounts that were erased, are being erased, or may not be stored; return their ids.

    Of watched accounts (`Store.public`), these are those that were erased: consents are about what connected accounts
    show their owners.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if store.names is PUBLIC:
        return _take_back_erased(store, account_ids)
    return sorted({*_take_back_erased(store, account_ids), *_take_back_denied(store, account_ids)})


def take_back_accounts(store: Store, redis: Redis, accounts: Sequence[AccountDocument]) -> set[str]:
    """Delete the data and events of those accounts that `take_back` is about; return their ids.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; the data in MongoDB has been deleted.
    """
    gone = set(_take_back_erased(store, [account["_id"] for account in accounts]))
    # Most platforms demand no consent, so most accounts need no further query.
    may_be_denied = [account["_id"] for account in accounts if account["platform"] in STORING_NEEDS_CONSENT]
    if may_be_denied:
        gone.update(_take_back_denied(store, may_be_denied))
    for account in accounts:
        if account["_id"] in gone:
            forget_account(redis, account["workspaceId"], account["_id"])
    return gone


def _take_back_erased(store: Store, account_ids: Collection[str]) -> list[str]:
    erased = sorted(set(account_ids) - store.accounts.existing(account_ids))
    for account_id in erased:
        for name, query in filters_of("account", account_id, store.names).items():
            if name not in (OWN.accounts, PUBLIC.accounts):
                store.deletion.delete(name, query)
    return erased


def _take_back_denied(store: Store, account_ids: Collection[str]) -> list[str]:
    denied = without_consent(store, account_ids)
    for account_id in denied:
        forget_collected(store, account_id)
    return denied
