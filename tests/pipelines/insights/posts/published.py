"""Posts of accounts with readings as collection writes them, and a known curve."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from metrics.documents import AccountDocument, Observation, PostDocument
from metrics.periods import HOUR, slot_of
from metrics.store import Store
from pipelines.collect.ladder import due_slots

Curve = Callable[[float], float]
"""The engagement of a post by its age in hours."""


def connect(store: Store, account_id: str, now: datetime, workspace_id: str = "w", **fields: Any) -> None:
    account: AccountDocument = {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": now - timedelta(days=300),
    }  # fmt: skip
    account.update(fields)  # type: ignore[typeddict-item]
    store.accounts.put([account])


def halving(final: float, half_life: float) -> Curve:
    """Return a curve that has half of its final engagement, that at 168 hours, at an age."""
    return lambda age: final * (age / half_life) / (1 + age / half_life) * (1 + half_life / 168)


def publish(
    store: Store, account_id: str, post_id: str, at: datetime, curve: Curve, until: datetime, workspace_id: str = "w"
) -> PostDocument:
    """Store and return a post, with readings at the end of the slots of the ladder, for eight days at most."""
    post: PostDocument = {
        "_id": post_id, "workspaceId": workspace_id, "accountId": account_id, "platform": "instagram",
        "platformPostId": f"theirs_{post_id}", "metricType": "post", "contentType": "image", "publishedAt": at,
    }  # fmt: skip
    store.posts.put([post])
    slots = due_slots(at, slot_of(at), min(at + timedelta(days=8), until))
    store.observations.append(readings(post, (slot for slot in slots if slot + HOUR <= until), curve))
    return post


def readings(post: PostDocument, slots: Iterable[datetime], curve: Curve) -> list[Observation]:
    """Return observations of a post at the end of slots; only likes grow."""
    return [
        Observation(
            post["workspaceId"], post["accountId"], post["platform"], post["metricType"], slot, slot + HOUR,
            {"likes": curve((slot + HOUR - post["publishedAt"]) / HOUR), "comments": 0, "shares": 0, "saves": 0},
            "r", "v1", post_id=post["_id"], platform_post_id=post["platformPostId"], content_type=post["contentType"],
        )
        for slot in slots
        if slot + HOUR > post["publishedAt"]
    ]  # fmt: skip
