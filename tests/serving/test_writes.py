"""Writes and keys: durable operations, scopes, 401 and 413."""

import httpx
import pytest

from metrics.store import Store


def test_collect_is_durable_and_given_once(client: httpx.Client, seeded: Store) -> None:
    first, second = (client.post("/analytics/workspace/w1/collect") for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (202, second.headers["location"])
    stored = seeded.operations.get(first.json()["data"]["operationId"])
    assert (stored["state"], stored["workspaceId"]) == ("queued", "w1")
    assert client.get(first.headers["location"]).json()["data"]["state"] == "queued"


@pytest.mark.parametrize(("day", "status"), [("2199-01-01", 422), ("2001-01-01", 422), ("nonsense", 400)])
def test_period_without_data_is_refused(client: httpx.Client, day: str, status: int) -> None:
    answer = client.post("/analytics/workspace/w1/aggregate/daily", params={"date": day})
    assert answer.status_code == status


def test_published_post_is_followed(client: httpx.Client, seeded: Store) -> None:
    body = {"platformPostId": "new", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "image"}
    answer = client.post("/analytics/account/a1/posts", json=body)
    assert answer.status_code == 202
    assert seeded.posts.get(answer.json()["data"]["postId"])["platformPostId"] == "new"


def test_invalidation_drops_one_kind(client: httpx.Client) -> None:
    client.get("/analytics/workspace/w1/metrics")
    client.get("/analytics/workspace/w1/aggregated?period=daily")
    answer = client.post("/analytics/workspace/w1/cache/invalidate", params={"pattern": "aggregated:*"})
    assert answer.json() == {"invalidated": 1}
    assert client.get("/analytics/workspace/w1/metrics").headers["x-cache"] == "hit"


@pytest.mark.parametrize("header", [{"Authorization": ""}, {"Authorization": "Bearer tm_live_nobody"}])
def test_without_a_valid_key_nothing_is_answered(client: httpx.Client, header: dict[str, str]) -> None:
    answer = client.get("/analytics/metrics", headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_key_without_the_scope_is_refused(client: httpx.Client, seeded: Store) -> None:
    key, _ = seeded.keys.create("reader", ["w1"], ["read"])
    answer = client.post("/analytics/workspace/w1/collect", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


def test_body_limits_and_media_types(client: httpx.Client) -> None:
    large = client.post("/analytics/account/a1/posts", content=b"x" * 100_000)
    text = client.post("/analytics/account/a1/posts", content=b"x", headers={"Content-Type": "text/plain"})
    assert (large.status_code, text.status_code) == (413, 415)


def test_method_that_is_not_there_says_which_is(client: httpx.Client) -> None:
    answer = client.put("/analytics/workspace/w1/metrics")
    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


def test_open_pages_answer_without_a_key(client: httpx.Client) -> None:
    paths = ["/healthz", "/readyz", "/docs", "/openapi.json", "/"]
    assert [client.get(p, headers={"Authorization": ""}).status_code for p in paths] == [200] * 5
