"""Behaviour of the simulated Graph API for all platforms: bodies, tokens, links, hourly rate limits."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from metrics.documents import Platform
from simulator import truth
from simulator.graph.batch import MAX_BATCH
from simulator.graph.budget import BUDGET_PER_HOUR
from simulator.world import SimAccount
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

BATCH = [{"method": "GET", "relative_url": "v25.0/me?fields=id"}]


def token(api: Simulator) -> str:
    return api.world.account("facebook", 0).token


@pytest.mark.parametrize("how", ["form", "json", "multipart"])
def test_batch_comes_in_any_kind_of_body(api: Simulator, how: str) -> None:
    sent = {"access_token": token(api), "batch": json.dumps(BATCH)}
    bodies = {"form": {"data": sent}, "json": {"json": {**sent, "batch": BATCH}}}
    parts = {"files": {name: (None, text) for name, text in sent.items()}}
    (element,) = api.client.post("/v25.0/", **bodies.get(how, parts)).json()  # type: ignore[arg-type]
    assert json.loads(element["body"])["id"] == api.world.account("facebook", 0).platform_account_id


@pytest.mark.parametrize("batch", ["[1]", "{}", '[{"relative_url": 5}]', "no JSON"])
def test_batch_that_is_none_is_refused(api: Simulator, batch: str) -> None:
    answer = api.client.post("/v25.0/", data={"access_token": token(api), "batch": batch})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_element_may_have_a_token_of_its_own(api: Simulator) -> None:
    other = api.world.account("instagram", 1)
    urls = [f"{other.platform_account_id}?access_token={other.token}", other.platform_account_id]
    batch = json.dumps([{"method": "GET", "relative_url": url} for url in urls])
    own, foreign = api.client.post("/v25.0/", data={"access_token": token(api), "batch": batch}).json()
    assert (own["code"], foreign["code"]) == (200, 400)


def test_next_page_can_be_followed_as_it_stands(api: Simulator) -> None:
    account = api.world.account("facebook", 0)
    url, seen = f"/v25.0/{account.platform_account_id}/posts?access_token={account.token}&limit=40", 0
    while url:
        page = api.client.get(url).json()
        seen += len(page["data"])
        url = page.get("paging", {}).get("next")
    since = NOW - timedelta(days=400)
    posts = [p for p in api.world.posts(account, since, NOW) if p.visible(NOW) and p.metric_type == "post"]
    assert seen == len(posts)


def test_debug_token_tells_of_a_dead_one(api: Simulator) -> None:
    def valid() -> bool:
        query = {"input_token": token(api), "access_token": "1000|simulated"}
        return bool(api.client.get("/debug_token", params=query).json()["data"]["is_valid"])

    assert valid()
    api.set_faults({"kind": "expired_token"})
    api.client.get("/v25.0/me", params={"access_token": token(api)})
    assert not valid()


def test_used_budget_is_refused_until_the_hour_is_over(api: Simulator) -> None:
    batch = json.dumps(MAX_BATCH * BATCH)

    def ask() -> httpx.Response:
        return api.client.post("/v25.0/", data={"access_token": token(api), "batch": batch})

    for _ in range(BUDGET_PER_HOUR // MAX_BATCH):
        assert ask().is_success
    refused = ask()
    assert refused.json()["error"]["code"] == 80001
    (usage,) = json.loads(refused.headers["x-business-use-case-usage"]).values()
    assert usage[0]["estimated_time_to_regain_access"] == 40
    api.set_clock(NOW + timedelta(minutes=41))
    assert ask().is_success


@pytest.mark.parametrize("platform", ["instagram", "facebook"])
def test_list_of_pages_ends(api: Simulator, platform: Platform) -> None:
    account = api.world.account(platform, 0)

    def ask(**params: str) -> Any:
        return api.client.get("/v25.0/me/accounts", params={"access_token": account.token, **params}).json()

    first = ask(limit="100")
    assert len(first["data"]) == 1
    assert "next" not in first["paging"]
    assert ask(limit="100", after=first["paging"]["cursors"]["after"]) == {"data": []}
    assert ask(limit="nonsense")["error"]["code"] == 100


@pytest.mark.parametrize(
    ("now", "asked", "answered"),
    [
        (NOW, "v26.0/", "v26.0"),
        (NOW, "v25.0/", "v25.0"),
        (NOW, "v21.0/", "v21.0"),
        (NOW, "v20.0/", "v21.0"),
        (NOW, "v2.3/", "v21.0"),
        (NOW, "v3.1/", "v21.0"),
        (NOW, "", "v21.0"),
        (datetime(2026, 9, 23, tzinfo=UTC), "v19.0/", "v20.0"),
        (datetime(2026, 4, 1, tzinfo=UTC), "", "v19.0"),
        (datetime(2027, 1, 21, tzinfo=UTC), "v21.0/", "v22.0"),
        (datetime(2035, 1, 1, tzinfo=UTC), "v25.0/", "v26.0"),
    ],
)
def test_oldest_usable_version_answers_for_older_ones(api: Simulator, now: datetime, asked: str, answered: str) -> None:
    api.set_clock(now)
    account = api.world.account("facebook", 0)
    for path in ("me", account.platform_account_id, f"{account.platform_account_id}/posts"):
        answer = api.client.get(f"/{asked}{path}", params={"access_token": account.token})
        assert (answer.status_code, answer.headers["facebook-api-version"]) == (200, answered)
    if next_page := answer.json()["paging"].get("next") if answer.json()["data"] else None:
        assert f"/{answered}/" in next_page


@pytest.mark.parametrize(
    ("version", "code"), [("v99.0", 2635), ("v25.1", 2635), ("vx", 2500), ("v25", 2500), ("v", 2500)]
)
def test_version_that_never_was_is_refused(api: Simulator, version: str, code: int) -> None:
    answer = api.client.get(f"/{version}/me", params={"access_token": token(api)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    batch = json.dumps([{"method": "GET", "relative_url": f"{version}/me"}])
    (element,) = api.client.post("/v25.0/", data={"access_token": token(api), "batch": batch}).json()
    assert json.loads(element["body"])["error"]["code"] == code


def test_batch_and_ids_need_no_version(api: Simulator) -> None:
    name = api.world.account("facebook", 0).platform_account_id
    batch = json.dumps([{"method": "GET", "relative_url": "v2.3/me"}, {"method": "GET", "relative_url": "me"}])
    answer = api.client.post("/", data={"access_token": token(api), "batch": batch})
    assert [element["code"] for element in answer.json()] == [200, 200]
    assert set(api.client.get("/", params={"access_token": token(api), "ids": name}).json()) == {name}


def read(api: Simulator, reader: SimAccount, path: str, **params: str) -> Any:
    return api.client.get(f"/v25.0/{path}", params={"access_token": reader.token, **params}).json()


def test_page_of_an_instagram_account_is_read_with_either_token(api: Simulator) -> None:
    instagram, facebook = (api.world.account(platform, 3) for platform in ("instagram", "facebook"))
    (page,) = read(api, instagram, "me/accounts", fields="id,access_token,instagram_business_account")["data"]
    assert page == {
        "id": facebook.platform_account_id,
        "access_token": facebook.token,
        "instagram_business_account": {"id": instagram.platform_account_id},
    }
    asked = "name,fan_count,instagram_business_account{id,username,followers_count}"
    for token in (instagram.token, page["access_token"]):
        url = f"/v25.0/{page['id']}"
        found = api.client.get(url, params={"access_token": token, "fields": asked}).json()
        linked = found["instagram_business_account"]
        assert (linked["id"], linked["username"]) == (instagram.platform_account_id, instagram.handle)
        wanted = truth.account_value(api.world, instagram, "followers_count", NOW)
        assert abs(linked["followers_count"] - wanted) <= 1
        assert found["id"] == page["id"]
    assert read(api, facebook, page["id"], fields="instagram_business_account{nonsense}")["error"]["code"] == 100
    other = api.world.account("facebook", 4).platform_account_id
    assert read(api, instagram, other)["error"]["error_subcode"] == 33


def test_tokens_reach_what_is_linked_and_links_keep_the_token(api: Simulator) -> None:
    instagram, facebook = (api.world.account(platform, 0) for platform in ("instagram", "facebook"))
    media = read(api, facebook, f"{instagram.platform_account_id}/media", limit="1")
    assert f"access_token={facebook.token}" in media["paging"]["next"]
    name = media["data"][0]["id"]
    assert read(api, facebook, f"{name}/insights", metric="reach")["data"]
    posts = read(api, instagram, f"{facebook.platform_account_id}/posts", limit="1")
    assert f"access_token={instagram.token}" in posts["paging"]["next"]
    refused = read(api, instagram, f"{facebook.platform_account_id}/insights", metric="page_media_view", period="day")
    assert (refused["error"]["code"], "Page Access Token" in refused["error"]["message"]) == (190, True)
    assert api.calls()["byAccount"] == {instagram.platform_account_id: 2, facebook.platform_account_id: 2}


def batch_of(api: Simulator, reader: SimAccount, *elements: dict[str, Any]) -> list[Any]:
    sent = {"access_token": reader.token, "batch": json.dumps([{"method": "GET", **one} for one in elements])}
    answers: list[Any] = api.client.post("/v25.0/", data=sent).json()
    return [one if one is None else (one["code"], json.loads(one["body"])) for one in answers]


@pytest.mark.parametrize("way", ["$.data.*.id", "$.data[*].id"])
def test_element_takes_what_another_one_found(api: Simulator, way: str) -> None:
    reader = api.world.account("instagram", 0)
    media = {"name": "a", "relative_url": f"{reader.platform_account_id}/media?fields=id&limit=3"}
    first, (code, bodies) = batch_of(api, reader, media, {"relative_url": f"?ids={{result=a:{way}}}&fields=timestamp"})
    assert (first, code) == (None, 200)
    listed = read(api, reader, f"{reader.platform_account_id}/media", fields="id", limit="3")["data"]
    assert list(bodies) == [one["id"] for one in listed]
    assert all(body["timestamp"] for body in bodies.values())
    told, single = batch_of(
        api, reader, media | {"omit_response_on_success": False}, {"relative_url": "{result=a:$.data[1].id}"}
    )
    assert (told[0], single[1]["id"]) == (200, listed[1]["id"])


def test_element_whose_source_fails_is_not_carried_out(api: Simulator) -> None:
    reader = api.world.account("instagram", 0)
    bad = {"name": "a", "relative_url": "1?fields=id"}
    (code, _), after, told = batch_of(
        api, reader, bad, {"relative_url": "?ids={result=a:$.id}"}, {"relative_url": "me", "depends_on": "a"}
    )
    assert (code, after, told) == (400, None, None)
    good = {"name": "a", "relative_url": "me?fields=id"}
    _, (code, body) = batch_of(api, reader, good, {"relative_url": "?ids={result=a:$.data.*.id}"})
    assert (code, body["error"]["code"]) == (400, 2500)


@pytest.mark.parametrize("platform", ["instagram", "facebook"])
def test_token_tells_what_it_was_granted(api: Simulator, platform: Platform) -> None:
    reader = api.world.account(platform, 0)
    granted = read(api, reader, "me/permissions")["data"]
    inspected = read(api, reader, "debug_token", input_token=reader.token)["data"]["scopes"]
    assert [one["permission"] for one in granted] == inspected
    assert {one["status"] for one in granted} == {"granted"}


def test_fields_may_come_as_a_list_in_json(api: Simulator) -> None:
    """JavaScript clients serialise arrays in this way."""
    page = api.world.account("facebook", 0).platform_account_id
    fields = ["id", "followers_count", "posts.limit(2){id,message}"]
    found, wanted = (
        api.client.get(f"/v25.0/{page}", params={"access_token": token(api), "fields": text}).json()
        for text in (json.dumps(fields), ",".join(fields))
    )
    assert found == wanted
    assert len(found["posts"]["data"]) == 2


@pytest.mark.parametrize("fields", ["[", '["id"', "[1]", '{"id": 1}'])
def test_fields_that_are_no_list_of_names_are_refused(api: Simulator, fields: str) -> None:
    answer = api.client.get("/v25.0/me", params={"access_token": token(api), "fields": fields})
    assert (answer.status_code, answer.json()["error"]["code"]) in ((400, 2500), (400, 100))
