"""Accounts whose grant has ended: where the terms demand it, what was read with it is deleted after some days.

A grant has ended when the platform denies the account to its token, or when the account was disconnected. The days that
the terms allow begin then; `metrics.platforms.registry.KEPT_AFTER_GRANT` has them. The account itself stays, with the
reason, so that a person can connect it again: its history then begins anew.
"""

from collections.abc import Callable
from datetime import datetime

from redis import Redis

from metrics.documents import AccountDocument
from metrics.platforms.registry import KEPT_AFTER_GRANT
from metrics.store import Store
from metrics.upkeep.erase.consent import forget_collected
from metrics.upkeep.erase.in_redis import forget_account

Outside = Callable[[AccountDocument], object]
"""A function that deletes what was exported of an account."""


def delete_ended(store: Store, redis: Redis, now: datetime, outside: Outside) -> list[str]:
    """Delete what was collected of the accounts whose grant ended too long ago; return their ids.

    An account whose grant ended before an update of Tidemark that notes the time counts from the first call on. Every
    step can be repeated: after an interruption, call this again.

    Raises:
        MongoUnavailable, RedisUnavailable: a store does not answer.
    """
    deleted: list[str] = []
    for platform, kept in KEPT_AFTER_GRANT.items():
        for account in store.accounts.with_ended_grant(platform, now, now - kept):
            outside(account)
            forget_collected(store, account["_id"])
            forget_account(redis, account["workspaceId"], account["_id"])
            reason = (
                f"its numbers were deleted on {now:%Y-%m-%d}, more than {kept.days} days after its grant ended, as the "
                "terms demand"
            )
            store.accounts.note_deleted(account, now, reason)
            deleted.append(account["_id"])
    return deleted
