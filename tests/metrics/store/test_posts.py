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


def test_pages_of_published_posts_are_those_of_the_whole_list(store: Store) -> None:
    times = {"a": 0, "b": 5, "c": 5, "d": 5, "e": 1, "f": 59_999}
    store.posts.put([post(name, publishedAt=PUBLISHED + timedelta(milliseconds=ms)) for name, ms in times.items()])
    bounds = PUBLISHED, PUBLISHED + timedelta(minutes=1)
    whole = [found["_id"] for found in store.posts.published("w", *bounds)]
    assert whole == ["f", "b", "c", "d", "e", "a"]
    for size in (1, 2, 4):
        paged, after = list[str](), None
        while page := store.posts.published("w", *bounds, limit=size, after=after):
            assert len(page) <= size
            paged += [found["_id"] for found in page]
            after = page[-1]["publishedAt"], page[-1]["_id"]
        assert paged == whole


def test_deleted_posts_are_still_published_ones(store: Store) -> None:
    store.posts.put([post()])
    store.posts.mark_deleted(["p"], PUBLISHED)
    assert len(store.posts.published("w", PUBLISHED, PUBLISHED + timedelta(hours=1))) == 1


def test_unknown_post_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.posts.get("nobody")
