"""Quirks of X and LinkedIn as faults: endless lists, failing pages, renamed accounts, missing accounts and posts."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from metrics.documents import Platform
from simulator.world import SimPost
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

VERSIONS = {"Linkedin-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"}


def get(api: Simulator, platform: Platform, path: str, number: int = 0) -> httpx.Response:
    """Send a request as the owner of account 0 of a platform; `{me}` and `{urn}` stand for that account."""
    first = api.world.account(platform, 0).platform_account_id
    urn = quote(f"urn:li:organization:{first}", safe="")
    headers = {"Authorization": f"Bearer {api.world.account(platform, number).token}"}
    where = path.replace("{me}", first).replace("{urn}", urn)
    return api.client.get(where, headers=headers | (VERSIONS if platform == "linkedin" else {}))


def me(api: Simulator, platform: Platform) -> str:
    return api.world.account(platform, 0).platform_account_id


def posts(api: Simulator, platform: Platform, days: int = 20) -> list[SimPost]:
    found = api.world.posts(api.world.account(platform, 0), NOW - timedelta(days=days), NOW)
    return [post for post in found if post.visible(NOW)]


def struck(api: Simulator) -> list[int]:
    return [fault["struck"] for fault in api.client.get("/_control/faults").json()]


def app_token(api: Simulator) -> str:
    answer = api.client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("key", "secret"))
    return str(answer.json()["access_token"])


def walk(api: Simulator, platform: Platform, pages: int) -> list[tuple[list[str], str | None]]:
    """Return the ids and the cursor of each page of an account's list, while there is a next page."""
    found: list[tuple[list[str], str | None]] = []
    more: str | None = ""
    while more is not None and len(found) < pages:
        if platform == "twitter":
            body = get(api, platform, f"/2/users/{{me}}/tweets?max_results=5&pagination_token={more}").json()
            ids, more = [one["id"] for one in body.get("data", ())], body["meta"].get("next_token")
        else:
            path = more or "/rest/posts?q=author&author={urn}&count=5"
            body = get(api, platform, path).json()
            links = body["paging"]["links"]
            ids, more = [one["id"] for one in body["elements"]], links[0]["href"] if links else None
        found.append((ids, more))
    return found


def test_x_names_the_same_next_page_again_and_again(api: Simulator) -> None:
    whole = walk(api, "twitter", 3)
    api.set_faults({"kind": "repeated_cursor"})
    found = walk(api, "twitter", 20)
    assert len(found) == 20
    assert {cursor for _, cursor in found} == {"sim5"}
    assert [ids for ids, _ in found[:3]] == [whole[0][0], whole[1][0], whole[1][0]]
    assert struck(api) == [20]
    # A list of one page repeats that page.
    short = "/2/users/{me}/tweets?max_results=100&start_time=2026-11-10T00:00:00Z"
    one = get(api, "twitter", short).json()
    again = get(api, "twitter", f"{short}&pagination_token={one['meta']['next_token']}").json()
    assert (again["data"], again["meta"]["next_token"]) == (one["data"], one["meta"]["next_token"])


def test_linkedin_has_the_same_elements_and_a_next_page_for_ever(api: Simulator) -> None:
    first, second = walk(api, "linkedin", 2)
    api.set_faults({"kind": "repeated_cursor", "page": 2})
    assert [ids for ids, _ in walk(api, "linkedin", 2)] == [first[0], first[0]]
    assert first[0] != second[0]
    api.set_faults({"kind": "repeated_cursor"})
    found = walk(api, "linkedin", 60)
    assert len(found) == 60
    assert {tuple(ids) for ids, _ in found} == {tuple(first[0])}
    assert len({cursor for _, cursor in found}) == 60


@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
@pytest.mark.parametrize("kind", ["error", "account_limit", "app_limit", "permission", "broken_json"])
def test_list_fails_on_its_second_page_alone(api: Simulator, platform: Platform, kind: str) -> None:
    path = {
        "twitter": "/2/users/{me}/tweets?max_results=5&pagination_token=sim{start}",
        "linkedin": "/rest/posts?q=author&author={urn}&count=5&start={start}",
    }[platform]
    api.set_faults({"kind": kind, "page": 2, "path": "tweets" if platform == "twitter" else "posts"})
    first, second, third = (get(api, platform, path.replace("{start}", str(start))) for start in (0, 5, 10))
    assert {one.status_code for one in (first, third)} == {200}
    assert first.json() != third.json()
    assert second.status_code >= 400 or not second.text.endswith("}")
    assert struck(api) == [1]


