"""What the simulated Graph API does for whatever platform: bodies, tokens, links, the budget of an hour."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from metrics.documents import Platform
from simulator.graph import BUDGET_PER_HOUR, MAX_BATCH
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
BATCH = [{"method": "GET", "relative_url": "v25.0/me?fields=id"}]


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


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
