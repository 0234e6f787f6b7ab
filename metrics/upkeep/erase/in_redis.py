"""Erase an account or a workspace from Redis: events, cached answers, pauses, and posts in budgets of days."""

from collections.abc import Iterator
from contextlib import suppress
from typing import cast

from redis import Redis
from redis.exceptions import ResponseError

from metrics.batches import batched
from metrics.documents import PLATFORMS
from metrics.redis.errors import redis_errors
from metrics.redis.events import Announcer
from metrics.redis.keys import (
    account_pause_key,
    events_key,
    keys_of_account,
    keys_of_posts_read,
    keys_of_workspace,
)
from metrics.store import Store
from metrics.store.erasures import ErasureIds

_BATCH = 1000


def forget_workspace(redis: Redis, workspace_id: str) -> None:
    """Delete all keys of a workspace."""
    with redis_errors():
        for names in keys_of_workspace(redis, workspace_id):
            redis.unlink(*names)


def forget_account(redis: Redis, workspace_id: str, account_id: str) -> None:
    """Delete the events of an account, and all cached answers that may hold its numbers."""
    stream = events_key(workspace_id)
    with redis_errors():
        for ids in _events_of(redis, stream, account_id):
            redis.xdel(stream, *ids)
        for names in keys_of_account(redis, workspace_id, account_id):
            redis.unlink(*names)
    Announcer(redis).announce(workspace_id)


def forget_pauses(store: Store, redis: Redis, ids: ErasureIds) -> None:
    """Delete the pauses of accounts, except of accounts that another workspace still has."""
    for platform, platform_account_id in ids.platform_accounts:
        if not store.accounts.is_connected_elsewhere(platform, platform_account_id, ids.account_ids):
            with redis_errors():
                redis.unlink(account_pause_key(platform, platform_account_id))


def forget_posts(redis: Redis, ids: ErasureIds) -> None:
    """Remove posts from the sets of billed posts, and rewrite the append-only file, which holds earlier commands."""
    with redis_errors():
        for platform in PLATFORMS:
            for names in keys_of_posts_read(redis, platform):
                for post_ids in batched(ids.platform_post_ids, _BATCH):
                    for name in names:
                        redis.srem(name, *post_ids)
        # Managed servers may forbid the command, and others have no append-only file.
        with suppress(ResponseError):
            redis.bgrewriteaof()


def _events_of(redis: Redis, stream: str, account_id: str) -> Iterator[list[bytes]]:
    start, wanted = "-", account_id.encode()
    while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(stream, start, count=_BATCH)):
        ids = [entry_id for entry_id, fields in entries if fields.get(b"account") == wanted]
        if ids:
            yield ids
        start = "(" + entries[-1][0].decode()
