"""The list of posts: its filters, both orders, and cursors in each of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from metrics.catalog import metrics_of, offered
from metrics.documents import Document, MetricType, Observation, PostDocument
from metrics.store import Store
from metrics.store.observations import ObservationLog
from tests.serving.conftest import NOW, account, post, post_observation

POSTS = "/analytics/workspace/w1/posts"


@pytest.fixture
def many(seeded: Store) -> Store:
    """Posts of two accounts of `w1`: `t0` to `t5`, two of each age, with 10 likes more each; `t5` has no likes."""
    seeded.accounts.put([account("a3", "w1")])
    posts: list[PostDocument] = [
        {**post(f"t{n}", "a1" if n % 2 else "a3", "w1"), "publishedAt": NOW - timedelta(days=2, milliseconds=n // 2)}
        for n in range(6)
    ]
    seeded.posts.put(posts)
    slot = NOW - timedelta(hours=1)
    observed: list[Observation] = [post_observation(slot, f"t{n}", likes=10 * n) for n in range(5)]
    seeded.observations.append(observed)
    return seeded


def walk(client: httpx.Client, limit: int = 2, **query: str) -> list[str]:
    """Return the ids of the posts of all pages."""
    found: list[str] = []
    asked: dict[str, Any] = {"limit": limit, **query}
    while True:
        body = client.get(POSTS, params=asked).json()
        found += [row["postId"] for row in body["data"]]
        if not body["page"]["hasMore"]:
            return found
        assert len(body["data"]) == limit
        asked["cursor"] = body["page"]["nextCursor"]


def test_ascending_order_keeps_posts_without_a_value_last(client: httpx.Client, many: Store) -> None:
    assert walk(client, sort="likes", order="asc") == ["t0", "p2", "p1", "t1", "t2", "t3", "t4", "t5"]
    assert walk(client, sort="likes", order="desc") == ["t4", "t3", "t2", "t1", "p1", "p2", "t0", "t5"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_order_by_time_is_complete_in_both_directions(client: httpx.Client, many: Store, limit: int) -> None:
    newest = ["p1", "p2", "t0", "t1", "t2", "t3", "t4", "t5"]
    oldest = ["t4", "t5", "t2", "t3", "t0", "t1", "p1", "p2"]
    assert walk(client, limit, sort="publishedAt") == newest
    assert walk(client, limit, sort="publishedAt", order="asc") == oldest


def test_posts_of_one_account(client: httpx.Client, many: Store) -> None:
    assert walk(client, sort="likes", accountId="a3") == ["t4", "t2", "t0"]
    body = client.get(POSTS, params={"accountId": "a3"}).json()
    whole = client.get(POSTS).json()
    assert 2 * body["meta"]["coverage"]["expectedSlots"] == whole["meta"]["coverage"]["expectedSlots"]


def test_posts_by_id(client: httpx.Client, many: Store) -> None:
    assert walk(client, sort="likes", postIds="t1,t4,t3,t1,p9,unknown") == ["t4", "t3", "t1"]
    assert walk(client, sort="publishedAt", order="asc", postIds="t1,t4,p1", accountId="a1") == ["t1", "p1"]


def test_only_the_selected_posts_are_read(client: httpx.Client, many: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read, latest = list[set[str]](), ObservationLog.latest

    def noted(log: ObservationLog, post_ids: Sequence[str]) -> dict[str, Document]:
        read.append(set(post_ids))
        return latest(log, post_ids)

    monkeypatch.setattr(ObservationLog, "latest", noted)
    client.get(POSTS, params={"postIds": "t1,t4"})
    client.get(POSTS, params={"accountId": "a3"})
    client.get(POSTS, params={"sort": "publishedAt", "order": "asc", "limit": "1"})
    assert read == [{"t1", "t4"}, {"t0", "t2", "t4"}, {"t4", "t5"}]


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ({"postIds": ","}, "postIds", "must be 1 to 100 ids, separated by commas"),
        ({"postIds": ""}, "postIds", "must be 1 to 100 ids, separated by commas"),
        ({"postIds": ",".join(["p"] * 101)}, "postIds", "must be 1 to 100 ids, separated by commas"),
        ({"postIds": "a b"}, "postIds", "must be 1 to 100 ids, separated by commas"),
        ({"order": "up"}, "order", "must be one of desc, asc"),
    ],
)
def test_bad_selection_is_named(client: httpx.Client, query: dict[str, str], parameter: str, message: str) -> None:
    answer = client.get(POSTS, params=query)
    assert (answer.status_code, answer.json()["errors"]) == (400, [{"parameter": parameter, "message": message}])


def test_cursor_of_one_order_is_refused_in_the_other(client: httpx.Client, many: Store) -> None:
    cursor = client.get(POSTS, params={"limit": 1}).json()["page"]["nextCursor"]
    assert client.get(POSTS, params={"limit": 1, "cursor": cursor, "order": "asc"}).status_code == 400


def test_rate_over_followers_is_over_those_of_the_slot(client: httpx.Client, seeded: Store) -> None:
    """The basis is the level of the post's own account, in the slot in which the post was read last."""
    now, before = NOW - timedelta(hours=1), NOW - timedelta(hours=9)
    for name in ("b1", "b2"):
        seeded.accounts.put([{**account(name, "w1"), "platform": "bluesky"}])
    seeded.posts.put([{**post(f"s{n}", "b2" if n == 3 else "b1", "w1"), "platform": "bluesky"} for n in range(4)])

    def observed(slot: datetime, owner: str, post_id: str | None, **metrics: int) -> Observation:
        more: dict[str, Any] = {"post_id": post_id, "platform_post_id": post_id, "content_type": "text"}
        kind: MetricType = "post" if post_id else "account"
        return Observation(
            "w1", owner, "bluesky", kind, slot, slot, metrics, "r", "v", **(more if post_id else {})
        )  # fmt: skip

    parts = {"likes": 3, "comments": 1, "shares": 0, "saves": 1}
    seeded.observations.append(
        [
            observed(before, "b1", None, followers=100),
            observed(now, "b1", None, followers=200),
            observed(now, "b2", None, following=7),
            observed(now, "b1", "s0", **parts),
            observed(before, "b1", "s1", **parts),
            observed(now, "b1", "s2", likes=3),
            observed(now, "b2", "s3", **parts),
        ]
    )
    rows = {row["postId"]: row for row in client.get(POSTS, params={"limit": 50}).json()["data"]}
    rates = {name: rows[name]["metrics"].get("engagementRate") for name in ("s0", "s1", "s2", "s3")}
    assert rates == {"s0": 2.5, "s1": 5.0, "s2": None, "s3": None}
    assert {rows[name]["engagementRateBasis"] for name in rates} == {"followers"}
    assert [rows[name]["unavailable"].get("engagementRate") for name in rates] == [None, None, *["no_observation"] * 2]
    assert walk(client, sort="engagementRate", order="desc", accountId="b1")[:2] == ["s1", "s0"]
    one = client.get("/analytics/post/s1/metrics").json()["data"]
    assert (one["metrics"]["engagementRate"], one["engagementRateBasis"]) == (5.0, "followers")


