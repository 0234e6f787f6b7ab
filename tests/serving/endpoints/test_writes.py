"""Writes: durable operations, idempotency, published posts, and refused requests."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from httpx_sse import connect_sse

from metrics.clock import utcnow
from metrics.documents import AccountState, Platform
from metrics.errors import NotFound
from metrics.ids import post_id
from metrics.periods import DAY
from metrics.settings import Settings
from metrics.store import Store, operations
from metrics.store.workspace_settings import Days
from tests.redis_server import RedisServer
from tests.serving.conftest import account, reading, serving


def test_collect_is_stored_and_a_repeated_request_gets_the_same_operation(client: httpx.Client, seeded: Store) -> None:
    first, second = (client.post("/analytics/workspace/w1/collect") for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (202, second.headers["location"])
    stored = seeded.operations.get(first.json()["data"]["operationId"])
    assert (stored["state"], stored["workspaceId"]) == ("queued", "w1")
    assert client.get(first.headers["location"]).json()["data"]["state"] == "queued"


def test_operation_beyond_the_queue_of_its_workspace_is_refused_and_leaves_no_post(
    seeded: Store, settings: Settings
) -> None:
    body = {"platformPostId": "17900000000000001", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "image"}
    with (
        serving(settings.model_copy(update={"queued_operations": 2})) as address,
        reading(address, seeded) as client,
    ):
        first = client.post("/analytics/workspace/w1/collect", headers={"Idempotency-Key": "k"})
        client.post("/analytics/account/a1/collect")
        refused = client.post("/analytics/account/a1/posts", json=body)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "2 queued operations" in refused.json()["detail"]
        with pytest.raises(NotFound):
            seeded.posts.get(post_id("a1", "17900000000000001"))
        # Requests for work that is queued already are no new operations.
        for headers in ({}, {"Idempotency-Key": "k"}):
            again = client.post("/analytics/workspace/w1/collect", headers=headers)
            assert again.headers["location"] == first.headers["location"]
        seeded.operation_queue.hand_out(1)
        assert client.post("/analytics/account/a1/posts", json=body).status_code == 202


@pytest.mark.parametrize("path", ["/analytics/workspace/w1/collect", "/analytics/account/a1/collect"])
def test_collection_of_every_post_is_an_operation_of_its_own(client: httpx.Client, seeded: Store, path: str) -> None:
    every, again = (client.post(path, params={"posts": "all"}) for _ in range(2))
    due, named = client.post(path), client.post(path, params={"posts": "due"})
    assert every.json()["data"]["operationId"] == again.json()["data"]["operationId"]
    assert due.json()["data"]["operationId"] == named.json()["data"]["operationId"]
    assert due.headers["location"] != every.headers["location"]
    assert [client.get(one.headers["location"]).json()["data"].get("posts") for one in (every, due)] == ["all", None]
    headers = {"Idempotency-Key": f"k-{path}"}
    assert client.post(path, params={"posts": "all"}, headers=headers).status_code == 202
    assert client.post(path, headers=headers).status_code == 422
    wrong = client.post(path, params={"posts": "some"})
    assert (wrong.status_code, wrong.json()["detail"]) == (400, "posts: must be one of due, all")


def test_unknown_period_of_a_path_lists_the_valid_ones(client: httpx.Client) -> None:
    answer = client.post("/analytics/workspace/w1/aggregate/yearly", params={"date": "2026-01-15"})
    assert (answer.status_code, "daily, weekly, monthly" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(("day", "status"), [("2199-01-01", 422), ("2001-01-01", 422), ("nonsense", 400)])
def test_period_without_data_is_refused(client: httpx.Client, day: str, status: int) -> None:
    answer = client.post("/analytics/workspace/w1/aggregate/daily", params={"date": day})
    assert answer.status_code == status


def test_period_whose_data_are_no_longer_kept_is_refused(client: httpx.Client, seeded: Store) -> None:
    seeded.retention.set("w1", Days(observations=30))
    day = f"{utcnow() - 40 * DAY:%Y-%m-%d}"
    answer = client.post("/analytics/workspace/w1/aggregate/daily", params={"date": day})
    assert (answer.status_code, "no longer kept" in answer.json()["detail"]) == (422, True)


def test_published_post_is_followed(client: httpx.Client, seeded: Store) -> None:
    body = {"platformPostId": "17900000000000001", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "image"}
    answer = client.post("/analytics/account/a1/posts", json=body)
    assert answer.status_code == 202
    assert seeded.posts.get(answer.json()["data"]["postId"])["platformPostId"] == "17900000000000001"


def test_invalidation_drops_one_kind(client: httpx.Client) -> None:
    client.get("/analytics/workspace/w1/metrics")
    client.get("/analytics/workspace/w1/aggregated?period=daily")
    answer = client.post("/analytics/workspace/w1/cache/invalidate", params={"pattern": "aggregated:*"})
    assert answer.json() == {"invalidated": 1}
    assert client.get("/analytics/workspace/w1/metrics").headers["x-cache"] == "hit"


@pytest.mark.parametrize("header", [{"Authorization": ""}, {"Authorization": "Bearer tm_live_nobody"}])
def test_invalid_key_is_refused(client: httpx.Client, header: dict[str, str]) -> None:
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


def test_unsupported_method_is_answered_with_the_supported_ones(client: httpx.Client) -> None:
    answer = client.put("/analytics/workspace/w1/metrics")
    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


def test_open_pages_answer_without_a_key(client: httpx.Client) -> None:
    paths = ["/healthz", "/readyz", "/docs", "/openapi.json", "/"]
    assert [client.get(p, headers={"Authorization": ""}).status_code for p in paths] == [200] * 5


POST = {"platformPostId": "17900000000000001", "publishedAt": "2026-01-15T10:00:00Z", "contentType": "video"}


def test_published_reel_is_stored_as_a_reel(client: httpx.Client, seeded: Store) -> None:
    answer = client.post("/analytics/account/a1/posts", json=POST | {"metricType": "reel"})
    assert seeded.posts.get(answer.json()["data"]["postId"])["metricType"] == "reel"
    refused = client.post("/analytics/account/a1/posts", json=POST | {"metricType": "account"})
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (400, "metricType")


def test_published_post_is_announced_at_once(client: httpx.Client) -> None:
    january = {"startDate": "2026-01-01", "endDate": "2026-01-31"}
    before = client.get("/analytics/workspace/w1/posts", params=january)
    answer = client.post("/analytics/account/a1/posts", json=POST)
    after = client.get("/analytics/workspace/w1/posts", params=january)
    assert (before.json()["data"], [p["platformPostId"] for p in after.json()["data"]]) == ([], ["17900000000000001"])
    stream = {"workspaceId": "w1", "lastEventId": before.headers["stream-cursor"]}
    with connect_sse(client, "GET", "/analytics/stream", params=stream) as source:
        event = next(e for e in source.iter_sse() if e.event == "collection:status")
    assert event.json()["operationId"] == answer.json()["data"]["operationId"]


def test_announcement_does_not_overwrite_the_data_of_the_platform(client: httpx.Client, seeded: Store) -> None:
    first = client.post("/analytics/account/a1/posts", json=POST).json()["data"]["postId"]
    client.post("/analytics/account/a1/posts", json=POST | {"contentType": "carousel"})
    assert seeded.posts.get(first)["contentType"] == "video"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"publishedAt": "2199-01-01T00:00:00Z"}, 422),
        ({"publishedAt": "0001-01-01T00:00:00+05:00"}, 422),
        ({"publishedAt": "2026-01-15T10:00:00"}, 400),
        ({"publishedAt": 1768471200}, 400),
        ({"publishedAt": "1768471200"}, 400),
        ({"platformPostId": "a/b"}, 400),
        ({"platformPostId": "abc"}, 400),
        ({"platformPostId": "12\u202e34"}, 400),
        ({"contentType": "text"}, 422),
        ({"metricType": "reel", "contentType": "image"}, 422),
        ({"extra": 1}, 400),
        ({"contentType": None}, 400),
    ],
)
def test_impossible_post_is_refused(client: httpx.Client, change: dict[str, object], status: int) -> None:
    assert client.post("/analytics/account/a1/posts", json=POST | change).status_code == status


def test_idempotency_key_gives_the_same_operation_after_it_has_run(client: httpx.Client, seeded: Store) -> None:
    plain = client.post("/analytics/workspace/w1/collect").json()["data"]["operationId"]
    keyed = {"Idempotency-Key": "once"}
    first = client.post("/analytics/workspace/w1/collect", headers=keyed).json()["data"]["operationId"]
    seeded.operations.finish(plain, "succeeded")
    again = client.post("/analytics/workspace/w1/collect", headers=keyed).json()["data"]["operationId"]
    assert plain == first == again
    other = client.post("/analytics/workspace/w1/collect", headers={"Idempotency-Key": "twice"})
    assert other.json()["data"]["operationId"] != plain


def test_further_idempotency_key_of_a_queued_operation_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_IDEMPOTENCY_KEYS", 3)
    path = "/analytics/workspace/w1/collect"
    answers = [client.post(path, headers={"Idempotency-Key": f"k{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[3].headers["retry-after"] == "60"
    assert "3 idempotency keys" in answers[3].json()["detail"]
    assert client.post(path, headers={"Idempotency-Key": "k1"}).json() == answers[0].json()


def test_idempotency_key_is_for_one_request(client: httpx.Client) -> None:
    keyed = {"Idempotency-Key": "once"}
    client.post("/analytics/workspace/w1/collect", headers=keyed)
    assert client.post("/analytics/account/a1/collect", headers=keyed).status_code == 422
    assert client.post("/analytics/account/a1/collect", headers={"Idempotency-Key": ""}).status_code == 400


def test_frozen_redis_does_not_block_writes(seeded: Store, settings: Settings, own_redis: RedisServer) -> None:
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, reading(address, seeded) as client, own_redis.frozen():
        asked = [("/analytics/account/a1/posts", POST), ("/analytics/stream/tickets", None)]
        with ThreadPoolExecutor() as pool:
            published, ticket = pool.map(lambda one: client.post(one[0], json=one[1]), asked)
    assert (published.status_code, ticket.status_code) == (202, 503)
    assert max(a.elapsed.total_seconds() for a in (published, ticket)) < 25


def test_post_under_another_requests_idempotency_key_is_not_recorded(client: httpx.Client, seeded: Store) -> None:
    keyed = {"Idempotency-Key": "once"}
    published = client.post("/analytics/account/a1/posts", json=POST, headers=keyed)
    refused = client.post(
        "/analytics/account/a1/posts", json=POST | {"platformPostId": "17900000000000002"}, headers=keyed
    )
    again = client.post("/analytics/account/a1/posts", json=POST, headers=keyed)
    assert (published.status_code, refused.status_code) == (202, 422)
    assert again.headers["location"] == published.headers["location"]
    with pytest.raises(NotFound):
        seeded.posts.get(post_id("a1", "17900000000000002"))


SENT = json.dumps(POST).encode()


@pytest.mark.parametrize(
    ("content", "headers", "status", "word"),
    [
        (b"\xef\xbb\xbf" + SENT, {}, 202, ""),
        (SENT[:-1] + b', "contentType": "image"}', {}, 400, "contentType: must be given only once"),
        (gzip.compress(SENT), {"Content-Encoding": "gzip"}, 415, "without a `Content-Encoding`"),
        (SENT.decode().encode("utf-16"), {}, 400, "must be JSON"),
    ],
    ids=["byte order mark", "name given twice", "compressed", "UTF-16"],
)
def test_ambiguous_body_is_refused(
    content: bytes, headers: dict[str, str], status: int, word: str, client: httpx.Client
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answer = client.post("/analytics/account/a1/posts", content=content, headers=sent)
    assert (answer.status_code, word in answer.json().get("detail", "")) == (status, True)


@pytest.mark.parametrize(
    ("platform", "sent", "stored"),
    [
        ("twitter", "01812345678901234567", "1812345678901234567"),
        ("linkedin", "urn%3Ali%3Ashare%3A7123", "urn:li:share:7123"),
        ("facebook", " 100_55\u200e", "100_55"),
    ],
)
def test_all_spellings_of_an_announced_post_are_the_same_post(
    platform: Platform, sent: str, stored: str, client: httpx.Client, seeded: Store
) -> None:
    seeded.accounts.put([{**account("a3", "w1"), "platform": platform}])
    answers = [
        client.post("/analytics/account/a3/posts", json=POST | {"platformPostId": one}) for one in (sent, stored)
    ]
    ids = {answer.json()["data"]["postId"] for answer in answers}
    assert ids == {post_id("a3", stored)}
    assert seeded.posts.get(ids.pop())["platformPostId"] == stored


@pytest.mark.parametrize(
    ("platform", "change", "status", "parameter", "word"),
    [
        ("twitter", {"platformPostId": "abc"}, 400, "platformPostId", "as 1812345678901234567"),
        ("twitter", {"platformPostId": "9000000000000000000"}, 400, "platformPostId", "not given it out yet"),
        ("twitter", {"platformPostId": "9999999999999999999"}, 400, "platformPostId", "64 bits"),
        ("linkedin", {"platformPostId": "12345"}, 400, "platformPostId", "as urn:li:share:7123456789012345678"),
        ("linkedin", {"platformPostId": "urn:li:activity:7"}, 400, "platformPostId", "an entry of a feed"),
        ("linkedin", {"platformPostId": "urn:li:share:7", "metricType": "story"}, 422, "metricType", "has no story"),
        ("facebook", {"platformPostId": "1_2", "metricType": "story"}, 422, "metricType", "only post, reel"),
        (
            "facebook",
            {"platformPostId": "1_2", "contentType": "document"},
            422,
            "contentType",
            "no post of type document",
        ),
    ],
)
def test_post_that_its_platform_cannot_have_is_refused(
    platform: Platform, change: dict[str, str], status: int, parameter: str, word: str, client: httpx.Client,
    seeded: Store,
) -> None:  # fmt: skip
    seeded.accounts.put([{**account("a3", "w1"), "platform": platform}])
    answer = client.post("/analytics/account/a3/posts", json=POST | change)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (status, parameter)
    assert word in answer.json()["detail"]
    assert seeded.db["posts"].count_documents({"accountId": "a3"}) == 0


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("paused", "accounts resume"), ("needs_reauth", "accounts connect"), ("disconnected", "accounts connect")],
)
def test_post_of_an_account_that_is_not_collected_is_refused(
    state: AccountState, remedy: str, client: httpx.Client, seeded: Store
) -> None:
    seeded.db["accounts"].update_one({"_id": "a1"}, {"$set": {"state": state}})
    before = seeded.db["posts"].count_documents({})
    for path, body in (("posts", POST), ("collect", None)):
        answer = client.post(f"/analytics/account/a1/{path}", json=body)
        assert (answer.status_code, state in answer.json()["detail"], remedy in answer.json()["detail"]) == (
            422,
            True,
            True,
        )
    assert seeded.db["posts"].count_documents({}) == before
    assert seeded.db["operations"].count_documents({}) == 0
