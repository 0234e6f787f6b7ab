"""Erase an account or a workspace: observations, rollups, records, credentials, cached answers, events, exports.

Accounts go first, so that no further hour begins to collect them; a collection that is under way may still write, hence
`left` counts what is there afterwards. Logs and Dagster's storage, which hold our ids alone, are `tidemark.erasure`'s.
Backups and MongoDB's oplog are not touched.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

from redis import Redis
from redis.exceptions import ResponseError

from metrics.clock import utcnow
from metrics.documents import PLATFORMS, Document, Platform
from metrics.errors import NotFound
from metrics.events import Announcer
from metrics.redisdb import account_pause_key, cache_prefix, events_key, redis_errors
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.schema import METRICS

_OF_ACCOUNT = (
    "accounts",
    "posts",
    "collections",
    "operations",
    "reading_memory",
    "subject_rollups",
    "aggregated_metrics",
)
_OF_WORKSPACE = (*_OF_ACCOUNT, "roll_marks", "export_marks")
_CHUNK = 1000

Kind = Literal["account", "workspace"]
Filters = Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class Named:
    """The names of an account or a workspace outside of MongoDB: our ids, and the platforms' ids of it and its posts.

    `platform_accounts` are pairs of platform and the platform's id of an account.
    """

    workspace_id: str | None
    account_ids: tuple[str, ...]
    post_ids: tuple[str, ...]
    platform_post_ids: tuple[str, ...]
    platform_accounts: tuple[tuple[Platform, str], ...] = ()

    @property
    def ours(self) -> frozenset[str]:
        """Our ids of accounts and posts."""
        return frozenset((*self.account_ids, *self.post_ids))


def named_by_account(store: Store, account_id: str) -> Named:
    """Return what an account is named by; ask before it is erased."""
    return _named(store, _workspace_of(store, _account_filters(account_id)), [account_id], {"accountId": account_id})


def named_by_workspace(store: Store, workspace_id: str) -> Named:
    """Return what a workspace is named by; ask before it is erased."""
    with mongo_errors():
        accounts = [row["_id"] for row in store.db["accounts"].find({"workspaceId": workspace_id}, {"_id": 1})]
    return _named(store, workspace_id, accounts, {"workspaceId": workspace_id})


def _named(store: Store, workspace_id: str | None, account_ids: list[str], posts: Document) -> Named:
    with mongo_errors():
        found = list(store.db["posts"].find(posts, {"platformPostId": 1}))
        rows = list(store.db["accounts"].find({"_id": {"$in": account_ids}}, {"platform": 1, "platformAccountId": 1}))
    ids, theirs = (tuple(row[name] for row in found) for name in ("_id", "platformPostId"))
    accounts = tuple((row["platform"], row["platformAccountId"]) for row in rows)
    return Named(workspace_id, tuple(account_ids), ids, theirs, accounts)


def erase_account(store: Store, redis: Redis, account_id: str) -> dict[str, int]:
    """Erase an account; return how many documents of each collection are gone.

    Raises:
        NotFound: there is nothing of such an account, and never was one erased.
        MongoUnavailable: MongoDB does not answer; erase again.
        RedisUnavailable: Redis does not answer, whether or not MongoDB is erased already; erase again.
    """
    filters = _account_filters(account_id)
    workspace_id = _workspace_of(store, filters)
    if workspace_id is None and not left(store, filters) and not _on_record(store, "account", account_id):
        raise NotFound(f"there is no account {account_id}: see `tidemark accounts list`")
    named = named_by_account(store, account_id)
    # First, for only the account's own document tells under which id it is paused.
    _forget_pauses(store, redis, named)
    gone = _delete(store, filters)
    if workspace_id is not None:
        _forget_account(redis, workspace_id, account_id)
    _forget_posts(redis, named)
    return gone


def erase_workspace(store: Store, redis: Redis, workspace_id: str) -> dict[str, int]:
    """Erase a workspace, its keys included; return how many documents of each collection are gone.

    A key for other workspaces too only loses this one.

    Raises:
        NotFound: there is nothing of such a workspace, and never was one erased.
        MongoUnavailable: MongoDB does not answer; erase again.
        RedisUnavailable: Redis does not answer, whether or not MongoDB is erased already; erase again.
    """
    filters = _workspace_filters(workspace_id)
    with mongo_errors():
        keys = store.db["api_keys"].count_documents({"workspaces": workspace_id})
    if not keys and not left(store, filters) and not _on_record(store, "workspace", workspace_id):
        raise NotFound(f"there is no workspace {workspace_id}")
    named = named_by_workspace(store, workspace_id)
    _forget_pauses(store, redis, named)
    gone = _delete(store, filters)
    with mongo_errors():
        gone["api_keys"] = store.db["api_keys"].delete_many({"workspaces": [workspace_id]}).deleted_count
        store.db["api_keys"].update_many({"workspaces": workspace_id}, {"$pull": {"workspaces": workspace_id}})
    with redis_errors():
        for names in _chunks(redis, f"tm:{{{workspace_id}}}:"):
            redis.unlink(*names)
    _forget_posts(redis, named)
    return gone


def left_of_account(store: Store, account_id: str) -> dict[str, int]:
    """Return what is left of an account, by collection; nothing where there is nothing."""
    return left(store, _account_filters(account_id))


def left_of_workspace(store: Store, workspace_id: str) -> dict[str, int]:
    """Return what is left of a workspace, by collection; nothing where there is nothing."""
    return left(store, _workspace_filters(workspace_id))


def left(store: Store, filters: Filters) -> dict[str, int]:
    """Count what matches, by collection."""
    with mongo_errors():
        found = {name: store.db[name].count_documents(query) for name, query in filters.items()}
    return {name: count for name, count in found.items() if count}


def _account_filters(account_id: str) -> Filters:
    of: dict[str, Document] = {name: {"accountId": account_id} for name in _OF_ACCOUNT}
    return {
        **of,
        "accounts": {"_id": account_id},
        "shard_reports": {"accountIds": account_id},
        METRICS: {"metadata.accountId": account_id},
    }


def _workspace_filters(workspace_id: str) -> Filters:
    of: dict[str, Document] = {name: {"workspaceId": workspace_id} for name in _OF_WORKSPACE}
    return {
        **of,
        "shard_reports": {"workspaceIds": workspace_id},
        "workspace_settings": {"_id": workspace_id},
        METRICS: {"metadata.workspaceId": workspace_id},
    }


def _workspace_of(store: Store, filters: Filters) -> str | None:
    """Return the workspace of an account that may be erased in part."""
    with mongo_errors():
        for name in _OF_ACCOUNT:
            if found := store.db[name].find_one(filters[name], {"workspaceId": 1}):
                return str(found["workspaceId"])
        row = store.db[METRICS].find_one(filters[METRICS], {"metadata": 1})
    return str(row["metadata"]["workspaceId"]) if row else None


def _delete(store: Store, filters: Filters) -> dict[str, int]:
    with mongo_errors():
        return {name: store.db[name].delete_many(query).deleted_count for name, query in filters.items()}


def _forget_account(redis: Redis, workspace_id: str, account_id: str) -> None:
    """Drop the account's events, and every answer that may hold its numbers."""
    stream = events_key(workspace_id)
    with redis_errors():
        for ids in _events_of(redis, stream, account_id):
            redis.xdel(stream, *ids)
        for names in _chunks(redis, cache_prefix(workspace_id)):
            redis.unlink(*names)
        for names in _chunks(redis, f"tm:{{{workspace_id}}}:", f":{account_id}"):
            redis.unlink(*names)
    Announcer(redis).announce(workspace_id)


