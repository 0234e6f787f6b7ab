"""Quirks of accounts and tokens of the simulated Graph API as faults: renamed, deleted, converted, logged in."""

import json

import pytest

from metrics.documents import Platform
from tests.simulator.graph_api import LISTS, META, account, ask, batch, code, ids, posts
from tests.simulator_fixture import Simulator


def test_renamed_account_has_its_new_name_everywhere(api: Simulator) -> None:
    whose = account(api, "instagram")
    api.set_faults({"kind": "rename", "account": whose.platform_account_id, "value": "brand.new"})
    found = ask(api, "instagram", "{me}", fields="username,name,media.limit(1){username}")
    assert (found["username"], found["name"]) == ("brand.new", "Brand New")
    assert found["media"]["data"][0]["username"] == "brand.new"
    page = ask(api, "facebook", "{me}", fields="username,instagram_business_account{username}")
    assert (page["username"], page["instagram_business_account"]["username"]) == (whose.handle, "brand.new")
    asked = "business_discovery.username({}){{username}}"
    there = ask(api, "instagram", "{me}", 1, fields=asked.format("brand.new"))["business_discovery"]
    assert there["id"] == whose.platform_account_id
    assert code(ask(api, "instagram", "{me}", 1, fields=asked.format(whose.handle))) == (110, 2207013)


def test_renamed_page_has_its_new_name_everywhere(api: Simulator) -> None:
    whose = account(api, "facebook")
    api.set_faults({"kind": "rename", "account": whose.platform_account_id, "value": "brand.new"})
    found = ask(api, "facebook", "{me}", fields="username,name")
    assert (found["username"], found["name"]) == ("brand.new", "Brand New")
    (listed,) = ask(api, "instagram", "me/accounts", fields="name")["data"]
    assert listed["name"] == "Brand New"


@pytest.mark.parametrize("platform", META)
def test_deleted_account_is_missing_with_all_it_published(api: Simulator, platform: Platform) -> None:
    whose = account(api, platform)
    post = posts(api, platform)[-1].platform_post_id
    api.set_faults({"kind": "deleted", "account": whose.platform_account_id})
    for body in batch(api, platform, "{me}?fields=id", f"{{me}}/{LISTS[platform]}", f"{post}?fields=id", "me"):
        assert code(body) == (100, 33)
    assert "data" in ask(api, platform, "me/permissions")
    assert ask(api, platform, "{me}", 1)["id"] == account(api, platform, 1).platform_account_id


def test_page_without_its_instagram_account_and_list_without_its_page(api: Simulator) -> None:
    instagram, facebook = (account(api, platform).platform_account_id for platform in META)
    api.set_faults({"kind": "deleted", "account": instagram})
    assert ask(api, "facebook", "{me}", fields="instagram_business_account") == {"id": facebook}
    api.set_faults({"kind": "deleted", "account": facebook})
    assert ask(api, "instagram", "me/accounts") == {"data": []}


def test_converted_account_needs_a_permission_that_it_lost(api: Simulator) -> None:
    whose = account(api, "instagram").platform_account_id
    for fault in ({"kind": "suspended", "account": whose}, {"kind": "permission", "object": whose}):
        api.set_faults(fault)
        for body in batch(api, "instagram", "{me}?fields=id", "{me}/media", "{me}/insights?metric=reach&period=day"):
            assert body["error"]["code"] == 10


@pytest.mark.parametrize("named", ["object", "account"])
@pytest.mark.parametrize("platform", META)
def test_post_goes_and_comes_back(api: Simulator, platform: Platform, named: str) -> None:
    shown = [p.platform_post_id for p in posts(api, platform) if p.metric_type == "post"]
    gone, other = shown[1], shown[2]

    def there(name: str) -> tuple[bool, bool]:
        listed = ask(api, platform, f"{{me}}/{LISTS[platform]}", limit=100)
        return "id" in batch(api, platform, f"{name}?fields=id")[0], name in ids(listed)

    api.set_faults({"kind": "partial", named: gone})
    assert (there(gone), there(other)) == ((False, False), (True, True))
    api.set_faults()
    assert there(gone) == (True, True)


def test_token_of_instagram_login_works_at_its_own_host(api: Simulator) -> None:
    whose = account(api, "instagram")
    there = {"Host": "graph.instagram.com"}
    paths: tuple[tuple[str, dict[str, str]], ...] = (
        ("/v25.0/me", {}), ("/v25.0/me", there), ("/graph.instagram.com/v25.0/me", {}),
        ("/graph.facebook.com/v25.0/me", {}),
    )  # fmt: skip

    def statuses() -> list[int]:
        query = {"access_token": whose.token, "fields": "user_id,username"}
        return [api.client.get(path, params=query, headers=headers).status_code for path, headers in paths]

    assert statuses() == [200, 401, 401, 200]
    api.set_faults({"kind": "instagram_login", "account": whose.platform_account_id})
    assert statuses() == [401, 200, 200, 401]
    query = {"access_token": whose.token}
    page = api.client.get("/graph.instagram.com/v25.0/me/media", params={**query, "limit": 2}).json()
    assert page["paging"]["next"].startswith(f"{api.url}/graph.instagram.com/v25.0/")
    assert len(api.client.get(page["paging"]["next"]).json()["data"]) == 2
    elements = json.dumps([{"method": "GET", "relative_url": "me?fields=id"}])
    (element,) = api.client.post("/graph.instagram.com/v25.0/", data={**query, "batch": elements}).json()
    assert json.loads(element["body"]) == {"id": whose.platform_account_id}
    refreshed = api.client.get("/graph.instagram.com/refresh_access_token", params=query)
    assert refreshed.json()["access_token"] == whose.token
    assert code(api.client.get("/graph.instagram.com/v25.0/me/accounts", params=query).json()) == (100, None)
    page_id = account(api, "facebook").platform_account_id
    assert code(api.client.get(f"/graph.instagram.com/v25.0/{page_id}", params=query).json()) == (100, 33)
    assert ask(api, "instagram", "{me}", 1)["id"] == account(api, "instagram", 1).platform_account_id