@pytest.mark.parametrize("value", [None, "7", 2**63, 18446744073709551615, 2**70, 1e300, {"x": 1}, [], True, -5])
def test_number_may_be_anything(api: Simulator, value: object) -> None:
    api.set_faults(
        {"kind": "patch", "path": "/2/", "at": "data.public_metrics.followers_count", "value": value},
        {"kind": "patch", "path": "/rest/", "at": "firstDegreeSize", "value": value},
    )
    user = get(api, "twitter", "/2/users/me?user.fields=public_metrics").json()["data"]
    size = get(api, "linkedin", "/rest/networkSizes/{urn}?edgeType=COMPANY_FOLLOWED_BY_MEMBER").json()
    for found in (user["public_metrics"]["followers_count"], size["firstDegreeSize"]):
        assert (found, type(found)) == (value, type(value))
    assert isinstance(user["public_metrics"]["tweet_count"], int)


def test_one_item_of_a_list_may_be_odd(api: Simulator) -> None:
    api.set_faults(
        {"kind": "patch", "path": "/rest/posts", "at": "elements.1.publishedAt", "delete": True},
        {"kind": "patch", "path": "/rest/posts", "at": "elements.2", "value": None},
        {"kind": "patch", "path": "/tweets", "at": "data.1.created_at", "value": "yesterday"},
    )
    elements = get(api, "linkedin", "/rest/posts?q=author&author={urn}").json()["elements"]
    assert ("publishedAt" in elements[0], "publishedAt" in elements[1], elements[2]) == (True, False, None)
    tweets = get(api, "twitter", "/2/users/{me}/tweets?tweet.fields=created_at").json()["data"]
    assert tweets[1]["created_at"] == "yesterday" != tweets[0]["created_at"]


def test_renamed_user_has_its_new_name_everywhere(api: Simulator) -> None:
    old = get(api, "twitter", "/2/users/me").json()["data"]["username"]
    api.set_faults({"kind": "rename", "account": me(api, "twitter"), "value": "brand.new"})
    for path in ("/2/users/me", "/2/users/{me}", "/2/users/by/username/Brand_New"):
        data = get(api, "twitter", path).json()["data"]
        assert (data["id"], data["username"], data["name"]) == (me(api, "twitter"), "brand_new", "Brand New")
    gone = get(api, "twitter", f"/2/users/by?usernames={old},brand_new").json()
    assert ([one["username"] for one in gone["data"]], gone["errors"][0]["value"]) == (["brand_new"], old)
    assert get(api, "twitter", "/2/users/me", 1).json()["data"]["username"] != "brand_new"
    assert struck(api)[0] >= 4


def test_renamed_organization_has_its_new_name_everywhere(api: Simulator) -> None:
    old = get(api, "linkedin", "/rest/organizations/{me}").json()["vanityName"]
    api.set_faults({"kind": "rename", "account": me(api, "linkedin"), "value": "brand-new"})
    found = get(api, "linkedin", "/rest/organizations/{me}").json()
    assert (found["vanityName"], found["localizedName"]) == ("brand-new", "Brand New")
    assert found["name"]["localized"]["en_US"] == "Brand New"
    (named,) = get(api, "linkedin", "/rest/organizations?q=vanityName&vanityName=brand-new").json()["elements"]
    assert named["id"] == found["id"]
    assert get(api, "linkedin", f"/rest/organizations?q=vanityName&vanityName={old}").json()["elements"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rename", "value": "a"},
        {"kind": "rename", "account": "1"},
        {"kind": "rename", "account": "1", "value": 5},
        {"kind": "rename", "account": "1", "value": "two words"},
        {"kind": "suspended"},
        {"kind": "deleted", "account": "1", "value": 1},
        {"kind": "monthly_cap", "value": 32},
        {"kind": "monthly_cap", "value": "28"},
    ],
)
def test_quirk_that_is_not_said_in_full_is_refused(api: Simulator, fault: dict[str, Any]) -> None:
    answer = api.client.put("/_control/faults", json=[fault])
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]


def test_suspended_user_is_forbidden_to_others_and_its_posts_are_shown_to_nobody(api: Simulator) -> None:
    post = posts(api, "twitter")[-1].platform_post_id
    api.set_faults({"kind": "suspended", "account": me(api, "twitter")})
    own = get(api, "twitter", "/2/users/me")
    assert (own.status_code, own.json()["title"]) == (403, "Forbidden")
    for path in ("/2/users/{me}", "/2/users?ids={me}", "/2/users/{me}/tweets"):
        body = get(api, "twitter", path, 1).json()
        assert body.keys() == {"errors"}
        assert body["errors"][0]["title"] == "Forbidden"
        assert body["errors"][0]["type"].endswith("resource-not-found")
    (error,) = get(api, "twitter", f"/2/tweets?ids={post}", 1).json()["errors"]
    assert error["type"].endswith("not-authorized-for-resource")
    headers = {"Authorization": f"Bearer {app_token(api)}"}
    assert "errors" in api.client.get(f"/2/users/{me(api, 'twitter')}", headers=headers).json()
    api.set_faults()
    assert "data" in get(api, "twitter", "/2/users/me").json()


