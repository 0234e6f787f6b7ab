"""The stored facts of a post after a list brings it again."""

from datetime import timedelta

from metrics.documents import PostDocument
from metrics.periods import HOUR
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.test_contract import living


def listed_without_time(bench: Bench) -> tuple[str, PostDocument]:
    """An account whose newest post is listed without its time, and has been stored for a hundred days."""
    account = bench.connect(8)
    posts = living(bench, "instagram")
    name = max(posts, key=lambda one: posts[one].published_at)
    bench.simulator.set_faults({"kind": "patch", "path": "media", "at": f"data.[id={name}].timestamp", "delete": True})
    old: PostDocument = {
        "_id": "", "workspaceId": "w", "accountId": account["_id"], "platform": "instagram", "platformPostId": name,
        "metricType": posts[name].metric_type, "contentType": posts[name].content_type,
        "publishedAt": NOW - timedelta(days=100), "timeUnknown": True,
    }  # fmt: skip
    bench.collect()
    (stored,) = [one for one in bench.store.posts.of_account("a8", since=NOW - HOUR) if one["platformPostId"] == name]
    old["_id"] = stored["_id"]
    bench.store.posts.put([old])
    return name, old


def test_post_that_was_not_loaded_keeps_its_time(bench: Bench) -> None:
    _, old = listed_without_time(bench)
    bench.collect(SLOT + HOUR, NOW + HOUR)
    assert bench.store.posts.get(old["_id"])["publishedAt"] == old["publishedAt"]


def test_post_that_was_not_loaded_lives_again_where_it_was_read(bench: Bench) -> None:
    _, old = listed_without_time(bench)
    bench.store.posts.mark_deleted([old["_id"]], NOW)
    bench.collect(SLOT + HOUR, NOW + HOUR)
    assert "deletedAt" not in bench.store.posts.get(old["_id"])
