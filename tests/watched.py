"""Watched accounts with public numbers, for tests of any part that stores or deletes them."""

from datetime import UTC, datetime
from typing import Any

from metrics.documents import Observation, Platform
from metrics.ids import post_id
from metrics.periods import DAY
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.watching.lists import NewWatch, watch


def connect(store: Store, account_id: str, workspace_id: str, platform: Platform = "instagram") -> None:
    """Store a connected account."""
    store.accounts.put(
        [{"_id": account_id, "workspaceId": workspace_id, "platform": platform, "platformAccountId": account_id,
          "handle": account_id, "state": "active", "connectedAt": datetime(2026, 1, 1, tzinfo=UTC)}]
    )  # fmt: skip


def watch_with_numbers(
    store: Store, workspace_id: str, platform: Platform, name: str, at: datetime, own: str | None = None
) -> str:
    """Watch an account, and store of it what a reader and a roll-up store of one day; return its id."""
    watched = watch(store, workspace_id, NewWatch(platform, name, own=own), at, 100).document["_id"]
    store_public_day(store, workspace_id, watched, platform, at)
    return watched


def store_public_day(store: Store, workspace_id: str, watched: str, platform: Platform, at: datetime) -> None:
    """Store an observation of an account and of a post, the post, and documents of every other collection, of a day."""
    post, start = post_id(watched, f"{at:%j}"), at.replace(hour=0, minute=0)
    of_post: dict[str, Any] = {"post_id": post, "platform_post_id": f"{at:%j}", "content_type": "image"}
    store.public.observations.append(
        [
            Observation(
                workspace_id, watched, platform, "account", at, at, {"followers": 7}, "r", "v", source="public"
            ),
            Observation(
                workspace_id, watched, platform, "post", at, at, {"likes": 7}, "r", "v", source="public", **of_post
            ),
        ]
    )
    store.public.posts.put(
        [{"_id": post, "workspaceId": workspace_id, "accountId": watched, "platform": platform,
          "platformPostId": f"{at:%j}", "metricType": "post", "contentType": "image", "publishedAt": at, "seenAt": at}]
    )  # fmt: skip
    day = {"_id": f"{watched}|daily|{start}", "workspaceId": workspace_id, "accountId": watched, "period": "daily"}
    for name in PUBLIC.rollups:
        store.db[name].insert_one({**day, "periodStart": start, "periodEnd": start + DAY})
    store.db[PUBLIC.collections].insert_one({**day, "slot": at, "state": "collected"})
    store.public.marks.touch([(workspace_id, "daily", start)])
    store.public.exports.touch([workspace_id], start)


def left_of_watched(store: Store, watched: str) -> dict[str, int]:
    """Count the documents of a watched account by collection."""
    counts = {name: store.db[name].count_documents({"accountId": watched}) for name in PUBLIC.of_accounts}
    counts[PUBLIC.log] = store.db[PUBLIC.log].count_documents({"metadata.accountId": watched})
    counts[PUBLIC.accounts] = store.db[PUBLIC.accounts].count_documents({"_id": watched})
    return {name: count for name, count in counts.items() if count}
