"""Anomalies over HTTP: filters and pages, what a person says of them, the budget of alarms, and events."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics.breakouts import JudgedType
from metrics.periods import HOUR
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from metrics.store import Store
from serving.schemas.anomalies import AnomalyUpdated
from tests.serving.conformance import validate
from tests.serving.conftest import NOW
from tests.serving.endpoints.stored_anomalies import put_anomaly, put_breakout

PATH = "/analytics/workspace/w1/anomalies"
BUDGET = "/analytics/workspace/w1/alarm-budget"


def ask(client: httpx.Client, **query: str) -> Any:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client: httpx.Client, **query: str) -> list[str]:
    return [one["anomalyId"] for one in ask(client, **query)["data"]]


@pytest.fixture
def found(seeded: Store, announcer: Announcer) -> Store:
    """Four anomalies of `w1`, the oldest one two months ago, and one of `w2`."""
    put_anomaly(seeded, "an_1", NOW - timedelta(days=60))
    put_anomaly(seeded, "an_2", NOW - timedelta(days=2), kind="drop", direction="down", metric="totalEngagement")
    put_anomaly(seeded, "an_3", NOW - 3 * HOUR, status="open")
    put_anomaly(seeded, "an_4", NOW - 3 * HOUR, kind="collection", status="withdrawn", evidence={"cause": "frozen"})
    put_anomaly(seeded, "an_5", NOW - 3 * HOUR, workspaceId="w2", accountId="a2")
    seeded.watched.put("w1", "a1", "hour", [{"metric": "totalViews", "expected": 336, "observed": 336}], NOW)
    few: Any = [{"metric": "reach", "expected": 64, "observed": 3, "unavailable": "too_sparse"}]
    seeded.watched.put("w1", "a1", "day", few, NOW)
    types: list[JudgedType] = [
        {"metricType": "post", "posts": 40}, {"metricType": "story", "posts": 4, "unavailable": "too_few_posts"},
    ]  # fmt: skip
    seeded.watched.put_posts("w1", {"a1": types}, NOW)
    announcer.announce("w1")
    return seeded


def test_newest_come_first_and_filters_select(client: httpx.Client, found: Store) -> None:
    assert ids(client) == ["an_4", "an_3", "an_2"], "the last 30 days"
    assert ids(client, status="open") == ["an_3"]
    assert ids(client, kind="collection") == ["an_4"]
    assert ids(client, metric="totalEngagement") == ["an_2"]
    assert ids(client, accountId="a1", kind="spike") == ["an_3"]
    day = f"{NOW - timedelta(days=60):%Y-%m-%d}"
    assert ids(client, startDate=day, endDate=day) == ["an_1"]


def test_pages_have_each_anomaly_once(client: httpx.Client, found: Store) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = ask(client, limit="1", **cursor)
        seen += [one["anomalyId"] for one in body["data"]]
        if not body["page"]["hasMore"]:
            break
        cursor = {"cursor": body["page"]["nextCursor"]}
    assert seen == ["an_4", "an_3", "an_2"]


def test_answer_tells_where_anomalies_are_looked_for(client: httpx.Client, found: Store) -> None:
    assert ask(client)["meta"]["watched"] == {
        "series": 1, "unavailable": 1, "budget": 0.25, "posts": {"types": 1, "unavailable": 1},
    }  # fmt: skip
    assert ask(client, accountId="a1")["meta"]["watched"]["posts"]["reasons"] == [
        {"accountId": "a1", "metricType": "story", "posts": 4, "reason": "too_few_posts"}
    ]
    reasons = ask(client, accountId="a1")["meta"]["watched"]["reasons"]
    assert reasons == [{"accountId": "a1", "metric": "reach", "grain": "day", "reason": "too_sparse"}]


def test_breakouts_are_anomalies_of_posts(client: httpx.Client, found: Store, announcer: Announcer) -> None:
    ages = [{"age": 6.0, "observed": 1230.0, "expected": 205.0, "multiple": 6.0, "percentile": 98.0, "score": 4.1,
             "posts": 64, "breakout": True}]  # fmt: skip
    similar = [{"anomalyId": "an_b1", "score": 5.0, "postId": "p7"}]
    put_breakout(found, "an_b1", NOW - 9 * HOUR, postId="p7", status="ended")
    put_breakout(found, "an_b2", NOW - 8 * HOUR, postId="p8", evidence={"ages": ages, "similar": similar})
    announcer.announce("w1")
    assert ids(client, kind="breakout") == ids(client, metric="engagement") == ["an_b2", "an_b1"]
    assert ids(client, postId="p8") == ["an_b2"]
    assert ids(client, postId="p9") == []
    assert ids(client, kind="breakout", status="open") == ["an_b2"]
    answer = ask(client, postId="p8")
    validate("#/components/schemas/Anomalies", answer)
    (one,) = answer["data"]
    assert (one["scope"], one["age"], one["multiple"], one["metricType"]) == ("post", 6.0, 6.0, "post")
    assert one["evidence"] == {"ages": ages, "similar": similar}
    said = client.put(f"{PATH}/an_b2", json={"acknowledged": True, "note": "A celebrity shared it."}).json()["data"]
    assert (said["note"], said["postId"]) == ("A celebrity shared it.", "p8")
    events: Any = announcer.redis.xrange(events_key("w1"))
    assert (events[-1][1][b"event"], events[-1][1][b"post"]) == (b"anomaly:updated", b"p8")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"status": "new"}, "status"),
        ({"kind": "odd"}, "kind"),
        ({"metric": "likes"}, "metric"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_wrong_values_are_refused(client: httpx.Client, found: Store, query: dict[str, str], parameter: str) -> None:
    answer = client.get(PATH, params=query)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, parameter)


def test_unknown_account_is_not_found(client: httpx.Client, found: Store) -> None:
    assert client.get(PATH, params={"accountId": "a2"}).status_code == 404


def test_a_person_acknowledges_mutes_and_notes(client: httpx.Client, found: Store) -> None:
    assert ids(client) == ["an_4", "an_3", "an_2"]
    said = {"acknowledged": True, "muted": True, "note": "A celebrity shared it."}
    answer = client.put(f"{PATH}/an_3", json=said)
    assert answer.status_code == 200, answer.text
    one = answer.json()["data"]
    assert (one["muted"], one["note"]) == (True, "A celebrity shared it.")
    assert one["acknowledgedBy"]
    again = next(one for one in ask(client)["data"] if one["anomalyId"] == "an_3")
    assert again == one, "the cached list is outdated"
    taken_back = client.put(f"{PATH}/an_3", json={"acknowledged": True}).json()["data"]
    assert taken_back.keys().isdisjoint({"muted", "note"})
    assert taken_back["acknowledgedAt"] == one["acknowledgedAt"], "who saw it first stays"


def test_what_a_person_says_is_announced(client: httpx.Client, found: Store, announcer: Announcer) -> None:
    client.put(f"{PATH}/an_3", json={"muted": True})
    events: Any = announcer.redis.xrange(events_key("w1"))
    fields = events[-1][1]
    assert fields[b"event"] == b"anomaly:updated"
    data = json.loads(fields[b"data"])
    AnomalyUpdated.model_validate(data)
    assert (data["anomalyId"], data["muted"]) == ("an_3", True)
    assert "evidence" not in data


def test_another_workspaces_anomaly_is_unknown(client: httpx.Client, found: Store) -> None:
    for anomaly_id in ("an_5", "an_none"):
        assert client.put(f"{PATH}/{anomaly_id}", json={"muted": True}).status_code == 404
    kept = found.anomalies.get("w2", "an_5")
    assert kept is not None
    assert "muted" not in kept


def test_the_budget_of_alarms_is_set(client: httpx.Client, admin: httpx.Client, found: Store) -> None:
    assert client.get(BUDGET).json() == {"data": {"alarmsPerWeek": 0.25}}
    assert client.put(BUDGET, json={"alarmsPerWeek": 1.5}).status_code == 403
    assert admin.put(BUDGET, json={"alarmsPerWeek": 1.5}).json() == {"data": {"alarmsPerWeek": 1.5}}
    assert client.get(BUDGET).json() == {"data": {"alarmsPerWeek": 1.5}}
    assert ask(client)["meta"]["watched"]["budget"] == 1.5
    assert admin.put(BUDGET, json={"alarmsPerWeek": 50}).status_code == 400
