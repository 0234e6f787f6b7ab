"""Reads: envelope, parameters, cursors, tenancy, ETags, and the cache."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics.clock import isoformat, utcnow
from metrics.documents import CollectionDocument, Document, PostDocument, Problem
from metrics.periods import HOUR, midnight, slot_of
from metrics.redis.events import Announcer
from metrics.store import Store
from metrics.store.collections import record_id
from metrics.store.observations import ObservationLog
from pipelines.rollup import roll
from tests.serving.conftest import NOW, observation, post

METRICS = "/analytics/workspace/w1/metrics"


def test_observations_are_answered_oldest_first_with_coverage(client: httpx.Client) -> None:
    body = client.get(METRICS, params={"metricType": "account"}).json()
    assert [o["metrics"]["followers"] for o in body["data"]] == [100, 101, 102]
    # Three days, and the hours that may pass while the tests run.
    assert body["meta"]["coverage"]["expectedSlots"] == 72 + (slot_of(utcnow()) - NOW) // HOUR
    assert body["meta"]["coverage"]["observedSlots"] == 3


def test_engagement_of_a_post_is_known_only_with_all_its_parts(client: httpx.Client) -> None:
    body = client.get(METRICS, params={"metricType": "post"}).json()
    assert [o["metrics"].get("engagement") for o in body["data"]] == [6, None]


def test_pages_together_are_the_whole(client: httpx.Client) -> None:
    seen, cursor = [], None
    while True:
        body = client.get(METRICS, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [(o["timestamp"], o["metadata"].get("postId")) for o in body["data"]]
        cursor = body["page"]["nextCursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, key=lambda s: (s[0], s[1] or ""))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("startDate=2026-01-01", "endDate"),
        ("startDate=2026-02-30&endDate=2026-03-01", "startDate"),
        ("startDate=2026-03-02&endDate=2026-03-01", "endDate"),
        ("startDate=2024-01-01&endDate=2026-03-01", "endDate"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=%205", "limit"),
        ("limit=1_0", "limit"),
        ("limit=5.0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("platform=myspace", "platform"),
        ("nonsense=1", "nonsense"),
        ("cursor=nonsense", "cursor"),
    ],
)
def test_bad_parameter_is_named(client: httpx.Client, query: str, parameter: str) -> None:
    answer = client.get(f"{METRICS}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [e["parameter"] for e in answer.json()["errors"]] == [parameter]


def test_unknown_period_lists_the_valid_ones(client: httpx.Client) -> None:
    answer = client.get("/analytics/workspace/w1/aggregated", params={"period": "hourly"})
    assert answer.status_code == 400
    assert "rolling-28, rolling-90, custom" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["workspace/{}/metrics", "account/{}/metrics", "post/{}/metrics"])
def test_another_tenants_id_is_answered_like_an_unknown_one(client: httpx.Client, kind: str) -> None:
    theirs = {"workspace": "w2", "account": "a2", "post": "p9"}[kind.partition("/")[0]]
    answers = [client.get("/analytics/" + kind.format(i)) for i in (theirs, "nobody")]
    bodies = [{k: v for k, v in a.json().items() if k not in ("requestId", "instance")} for a in answers]
    assert [a.status_code for a in answers] == [404, 404]
    assert bodies[0] == bodies[1]


def test_unchanged_answer_is_answered_with_304(client: httpx.Client) -> None:
    first = client.get(METRICS)
    again = client.get(METRICS, headers={"If-None-Match": first.headers["etag"]})
    assert (first.headers["x-cache"], again.status_code, again.headers["x-cache"]) == ("miss", 304, "hit")


def test_write_invalidates_the_cached_answer(client: httpx.Client, seeded: Store, announcer: Announcer) -> None:
    old = client.get(METRICS)
    seeded.observations.append([observation(NOW, followers=500)])
    announcer.announce("w1")
    new = client.get(METRICS, headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.headers["x-cache"]) == (200, "miss")
    assert new.json()["data"][-1]["metrics"]["followers"] == 500


def test_posts_without_the_sorted_value_come_last(client: httpx.Client) -> None:
    body = client.get("/analytics/workspace/w1/posts", params={"sort": "engagement"}).json()
    assert [(p["postId"], p["metrics"].get("engagementRate")) for p in body["data"]] == [("p1", 10.0), ("p2", None)]


def test_posts_by_time_are_read_page_by_page(
    client: httpx.Client, seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, latest = list[int](), ObservationLog.latest

    def counted(log: ObservationLog, post_ids: Sequence[str]) -> dict[str, Document]:
        sizes.append(len(post_ids))
        return latest(log, post_ids)

    def times(name: str, ms: int) -> PostDocument:
        return {**post(name, "a1", "w1"), "publishedAt": NOW - timedelta(days=2, milliseconds=ms)}

    seeded.posts.put([times(f"t{ms}{name}", ms) for ms in (1, 2) for name in "abc"])
    found, query = list[str](), {"sort": "publishedAt", "limit": "2"}
    monkeypatch.setattr(ObservationLog, "latest", counted)
    while True:
        body = client.get("/analytics/workspace/w1/posts", params=query).json()
        found += [row["postId"] for row in body["data"]]
        if not body["page"]["hasMore"]:
            break
        query["cursor"] = body["page"]["nextCursor"]
    assert sizes == [3, 3, 3, 2], "one post more than the page shows whether another page follows"
    assert found == ["p1", "p2", "t1a", "t1b", "t1c", "t2a", "t2b", "t2c"]


def test_accounts_never_show_credentials(client: httpx.Client) -> None:
    answer = client.get("/analytics/workspace/w1/accounts")
    assert [a["accountId"] for a in answer.json()["data"]] == ["a1"]
    assert "credentials" not in answer.text


def test_account_shows_the_errors_of_its_newest_hour(client: httpx.Client, seeded: Store) -> None:
    problem: Problem = {"what": "stories", "reason": "provider_error", "message": "answered with 500"}
    record: CollectionDocument = {
        "_id": record_id("a1", NOW), "workspaceId": "w1", "accountId": "a1", "platform": "instagram", "slot": NOW,
        "state": "collected", "finishedAt": NOW, "runId": "r", "observations": 1, "calls": 1, "problems": [problem],
    }  # fmt: skip
    seeded.collections.put([record])
    check: Problem = {"what": "no_impossible_values", "reason": "check_failed", "message": "1 observation stays out"}
    seeded.collections.add_problems({("w1", "a1", NOW): check})
    (account,) = client.get("/analytics/workspace/w1/accounts").json()["data"]
    assert "lastError" not in account
    assert account["lastProblems"] == [{"slot": isoformat(NOW), **said} for said in (problem, check)]


def rollup(day: int, engagement: int) -> dict[str, Any]:
    start = midnight((NOW - timedelta(days=day)).date())
    metrics = {"totalEngagement": engagement, "followers": 100, "followerGrowth": 0}
    return {
        "_id": f"a1|daily|{day}", "workspaceId": "w1", "accountId": "a1", "platform": "instagram", "period": "daily",
        "periodStart": start, "periodEnd": start + timedelta(days=1), "aggregatedMetrics": metrics, "unavailable": {},
        "coverage": {"expectedSlots": 24, "observedSlots": 24}, "status": "complete", "definitionVersion": 1,
        "computedAt": NOW, "runId": "r",
    }  # fmt: skip


def test_totals_are_compared_with_the_period_before(client: httpx.Client, seeded: Store) -> None:
    seeded.rollups.accounts.insert_many([rollup(2, 10), rollup(1, 15)])
    day = str((NOW - timedelta(days=1)).date())
    query = {"period": "daily", "compare": "previous", "startDate": day, "endDate": day}
    body = client.get("/analytics/workspace/w1/aggregated", params=query).json()
    assert [d["aggregatedMetrics"]["totalEngagement"] for d in body["data"]] == [15]
    (total,) = body["totals"]
    assert total["comparison"]["changes"]["totalEngagement"]["delta"] == 5


def test_custom_period_is_answered(client: httpx.Client) -> None:
    answer = client.get("/analytics/workspace/w1/aggregated", params={"period": "custom"})
    assert (answer.status_code, answer.json()["data"]) == (200, [])


def test_export_streams_every_row(client: httpx.Client) -> None:
    day = {"startDate": str((NOW - timedelta(days=1)).date()), "endDate": str(NOW.date())}
    answer = client.get("/analytics/workspace/w1/export", params={"dataset": "metrics", "format": "csv", **day})
    assert len(answer.text.splitlines()) == 6
    lines = client.get("/analytics/workspace/w1/export", params={"dataset": "metrics", "format": "ndjson", **day})
    assert len(lines.text.splitlines()) == 5


def test_rollup_is_answered_without_internal_fields(client: httpx.Client, seeded: Store) -> None:
    day = midnight((NOW - timedelta(hours=2)).date())
    roll(seeded, "daily", [day], run_id="r", workspace_ids=["w1"])
    (document,) = client.get(
        "/analytics/workspace/w1/aggregated",
        params={"period": "daily", "startDate": f"{day:%Y-%m-%d}", "endDate": f"{day:%Y-%m-%d}"},
    ).json()["data"]
    assert set(document) == {
        "workspaceId", "accountId", "platform", "period", "periodStart", "periodEnd", "aggregatedMetrics",
        "unavailable", "coverage", "status", "definitionVersion", "computedAt", "runId", "periodLabel",
        "calendarVersion",
    }  # fmt: skip


def test_next_page_of_posts_starts_after_the_last_one(client: httpx.Client) -> None:
    path, seen = "/analytics/workspace/w1/posts", []
    cursor: str | None = ""
    while cursor is not None:
        body = client.get(path, params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += [p["postId"] for p in body["data"]]
        cursor = body["page"]["nextCursor"]
    assert seen == ["p1", "p2"]


@pytest.mark.parametrize("changed", ["sort=likes", "platform=instagram", "startDate=2026-01-01&endDate=2026-01-02"])
def test_cursor_belongs_to_its_query(client: httpx.Client, changed: str) -> None:
    cursor = client.get("/analytics/workspace/w1/posts?limit=1").json()["page"]["nextCursor"]
    assert client.get(f"/analytics/workspace/w1/posts?limit=1&cursor={cursor}&{changed}").status_code == 400
