"""Posts can be updated; the time of a deletion is recorded once, and an update does not remove it."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from metrics.documents import PostDocument
from metrics.errors import NotFound
from metrics.store import Store

PUBLISHED = datetime(2026, 3, 1, 9, 17, tzinfo=UTC)


def post(post_id: str = "p", **more: object) -> PostDocument:
    fields = {
        "_id": post_id, "workspaceId": "w", "accountId": "a", "platform": "instagram", "platformPostId": f"t-{post_id}",
        "metricType": "post", "contentType": "image", "publishedAt": PUBLISHED, **more,
    }  # fmt: skip
    return cast("PostDocument", fields)


def test_deletion_is_recorded_at_the_first_sight(store: Store) -> None:
    store.posts.put([post()])
    assert store.posts.mark_deleted(["p"], PUBLISHED + timedelta(days=1)) == 1
    assert store.posts.mark_deleted(["p"], PUBLISHED + timedelta(days=2)) == 0
    store.posts.put([post()])
    assert store.posts.get("p")["deletedAt"] == PUBLISHED + timedelta(days=1)


def test_followed_posts_are_the_living_ones(store: Store) -> None:
    store.posts.put([post("p"), post("gone"), post("old", publishedAt=PUBLISHED - timedelta(days=100))])
    store.posts.mark_deleted(["gone"], PUBLISHED)
    assert [p["_id"] for p in store.posts.of_account("a", since=PUBLISHED - timedelta(days=90))] == ["p"]


def test_deleted_posts_are_still_published_ones(store: Store) -> None:
    store.posts.put([post()])
    store.posts.mark_deleted(["p"], PUBLISHED)
    assert len(store.posts.published("w", PUBLISHED, PUBLISHED + timedelta(hours=1))) == 1


def test_unknown_post_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.posts.get("nobody")
