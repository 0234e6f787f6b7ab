"""Erase an account or a workspace from the stores in stages; after an interruption the next call resumes.

1. The erasure is stored (`metrics.store.erasures`), with the ids that name it in Redis, logs and Dagster's storage.
2. Accounts are marked: their credentials are deleted, nothing collects them, and runs discard pending writes.
3. Documents are deleted: of an account first those of its watching (`own`), and the accounts last; then the data in
   Redis; then the data outside of the stores.
4. The remaining documents are counted. If there are none, the stored ids are deleted, and a record without them stays.

Each stage is idempotent. Backups and MongoDB's oplog are not erased.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from redis import Redis

from metrics.clock import utcnow
from metrics.errors import NotFound, TidemarkError
from metrics.store import Store
from metrics.store.erasures import Erasure, ErasureIds, Kind
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.upkeep.erase.extent import filters_of, ids_to_erase, left_of
from metrics.upkeep.erase.in_redis import forget_account, forget_pauses, forget_posts, forget_workspace
from metrics.upkeep.erase.watched import delete_watched

Outside = Callable[[Erasure, ErasureIds], bool]
"""A function that erases data outside of the stores; it returns False if it cannot reach all of it."""
Reached = Callable[[str], None]
"""A function that is called with the name of each finished stage."""


class LeftOver(TidemarkError):
    """The account or workspace was written to during its erasure; erasing again deletes the rest."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The result of an erasure: deleted documents by collection, and whether it is finished."""

    counts: Mapping[str, int]
    finished: bool


def begin(store: Store, kind: Kind, name: str, by: str) -> Erasure:
    """Store that an account or a workspace is to be erased. If its erasure has begun before, return that one unchanged.

    Raises:
        NotFound: there is no such account or workspace, and none was ever erased.
        MongoUnavailable: MongoDB does not answer.
    """
    has_keys = kind == "workspace" and store.keys.has_workspace(name)
    if not has_keys and not left_of(store, kind, name) and not store.erasures.on_record(kind, name):
        hint = ": see `tidemark accounts list`" if kind == "account" else ""
        raise NotFound(f"there is no {kind} {name}{hint}")
    return store.erasures.begin(kind, name, by)


def resume(
    store: Store,
    redis: Redis,
    erasure: Erasure,
    outside: Outside = lambda _erasure, _ids: True,
    reached: Reached = lambda _stage: None,
) -> Erased:
    """Do the remaining stages of an erasure.

    Raises:
        LeftOver: another process wrote data meanwhile; call again.
        MongoUnavailable, RedisUnavailable: a store does not answer; call again when it does.
    """
    kind, name = erasure.kind, erasure.name
    reached("begun")
    ids = store.erasures.write_down_ids(erasure, ids_to_erase(store, kind, name))
    reached("written down")
    filters = filters_of(kind, name)
    store.accounts.mark_erasing(filters[OWN.accounts], utcnow())
    reached("marked")
    if kind == "workspace":
        store.erasures.count(erasure, "api_keys", store.keys.erase_workspace(name))
        reached("api_keys")
    if kind == "account":
        for collection, count in delete_watched(store, filters[PUBLIC.accounts]).items():
            store.erasures.count(erasure, collection, count)
        reached("watched")
    for collection, query in filters.items():
        store.erasures.count(erasure, collection, store.deletion.delete(collection, query))
        reached(collection)
    if kind == "account":
        store.campaigns.forget(ids.account_ids, ids.post_ids)
        store.alerts.forget(ids.account_ids)
        reached("lists")
    _erase_in_redis(store, redis, erasure, ids)
    reached("redis")
    everywhere = outside(erasure, ids)
    reached("outside")
    if left := left_of(store, kind, name):
        raise LeftOver(
            f"{erasure} was written to meanwhile: {left} are left; run `tidemark erase --resume` when the "
            "run that wrote has ended"
        )
    counts = next((found.counts for found in store.erasures.unfinished() if found.key == erasure.key), {})
    if everywhere:
        store.erasures.finish(erasure, ids.account_ids)
    return Erased(counts, everywhere)


def _erase_in_redis(store: Store, redis: Redis, erasure: Erasure, ids: ErasureIds) -> None:
    forget_pauses(store, redis, ids)
    if erasure.kind == "workspace":
        forget_workspace(redis, erasure.name)
    elif ids.workspace_id is not None:
        forget_account(redis, ids.workspace_id, erasure.name)
    forget_posts(redis, ids)
