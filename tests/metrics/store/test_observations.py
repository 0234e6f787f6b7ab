"""The log is append-only; the newest value of each (subject, slot, metric) is effective."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from metrics.documents import Observation
from metrics.store import Store
from metrics.store.observations import position

START = datetime(2026, 3, 1, tzinfo=UTC)


def observation(hour: int = 0, post: str | None = None, *, late: int = 0, **metrics: int) -> Observation:
    slot = START + timedelta(hours=hour)
    return Observation(
        workspace_id="w",
        account_id="a",
        platform="instagram",
        metric_type="post" if post else "account",
        slot=slot,
        collected_at=slot + timedelta(hours=1, minutes=late),
        metrics=metrics,
        run_id="r",
        api_version="v25.0",
        post_id=post,
        platform_post_id=post and f"theirs-{post}",
        content_type="image" if post else None,
    )


def page(store: Store, **options: object) -> list[dict[str, object]]:
    return store.observations.page({"workspaceId": "w"}, START, START + timedelta(days=2), limit=100, **options)  # type: ignore[arg-type]


def test_newest_observation_of_a_slot_is_effective(store: Store) -> None:
    store.observations.append([observation(late=9, followers=11), observation(followers=10)])
    assert [row["metrics"] for row in page(store)] == [{"followers": 11}]


def test_metric_missing_from_newer_collection_keeps_its_value(store: Store) -> None:
    store.observations.append([observation(followers=10, following=3), observation(late=9, followers=11)])
    assert [row["metrics"] for row in page(store)] == [{"followers": 11, "following": 3}]


def test_pages_are_in_order_and_neither_lose_nor_repeat(store: Store) -> None:
    store.observations.append(observation(h, p, likes=h) for p in (None, "p1", "p2") for h in (0, 1, 30))
    rows, after = [], None
    while found := store.observations.page(
        {"workspaceId": "w"}, START, START + timedelta(days=2), limit=2, after=after
    ):
        rows += found
        after = position(found[-1])
    seen = [(r["timestamp"], r["metadata"].get("postId", "")) for r in rows]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == 9


def test_stream_merges_as_pages_do(store: Store) -> None:
    refused = replace(
        observation(1, "p1", late=5, likes=2), unavailable={"views": "provider_error", "saves": "no_observation"}
    )
    store.observations.append(
        [observation(1, "p1", late=9, saves=4), refused, observation(1, "p1", likes=1, views=3), observation(30)]
    )
    streamed = list(store.observations.stream({"workspaceId": "w"}, START, START + timedelta(days=2)))
    assert streamed == page(store)
    assert streamed[0]["metrics"] == {"likes": 2, "views": 3, "saves": 4}


def test_range_is_half_open(store: Store) -> None:
    store.observations.append([observation(0, followers=1), observation(48, followers=2)])
    assert [row["metrics"]["followers"] for row in page(store)] == [1]  # type: ignore[index]


def test_latest_keeps_metrics_that_the_newest_slot_lacks(store: Store) -> None:
    store.observations.append([observation(0, "p1", likes=5, saves=2), observation(1, "p1", likes=7)])
    assert store.observations.latest(["p1"])["p1"]["metrics"] == {"likes": 7, "saves": 2}


def test_buckets_span_a_day(store: Store) -> None:
    info = next(store.db.list_collections(filter={"name": "metrics"}))
    assert info["options"]["timeseries"]["bucketMaxSpanSeconds"] == 86_400
