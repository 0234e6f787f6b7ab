"""Accounts, posts and observations of two workspaces, for tests that need no server: they do not import one."""

from datetime import datetime, timedelta

import pytest

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation, PostDocument
from metrics.periods import slot_of
from metrics.store import Store

NOW = slot_of(utcnow())


def account(account_id: str, workspace_id: str) -> AccountDocument:
    return {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": NOW - timedelta(days=3), "credentials": b"sealed",
    }  # fmt: skip


def post(post_id: str, account_id: str, workspace_id: str) -> PostDocument:
    return {
        "_id": post_id, "workspaceId": workspace_id, "accountId": account_id, "platform": "instagram",
        "platformPostId": f"theirs_{post_id}", "metricType": "post", "contentType": "image",
        "publishedAt": NOW - timedelta(days=1),
    }  # fmt: skip


def observation(slot: datetime, workspace_id: str = "w1", account_id: str = "a1", **metrics: int) -> Observation:
    values = metrics or {"followers": 100}
    return Observation(
        workspace_id, account_id, "instagram", "account", slot, slot + timedelta(hours=1), values, "r", "v1"
    )


def post_observation(slot: datetime, post_id: str = "p1", **metrics: int) -> Observation:
    return Observation(
        "w1", "a1", "instagram", "post", slot, slot + timedelta(hours=1), metrics, "r", "v1",
        post_id=post_id, platform_post_id=f"theirs_{post_id}", content_type="image",
    )  # fmt: skip


@pytest.fixture
def seeded(store: Store) -> Store:
    """Two workspaces, `w1` with three hours of an account and two posts, `w2` with one account."""
    store.accounts.put([account("a1", "w1"), account("a2", "w2")])
    store.posts.put([post("p1", "a1", "w1"), post("p2", "a1", "w1"), post("p9", "a2", "w2")])
    hours = [NOW - timedelta(hours=h) for h in (3, 2, 1)]
    store.observations.append([observation(slot, followers=100 + n) for n, slot in enumerate(hours)])
    store.observations.append(
        [
            post_observation(hours[-1], likes=3, comments=2, shares=1, saves=0, views=60),
            post_observation(hours[-1], "p2", likes=1),
        ]
    )
    return store
