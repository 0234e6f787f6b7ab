"""Erasing an account or a workspace from the stores, in stages; whatever interrupts it, the next call goes on.

1. The erasure is written down (`metrics.store.erasures`), with the ids that name it in Redis, logs and
   Dagster's storage.
2. Accounts are marked: their credentials go, nothing collects them, and writers drop what they were about to write.
3. Documents go, those of the accounts last; then what Redis holds; then what lies outside of the stores.
4. Documents that are left are counted. If there are none, the ids that were written down go, and a record without
   them stays.

Every stage can be done again without harm. Backups and MongoDB's oplog are not reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from redis import Redis

from metrics.clock import utcnow
from metrics.errors import NotFound, TidemarkError
from metrics.store import Store
from metrics.store.erasures import Erasure, Kind, Named
from metrics.store.errors import mongo_errors
from metrics.upkeep.erase.extent import filters_of, left_of, named_by
from metrics.upkeep.erase.in_redis import forget_account, forget_pauses, forget_posts, forget_workspace

Outside = Callable[[Erasure, Named], bool]
"""Erases what lies outside of the stores; False where a part of that is out of reach here."""
Reached = Callable[[str], None]
"""Is told of each stage that is done."""


class LeftOver(TidemarkError):
    """The account or workspace was written to while it was erased; erasing again takes the rest."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of an erasure: documents by collection, and whether nothing of it remains to be done."""

    counts: Mapping[str, int]
    finished: bool


def begin(store: Store, kind: Kind, name: str, by: str) -> Erasure:
    """Write down that an account or a workspace is to be erased; return the erasure, also of one under way.

    Raises:
        NotFound: there is nothing of that name, and never was one erased.
        MongoUnavailable: MongoDB does not answer.
    """
    with mongo_errors():
        keys = kind == "workspace" and store.db["api_keys"].find_one({"workspaces": name}, {"_id": 1}) is not None
    if not keys and not left_of(store, kind, name) and not store.erasures.on_record(kind, name):
        hint = ": see `tidemark accounts list`" if kind == "account" else ""
        raise NotFound(f"there is no {kind} {name}{hint}")
    return store.erasures.begin(kind, name, by)


def go_on(
    store: Store,
    redis: Redis,
    erasure: Erasure,
    outside: Outside = lambda _erasure, _named: True,
    reached: Reached = lambda _stage: None,
) -> Erased:
    """Do what is left to do of an erasure.

    Raises:
        LeftOver: somebody wrote meanwhile; go on again.
        MongoUnavailable, RedisUnavailable: a store does not answer; go on when it does.
    """
    kind, name = erasure.kind, erasure.name
    reached("begun")
    named = store.erasures.write_down(erasure, named_by(store, kind, name))
    reached("written down")
    filters = filters_of(kind, name)
    gone = {"$set": {"state": "disconnected", "erasing": True, "disconnectedAt": utcnow()}}
    with mongo_errors():
        store.db["accounts"].update_many(filters["accounts"], {**gone, "$unset": {"credentials": ""}})
    reached("marked")
    if kind == "workspace":
        _erase_keys(store, erasure)
        reached("api_keys")
    for collection, query in filters.items():
        with mongo_errors():
            deleted = store.db[collection].delete_many(query).deleted_count
        store.erasures.count(erasure, collection, deleted)
        reached(collection)
    _erase_in_redis(store, redis, erasure, named)
    reached("redis")
    everywhere = outside(erasure, named)
    reached("outside")
    if left := left_of(store, kind, name):
        raise LeftOver(
            f"{erasure} was written to meanwhile: {left} are left, run `tidemark erase --resume` when the run has ended"
        )
    counts = next((one.counts for one in store.erasures.unfinished() if one.key == erasure.key), {})
    if everywhere:
        store.erasures.finish(erasure, named.account_ids)
    return Erased(counts, everywhere)


def _erase_keys(store: Store, erasure: Erasure) -> None:
    """Erase the keys of a workspace; a key for other workspaces too only loses this one."""
    keys = store.db["api_keys"]
    with mongo_errors():
        deleted = keys.delete_many({"workspaces": [erasure.name]}).deleted_count
        keys.update_many({"workspaces": erasure.name}, {"$pull": {"workspaces": erasure.name}})
    store.erasures.count(erasure, "api_keys", deleted)


def _erase_in_redis(store: Store, redis: Redis, erasure: Erasure, named: Named) -> None:
    forget_pauses(store, redis, named)
    if erasure.kind == "workspace":
        forget_workspace(redis, erasure.name)
    elif named.workspace_id is not None:
        forget_account(redis, named.workspace_id, erasure.name)
    forget_posts(redis, named)
