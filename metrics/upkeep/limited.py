"""Accounts whose data the terms of their platform allow to keep for some days only, by how they are read.

The functions work on connected accounts, and with `Store.public` on watched ones.

`metrics.platforms.registry.KEPT_DAYS` has the rules. Retention applies them once a day, besides the retention of the
database and of workspaces. Rollups that contain an older day are deleted too.

MongoDB 6 can delete only whole series of a time series collection: there, a series is deleted as soon as it has one
observation that is too old, together with its newer ones.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.documents import AccountAccess, Document, Platform
from metrics.platforms.kept import first_kept
from metrics.platforms.registry import KEPT_DAYS
from metrics.store import Store
from metrics.store.insights import OF_POSTS
from metrics.store.insights.workspace_sums import OF_DAYS, OF_HOURS

_LAST_READ = timedelta(days=90)
"""Age at which a post is read for the last time. Until then its document is refreshed at least once a week."""


@dataclass(frozen=True, slots=True)
class Limited:
    """An account whose data may be kept for `days` days."""

    account_id: str
    workspace_id: str
    platform: Platform
    access: AccountAccess
    days: int


def limited_accounts(store: Store) -> list[Limited]:
    """Return the accounts with a limit, of all workspaces.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    return [
        Limited(account["_id"], account["workspaceId"], platform, access, days)
        for (platform, access), days in KEPT_DAYS.items()
        for account in store.accounts.with_access(platform, access)
    ]


def delete_expired(store: Store, now: datetime) -> Counter[str]:
    """Delete what may no longer be kept; return the number of deleted documents by collection.

    Raises:
        MongoUnavailable: MongoDB does not answer; apply again.
    """
    gone: Counter[str] = Counter()
    names = store.names
    by_time = store.server_version() >= (7,)
    for account in limited_accounts(store):
        first, of = first_kept(account.days, now), {"accountId": account.account_id}
        if by_time:
            old = {"metadata.accountId": account.account_id, "timestamp": {"$lt": first}}
            gone[names.log] += store.deletion.delete(names.log, old)
        else:
            gone[names.log] += _delete_series(store, account.account_id, first)
        for name in names.rollups:
            gone[name] += store.deletion.delete(name, {**of, "periodStart": {"$lt": first}})
        for name, start in ((OF_DAYS, "day"), (OF_HOURS, "window")):
            in_sum = {"accountIds": account.account_id, start: {"$lt": first}}
            gone[name] += store.deletion.delete(name, in_sum)
        for name in ("forecasts", "hourly_nets"):
            gone[name] += store.deletion.delete(name, {**of, "day": {"$lt": first}})
        gone["hourly_forecasts"] += store.deletion.delete("hourly_forecasts", {**of, "window": {"$lt": first}})
        gone["anomalies"] += store.deletion.delete("anomalies", {**of, "to": {"$lt": first}})
        for name, (field, _) in OF_POSTS.items():
            gone[name] += store.deletion.delete(name, {**of, field: {"$lt": first}})
        gone[names.posts] += store.deletion.delete(names.posts, {**of, **_unseen_since(first)})
    return gone


def forget_names(store: Store, now: datetime) -> int:
    """Remove ids and handles of watched accounts that a platform with a limit did not tell again; return of how many.

    What their readings noted about lists of posts goes, too.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again.
    """
    forgotten = [
        watched_id
        for (platform, access), days in KEPT_DAYS.items()
        if access == "public"
        for watched_id in store.watch_lists.forget_names(platform, first_kept(days, now))
    ]
    for watched_id in forgotten:
        store.memories.forget(watched_id)
    return len(forgotten)


def _unseen_since(first: datetime) -> Document:
    """Return a query for posts that the platform did not return at or after an instant.

    Of connected accounts, the time of publication tells it.
    """
    unseen = {"seenAt": {"$exists": False}, "publishedAt": {"$lt": first - _LAST_READ}}
    return {"$or": [{"seenAt": {"$lt": first}}, unseen]}


def _delete_series(store: Store, account_id: str, first: datetime) -> int:
    """Delete the series of an account and of its posts that have an observation before an instant."""
    return sum(
        store.deletion.delete(store.names.log, {"metadata.accountId": account_id, "metadata.postId": post_id})
        for post_id in _old_series(store, account_id, first)
    )


def _old_series(store: Store, account_id: str, first: datetime) -> Iterator[str | None]:
    old = {"metadata.accountId": account_id, "timestamp": {"$lt": first}}
    yield from dict.fromkeys(
        row["metadata"].get("postId") for row in store.deletion.find(store.names.log, old, "metadata.postId")
    )