def _forget_pauses(store: Store, redis: Redis, named: Named) -> None:
    """Drop the pauses of accounts, except of those that another workspace still has."""
    for platform, theirs in named.platform_accounts:
        with mongo_errors():
            ours = {"_id": {"$nin": list(named.account_ids)}}
            query = {"platform": platform, "platformAccountId": theirs, **ours}
            others = store.db["accounts"].find_one(query, {"_id": 1})
        if others is None:
            with redis_errors():
                redis.unlink(account_pause_key(platform, theirs))


def _forget_posts(redis: Redis, named: Named) -> None:
    """Take posts out of the budgets that count them by the platform's id, and history out of the append-only file."""
    with redis_errors():
        for platform in PLATFORMS:
            for names in _chunks(redis, f"tm:{{{platform}}}:posts-read:"):
                for begin in range(0, len(named.platform_post_ids), _CHUNK):
                    for name in names:
                        redis.srem(name, *named.platform_post_ids[begin : begin + _CHUNK])
        # Managed servers may forbid it, others have no such file; commands that were appended hold what was erased.
        with suppress(ResponseError):
            redis.bgrewriteaof()


def _events_of(redis: Redis, stream: str, account_id: str) -> Iterator[list[bytes]]:
    start, wanted = "-", account_id.encode()
    while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(stream, start, count=_CHUNK)):
        ids = [entry_id for entry_id, fields in entries if fields.get(b"account") == wanted]
        if ids:
            yield ids
        start = "(" + entries[-1][0].decode()


def _chunks(redis: Redis, prefix: str, suffix: str = "") -> Iterator[list[bytes]]:
    """Yield the names of keys, some at a time; names are compared here, for an id may hold a pattern's characters."""
    head, tail = prefix.encode(), suffix.encode()
    found: list[bytes] = []
    scan: Iterator[Any] = redis.scan_iter(match="tm:*", count=_CHUNK)
    for name in scan:
        if name.startswith(head) and name.endswith(tail):
            found.append(name)
        if len(found) >= _CHUNK:
            yield found
            found = []
    if found:
        yield found


def record(store: Store, kind: Kind, name: str, by: str, counts: Mapping[str, int]) -> None:
    """Keep that something was erased: when, by whom, how much; of what only a digest, which answers «was it erased?»"""
    document = {"_id": uuid4().hex, "kind": kind, "subject": _digest(kind, name), "at": utcnow(), "by": by}
    with mongo_errors():
        store.db["erasures"].insert_one({**document, "counts": dict(counts)})


def _on_record(store: Store, kind: Kind, name: str) -> bool:
    with mongo_errors():
        return store.db["erasures"].find_one({"kind": kind, "subject": _digest(kind, name)}, {"_id": 1}) is not None


def _digest(kind: Kind, name: str) -> str:
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()
