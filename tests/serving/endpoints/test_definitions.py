"""Metrics of a workspace's own over HTTP: define, list, preview, retire, and who may."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from redis import Redis

from metrics.documents import Scope
from metrics.periods import midnight
from metrics.redis.versions import data_version
from metrics.store import Store
from serving.__main__ import Server
from tests.serving.conformance import check
from tests.serving.conftest import NOW

PATH = "/analytics/workspace/w1/definitions"
RATE = {"title": "Rate of saves", "expression": "percent(saves, views)"}


def of(live: tuple[str, Server], store: Store, *scopes: Scope) -> httpx.Client:
    key, _ = store.keys.create("k", ["w1"], list(scopes))
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=live[0], headers=headers, timeout=30, event_hooks={"response": [check]})


@pytest.fixture
def admin(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    with of(live, seeded, "admin") as opened:
        yield opened


def put(client: httpx.Client, name: str, **changed: Any) -> httpx.Response:
    return client.put(f"{PATH}/{name}", json=RATE | changed)


def test_definition_is_stored_listed_and_retired(admin: httpx.Client) -> None:
    made = put(admin, "save_rate").json()["data"]
    assert (made["name"], made["version"], made["versions"][0]["unit"]) == ("save_rate", 1, "percent")
    assert put(admin, "save_rate", title="Saves").json()["data"]["version"] == 2
    assert put(admin, "save_rate", title="Saves").json()["data"]["version"] == 2
    assert [one["title"] for one in admin.get(f"{PATH}/save_rate").json()["data"]["versions"]] == [
        "Rate of saves",
        "Saves",
    ]
    assert "retiredAt" in admin.delete(f"{PATH}/save_rate").json()["data"]
    (listed,) = admin.get(PATH).json()["data"]
    assert (listed["name"], len(listed["versions"]), "retiredAt" in listed) == ("save_rate", 2, True)
    assert put(admin, "save_rate").json()["data"]["version"] == 3


def test_refused_expression_is_told_with_its_position(admin: httpx.Client, seeded: Store) -> None:
    answer = put(admin, "save_rate", expression="percent(savez, views)")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["parameter"] == "expression"
    assert error["message"].endswith("character 9: there is no metric savez: did you mean saves?")
    assert put(admin, "save_rate", unit="ratio").json()["errors"][0]["parameter"] == "unit"
    assert put(admin, "likes").json()["errors"][0]["parameter"] == "name"
    assert put(admin, "save_rate", title="").status_code == 400
    assert put(admin, "save_rate", nonsense=1).status_code == 400
    assert seeded.definitions.versions("w1") == []


def test_expression_of_a_million_characters_is_refused(admin: httpx.Client) -> None:
    assert put(admin, "save_rate", expression="x" * 10**6).status_code in (400, 413)
    assert put(admin, "save_rate", expression="(" * 1000).status_code == 400


def test_definition_that_is_named_by_another_is_not_retired(admin: httpx.Client) -> None:
    put(admin, "loved", expression="likes + saves")
    put(admin, "rate", expression="percent(loved, views)")
    answer = admin.delete(f"{PATH}/loved")
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "loved is named by rate: change or retire that first.",
    )
    assert admin.delete(f"{PATH}/nothing").status_code == 404
    assert admin.get(f"{PATH}/nothing").status_code == 404


def test_key_without_the_scope_is_refused(live: tuple[str, Server], seeded: Store, admin: httpx.Client) -> None:
    put(admin, "save_rate")
    with of(live, seeded, "read", "collect") as client:
        assert put(client, "save_rate", title="Other").status_code == 403
        assert client.delete(f"{PATH}/save_rate").status_code == 403
        assert client.post(f"{PATH}/preview", json={"expression": "likes"}).status_code == 403
        assert client.get(PATH).json()["data"][0]["version"] == 1
    with of(live, seeded, "collect") as client:
        assert client.get(PATH).status_code == 403


def fill(store: Store) -> None:
    """Store rollups of two posts of `a1` for yesterday; one of them lacks its views."""
    day = midnight(NOW.date()) - timedelta(days=1)
    for post, metrics in (("p1", {"saves": 3, "views": 60}), ("p2", {"saves": 5})):
        entries = {name: {"open": 0, "close": net, "net": net, "samples": 1} for name, net in metrics.items()}
        store.rollups.subjects.insert_one({
            "_id": f"{post}|daily", "workspaceId": "w1", "accountId": "a1", "platform": "instagram",
            "subjectId": post, "postId": post, "metricType": "post", "contentType": "image", "period": "daily",
            "periodStart": day, "periodEnd": day + timedelta(days=1), "observedSlots": 1, "metrics": entries,
        })  # fmt: skip


def test_preview_evaluates_eight_weeks_and_keeps_nothing(admin: httpx.Client, seeded: Store) -> None:
    fill(seeded)
    put(admin, "kept", expression="2 * saves")
    before = seeded.definitions.versions("w1")
    body = admin.post(f"{PATH}/preview", json={"expression": "percent(kept, views)"}).json()
    assert (body["data"]["unit"], body["meta"]["definitions"]) == ("percent", {"kept": 1})
    assert len(body["data"]["weeks"]) == 8
    assert body["data"]["weeks"][0]["reason"] == "no_observation"
    total = body["data"]["total"]
    assert (total["value"], total["parts"]) == (10.0, {"over": 6, "under": 60, "measured": 1})
    assert body["data"]["normalForm"] == "percent(2 * saves, views)"
    assert seeded.definitions.versions("w1") == before
    refused = admin.post(f"{PATH}/preview", json={"expression": "kept / kept2"})
    assert (refused.status_code, "did you mean kept?" in refused.text) == (400, True)


def test_catalog_lists_the_metrics_of_a_workspace(admin: httpx.Client) -> None:
    assert "definitions" not in admin.get("/analytics/metrics").json()
    put(admin, "save_rate")
    put(admin, "old")
    admin.delete(f"{PATH}/old")
    (own,) = admin.get("/analytics/metrics", params={"workspaceId": "w1"}).json()["definitions"]
    assert own == {"name": "save_rate", "version": 1, "versions": [1], "kind": "ratio", "unit": "percent", **RATE}
    assert admin.get("/analytics/metrics", params={"workspaceId": "w2"}).status_code == 404


def test_change_makes_cached_answers_outdated(admin: httpx.Client, redis_client: Redis) -> None:
    before = data_version(redis_client, "w1")
    put(admin, "save_rate")
    defined = data_version(redis_client, "w1")
    admin.delete(f"{PATH}/save_rate")
    assert len({before, defined, data_version(redis_client, "w1")}) == 3


def test_methods_of_a_path_are_told_together(admin: httpx.Client) -> None:
    answer = admin.patch(f"{PATH}/save_rate")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert admin.put(f"{PATH}/preview", json=RATE).status_code == 405