def test_deleted_user_is_not_found(api: Simulator) -> None:
    post = posts(api, "twitter")[-1].platform_post_id
    api.set_faults({"kind": "deleted", "account": me(api, "twitter")})
    assert get(api, "twitter", "/2/users/me").status_code == 401
    for path in ("/2/users/{me}", f"/2/tweets/{post}", "/2/users/{me}/tweets"):
        (error,) = get(api, "twitter", path, 1).json()["errors"]
        assert error["title"] == "Not Found Error"


@pytest.mark.parametrize(("kind", "status"), [("suspended", 403), ("deleted", 404)])
def test_organization_that_is_gone_is_nobodys(api: Simulator, kind: str, status: int) -> None:
    post = quote(posts(api, "linkedin")[-1].platform_post_id, safe="")
    api.set_faults({"kind": kind, "account": me(api, "linkedin")})
    network = "/rest/networkSizes/{urn}?edgeType=COMPANY_FOLLOWED_BY_MEMBER"
    assert get(api, "linkedin", network).status_code == status
    assert get(api, "linkedin", "/rest/organizations/{me}").status_code == status
    assert get(api, "linkedin", "/rest/posts?q=author&author={urn}").status_code == 403
    assert get(api, "linkedin", f"/rest/posts/{post}").status_code == 404
    assert get(api, "linkedin", "/rest/organizationAcls?q=roleAssignee").json()["elements"] == []
    assert get(api, "linkedin", "/v2/me").status_code == 200
    assert get(api, "linkedin", "/rest/organizations/90000001", 1).status_code == 200


def of_x(api: Simulator, post: str) -> tuple[bool, bool]:
    """Tell whether a post is found by id, and whether it is in the timeline."""
    by_id = "data" in get(api, "twitter", f"/2/tweets?ids={post}").json()
    listed = get(api, "twitter", "/2/users/{me}/tweets?max_results=100").json()["data"]
    return by_id, post in {one["id"] for one in listed}


def of_linkedin(api: Simulator, post: str) -> tuple[bool, bool]:
    """Tell whether a post is found by id and has statistics, and whether it is in the list of its author."""
    name = "ugcPosts" if ":ugcPost:" in post else "shares"
    urn = quote(post, safe="")
    by_id = get(api, "linkedin", f"/rest/posts?ids=List({urn})").json()["results"]
    finder = "/rest/organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={urn}"
    counted = get(api, "linkedin", f"{finder}&{name}=List({urn})").json()["elements"]
    listed = get(api, "linkedin", "/rest/posts?q=author&author={urn}&count=100").json()["elements"]
    assert bool(counted) == bool(by_id)
    return post in by_id, post in {one["id"] for one in listed}


@pytest.mark.parametrize("named", ["object", "account"])
@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
def test_post_goes_and_comes_back(api: Simulator, platform: Platform, named: str) -> None:
    there = of_x if platform == "twitter" else of_linkedin
    other, post = (one.platform_post_id for one in posts(api, platform)[-3:-1])
    api.set_faults({"kind": "partial", named: post})
    assert there(api, post) == (False, False)
    assert there(api, other) == (True, True)
    assert struck(api)[0] >= 2
    api.set_faults()
    assert there(api, post) == (True, True)


def test_timeline_with_private_metrics_may_go_back_thirty_days_alone(api: Simulator) -> None:
    """This follows X's page on timelines; the real behaviour was not recorded."""
    path = "/2/users/{me}/tweets?max_results=100&tweet.fields=created_at,non_public_metrics"
    whole = get(api, "twitter", path).json()
    api.set_faults({"kind": "private_window"})
    young = get(api, "twitter", path).json()
    assert "errors" in whole
    assert "errors" not in young
    oldest = min(one["created_at"] for one in young["data"])
    assert datetime.fromisoformat(oldest) >= NOW - timedelta(days=30)
    public = get(api, "twitter", path.replace(",non_public_metrics", "")).json()
    assert len(public["data"]) == len(whole["data"]) > len(young["data"])
    assert struck(api) == [1]


@pytest.mark.parametrize(
    ("platform", "path", "items"),
    [
        ("instagram", "/v25.0/{me}/media?after=99999999999999999999", "data"),
        ("facebook", "/v25.0/{me}/published_posts?after=99999999999999999999", "data"),
        ("twitter", "/2/users/{me}/tweets?pagination_token=sim99999999999999999999", "data"),
        ("linkedin", "/rest/posts?q=author&author={urn}&start=99999999999999999999", "elements"),
    ],
)
def test_place_far_behind_the_end_of_a_list_is_an_empty_page(
    api: Simulator, platform: Platform, path: str, items: str
) -> None:
    answer = get(api, platform, path)
    assert answer.status_code == 200
    assert not answer.json().get(items)
