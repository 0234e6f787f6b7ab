"""What Redis holds of an account or a workspace: events, cached answers, pauses, posts in a day's budget."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from redis import Redis
from redis.exceptions import ResponseError

from metrics.documents import PLATFORMS
from metrics.redis.client import account_pause_key, cache_prefix, events_key, redis_errors
from metrics.redis.events import Announcer
from metrics.store import Store
from metrics.store.erasures import Named
from metrics.store.errors import mongo_errors

_CHUNK = 1000


def forget_workspace(redis: Redis, workspace_id: str) -> None:
    """Drop every key of a workspace."""
    with redis_errors():
        for names in _chunks(redis, f"tm:{{{workspace_id}}}:"):
            redis.unlink(*names)


def forget_account(redis: Redis, workspace_id: str, account_id: str) -> None:
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


def forget_pauses(store: Store, redis: Redis, named: Named) -> None:
    """Drop the pauses of accounts, except of those that another workspace still has."""
    for platform, theirs in named.platform_accounts:
        with mongo_errors():
            ours = {"_id": {"$nin": list(named.account_ids)}}
            query = {"platform": platform, "platformAccountId": theirs, **ours}
            others = store.db["accounts"].find_one(query, {"_id": 1})
        if others is None:
            with redis_errors():
                redis.unlink(account_pause_key(platform, theirs))


def forget_posts(redis: Redis, named: Named) -> None:
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