KINDS: Any = [
    ("instagram", "story"),
    ("instagram", "reel"),
    ("facebook", "reel"),
    ("twitter", "post"),
    ("bluesky", "post"),
]


@pytest.mark.parametrize(("platform", "metric_type"), KINDS)
@pytest.mark.parametrize("is_observed", [True, False], ids=["observed", "never observed"])
def test_every_metric_of_the_platform_has_a_value_or_a_reason(
    client: httpx.Client, seeded: Store, platform: Any, metric_type: Any, is_observed: bool
) -> None:
    seeded.posts.put([{**post("r1", "a1", "w1"), "platform": platform, "metricType": metric_type}])
    values = {name: 3 for name in offered(platform, metric_type) if name != "likes"}
    if is_observed:
        slot = NOW - timedelta(hours=1)
        said = replace(post_observation(slot, "r1", **values), platform=platform, metric_type=metric_type)
        seeded.observations.append([replace(said, unavailable={"likes": "permission_missing"})])
    (row,) = client.get(POSTS, params={"postIds": "r1"}).json()["data"]
    names = {metric.name for metric in metrics_of("post") if platform in metric.offers}
    wanted = names | {"engagement", "engagementRate"}
    assert set(row["metrics"]) | set(row["unavailable"]) == wanted | ({"likes"} if is_observed else set())
    assert set(row["metrics"]) & set(row["unavailable"]) == set()
    absent = {name: reason for name, reason in row["unavailable"].items() if name in names - {"likes"}}
    offers = offered(platform, metric_type, "image")
    assert absent == {
        n: "no_observation" if n in offers else "not_supported" for n in names - {"likes"} - set(row["metrics"])
    }


def test_engagement_has_the_reason_of_the_part_that_it_lacks(client: httpx.Client, seeded: Store) -> None:
    slot = NOW - timedelta(hours=1)
    said = post_observation(slot, "p2", likes=1, comments=1, saves=1, views=10)
    seeded.observations.append([replace(said, unavailable={"shares": "permission_missing"})])
    (row,) = client.get(POSTS, params={"postIds": "p2"}).json()["data"]
    reasons = {name: row["unavailable"][name] for name in ("shares", "engagement", "engagementRate")}
    assert reasons == dict.fromkeys(reasons, "permission_missing")


@pytest.mark.parametrize("given", [False, True])
def test_post_of_a_platform_that_is_not_stored_names_the_terms(
    client: httpx.Client, seeded: Store, given: bool
) -> None:
    seeded.accounts.put([{**account("a6", "w1"), "platform": "pinterest"}])
    seeded.posts.put([{**post("pin", "a6", "w1"), "platform": "pinterest", "announced": True}])
    seeded.consents.set("w1", "pinterest", given=given)
    reason = "no_observation" if given else "terms"
    (listed,) = client.get(POSTS, params={"platform": "pinterest"}).json()["data"]
    alone = client.get("/analytics/post/pin/metrics").json()["data"]
    for shown in (listed, alone):
        assert shown["metrics"] == {}
        assert {shown["unavailable"][name] for name in ("impressions", "engagement", "engagementRate")} == {reason}


@pytest.mark.parametrize(("ago", "reason"), [(40, "terms"), (20, "no_observation")])
def test_old_post_of_a_channel_without_a_token_names_the_terms(
    client: httpx.Client, seeded: Store, ago: int, reason: str
) -> None:
    owned = {"platform": "youtube", "access": "public", "connectedAt": NOW - timedelta(days=100)}
    seeded.accounts.put([{**account("a6", "w1"), **owned}])  # type: ignore[typeddict-item]
    when = NOW - timedelta(days=ago)
    seeded.posts.put([{**post("clip", "a6", "w1"), "platform": "youtube", "publishedAt": when, "contentType": "video"}])
    shown = client.get("/analytics/post/clip/metrics").json()["data"]
    assert {shown["unavailable"][name] for name in ("views", "engagement", "engagementRate")} == {reason}
