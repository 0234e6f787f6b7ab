"""Refused values are explained in our own words, which say what is allowed."""

from typing import Any

import httpx
import pytest

W = "/analytics/workspace/w1"


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        (f"{W}/aggregated", {}, "period: is required"),
        (f"{W}/metrics", {"limit": "1001"}, "limit: must be at most 1000"),
        (f"{W}/metrics", {"limit": "0"}, "limit: must be at least 1"),
        (f"{W}/metrics", {"cursor": "x" * 1025}, "cursor: must have at most 1024 characters"),
        (f"{W}/aggregated", {"period": "daily", "compare": "next"}, "compare: must be one of previous, yoy, elapsed"),
        (f"{W}/posts", {"accountId": "a b"}, "accountId: must match ^[A-Za-z0-9_.:-]{1,128}$"),
        (f"{W}/posts", {"nonsense": "1"}, "nonsense: unknown parameter"),
        ("/analytics/stream", {}, "workspaceId: is required"),
    ],
)
def test_wrong_parameter(client: httpx.Client, path: str, query: dict[str, str], message: str) -> None:
    answer = client.get(path, params=query)
    assert (answer.status_code, answer.json()["detail"]) == (400, message)


POST = {"platformPostId": "17900000000000001", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "image"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "platformPostId: is required; publishedAt: is required; contentType: is required"),
        ([], "body: must be a JSON object"),
        (POST | {"publishedAt": "2026-13-15T10:00:00Z"}, "publishedAt: must be an instant that exists"),
        (POST | {"platformPostId": ""}, "platformPostId: must have at least 1 characters"),
        (POST | {"platformPostId": 5}, "platformPostId: must be a string"),
        (POST | {"metricType": "account"}, "metricType: must be one of post, story, reel"),
        (POST | {"more": 1}, "more: unknown parameter"),
    ],
)
def test_wrong_body(client: httpx.Client, body: Any, message: str) -> None:
    answer = client.post("/analytics/account/a1/posts", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, message)


def test_body_that_is_no_json_is_explained(client: httpx.Client) -> None:
    answer = client.post("/analytics/account/a1/posts", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"][:20]) == (400, "body: must be JSON: ")
