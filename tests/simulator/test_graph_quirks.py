"""Quirks of the simulated Graph API as faults, in single answers and in batch elements."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from simulator.world import SimAccount, SimPost
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
LISTS: dict[Platform, str] = {"instagram": "media", "facebook": "published_posts"}
META: tuple[Platform, ...] = ("instagram", "facebook")


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def account(api: Simulator, platform: Platform, number: int = 0) -> SimAccount:
    return api.world.account(platform, number)


def ask(api: Simulator, platform: Platform, path: str = "{me}", number: int = 0, **params: Any) -> Any:
    """Return the body of an answer; `{me}` stands for the account of the token."""
    whose = account(api, platform, number)
    where = path.replace("{me}", whose.platform_account_id)
    return api.client.get(f"/v25.0/{where}", params={"access_token": whose.token, **params}).json()


def batch(api: Simulator, platform: Platform, *urls: str) -> list[Any]:
    """Return the bodies of the elements of a batch, None for a null element."""
    whose = account(api, platform)
    elements = [{"method": "GET", "relative_url": url.replace("{me}", whose.platform_account_id)} for url in urls]
    sent = {"access_token": whose.token, "batch": json.dumps(elements)}
    found = api.client.post("/v25.0/", data=sent).json()
    return [one and json.loads(one["body"]) for one in found]


def posts(api: Simulator, platform: Platform, **wanted: Any) -> list[SimPost]:
    """Return the visible posts of an account, newest first."""
    found = reversed(api.world.posts(account(api, platform), NOW - timedelta(days=90), NOW))
    return [p for p in found if p.visible(NOW) and all(getattr(p, k) == v for k, v in wanted.items())]


def ids(body: Any) -> list[str]:
    return [one["id"] for one in body["data"]]


def value_of(body: Any, metric: str) -> Any:
    (row,) = [row for row in body["data"] if row["name"] == metric]
    return row["values"][0]["value"]


def code(body: Any) -> tuple[int, int | None]:
    return body["error"]["code"], body["error"].get("error_subcode")


@pytest.mark.parametrize("platform", META)
def test_cursor_that_does_not_advance(api: Simulator, platform: Platform) -> None:
    path = f"{{me}}/{LISTS[platform]}"
    first = ids(ask(api, platform, path, limit=3))
    api.set_faults({"kind": "repeated_cursor", "path": LISTS[platform]})
    after, seen = "", list[Any]()
    for _ in range(4):
        (body,) = batch(api, platform, f"{path}?limit=3&after={after}")
        after = body["paging"]["cursors"]["after"]
        assert "next" in body["paging"]
        seen.append((ids(body), after))
    assert [one for _, one in seen] == ["3"] * 4
    assert (seen[0][0], seen[1], seen[1][0] == first) == (first, seen[2], False)
    # A list of one page repeats that page.
    whole = ask(api, platform, path, limit=100, since="2026-11-10")
    again = ask(api, platform, path, limit=100, since="2026-11-10", after=whole["paging"]["cursors"]["after"])
    assert (ids(again), again["paging"]["cursors"]["after"]) == (ids(whole), "100")


@pytest.mark.parametrize("platform", META)
@pytest.mark.parametrize("kind", ["null_element", "error", "account_limit", "app_limit", "permission", "patch"])
def test_list_fails_on_its_second_page_alone(api: Simulator, platform: Platform, kind: str) -> None:
    path = LISTS[platform]
    more = {"at": "data", "value": "no list"} if kind == "patch" else {}
    api.set_faults({"kind": kind, "path": path, "page": 2, "times": 1, **more})
    pages = [f"{{me}}/{path}?limit=3&after={start}" for start in ("0", "3", "6")]
    first, second, third, node = batch(api, platform, *pages, "{me}?fields=id")
    assert len(ids(first)) == len(ids(third)) == 3
    assert node["id"] == account(api, platform).platform_account_id
    wrong = second is None if kind == "null_element" else "error" in second or second["data"] == "no list"
    assert wrong
    assert len(ids(batch(api, platform, pages[1])[0])) == 3


@pytest.mark.parametrize("platform", META)
def test_what_is_no_list_has_no_first_page(api: Simulator, platform: Platform) -> None:
    post = posts(api, platform)[0].platform_post_id
    api.set_faults({"kind": "error", "page": 1})
    node, insights, listed = batch(
        api, platform, f"{post}?fields=id", "{me}/insights", f"{{me}}/{LISTS[platform]}?limit=3"
    )
    assert (node["id"], insights["error"]["code"], listed["error"]["code"]) == (post, 3001, 2)
    many = api.client.get("/v25.0/", params={"ids": post, "access_token": account(api, platform).token})
    assert many.status_code == 200
    by_ids = {"ids": account(api, platform).platform_account_id, "access_token": account(api, platform).token}
    assert api.client.get(f"/v25.0/{LISTS[platform]}", params=by_ids).status_code == 500
    assert "error" in ask(api, platform, "me/accounts")


@pytest.mark.parametrize("platform", META)
def test_empty_page_names_another_cursor_each_time(api: Simulator, platform: Platform) -> None:
    path, seen, after = f"{{me}}/{LISTS[platform]}", list[str](), ""
    whole = ids(ask(api, platform, path, limit=3))
    api.set_faults({"kind": "empty_page", "times": 3})
    for _ in range(3):
        body = ask(api, platform, path, limit=3, after=after)
        after = body["paging"]["cursors"]["after"]
        assert (body["data"], "next" in body["paging"]) == ([], True)
        seen.append(after)
    assert len(set(seen)) == 3
    assert ids(ask(api, platform, path, limit=3, after=after)) == whole


@pytest.mark.parametrize("platform", META)
def test_list_asks_for_less_until_it_gets_less(api: Simulator, platform: Platform) -> None:
    path = LISTS[platform]
    api.set_faults({"kind": "too_much_data", "path": path, "value": 10})
    for limit, there in ((50, False), (11, False), (10, True), (1, True)):
        (body,) = batch(api, platform, f"{{me}}/{path}?limit={limit}")
        assert ("data" in body) == there
        if not there:
            assert body["error"]["code"] == 1
            assert "reduce the amount of data" in body["error"]["message"]
    whose = account(api, platform)
    answer = api.client.get(f"/v25.0/{whose.platform_account_id}/{path}", params={"access_token": whose.token})
    assert answer.status_code == 500
    nested = ask(api, platform, "{me}", fields=f"{path}.limit(20){{id}}")
    assert nested["error"]["code"] == 1


@pytest.mark.parametrize("language", ["de", "pt", "th"])
def test_text_for_the_user_is_in_another_language(api: Simulator, language: str) -> None:
    image = posts(api, "instagram", native=("IMAGE", "FEED"))[0].platform_post_id
    urls = [f"{image}/insights?metric=nonsense", "180000099990000000", "{me}/nonsense"]
    plain = batch(api, "instagram", *urls)
    api.set_faults({"kind": "localised", "value": language})
    for before, after in zip(plain, batch(api, "instagram", *urls), strict=True):
        assert after["error"]["message"] == before["error"]["message"]
        assert after["error"]["code"] == before["error"]["code"]
        assert after["error"]["error_user_msg"] != before["error"].get("error_user_msg")
    assert ask(api, "instagram", "{me}/nonsense")["error"]["error_user_title"]
    api.set_faults({"kind": "localised", "value": language, "path": "insights"})
    texts = ["error_user_msg" in body["error"] for body in batch(api, "instagram", *urls)]
    assert texts == [True, False, False]


def test_localised_texts_tell_refusals_apart(api: Simulator) -> None:
    api.set_faults({"kind": "localised", "value": "de"}, {"kind": "permission", "path": "insights"})
    permission = ask(api, "facebook", "{me}/insights", metric="page_media_view")["error"]["error_user_msg"]
    missing = ask(api, "facebook", "100000000999999")["error"]["error_user_msg"]
    api.set_faults({"kind": "localised", "value": "de"})
    metric = ask(api, "facebook", "{me}/insights", metric="nonsense")["error"]["error_user_msg"]
    assert len({permission, missing, metric}) == 3


def test_one_medium_refuses_what_others_of_its_kind_have(api: Simulator) -> None:
    odd, other = (post.platform_post_id for post in posts(api, "instagram", native=("IMAGE", "FEED"))[:2])
    api.set_faults({"kind": "refused_metric", "object": odd, "metric": "views"})
    fields = "fields=insights.metric(views,reach)"
    alone, nested, left, others = batch(
        api, "instagram", f"{odd}/insights?metric=views", f"{odd}?{fields}", f"{odd}/insights?metric=reach",
        f"{other}?{fields}",
    )  # fmt: skip
    for body in (alone, nested):
        assert "does not support the views metric" in body["error"]["message"]
    assert value_of(left, "reach") >= 0
    assert value_of(others["insights"], "views") >= 0


def test_one_account_refuses_a_metric(api: Simulator) -> None:
    whose = account(api, "facebook")
    api.set_faults({"kind": "refused_metric", "account": whose.platform_account_id, "metric": "post_clicks"})
    post = posts(api, "facebook", metric_type="post")[0].platform_post_id
    assert ask(api, "facebook", f"{post}/insights", metric="post_clicks")["error"]["code"] == 100
    assert ask(api, "facebook", f"{post}/insights", metric="post_media_view")["data"]
    other = api.world.posts(account(api, "facebook", 1), NOW - timedelta(days=30), NOW)
    name = next(p.platform_post_id for p in other if p.visible(NOW) and p.metric_type == "post")
    assert ask(api, "facebook", f"{name}/insights", 1, metric="post_clicks")["data"]


def test_medium_may_be_an_advertisement(api: Simulator) -> None:
    odd = posts(api, "instagram", native=("IMAGE", "FEED"))[0].platform_post_id
    api.set_faults(
        {"kind": "patch", "path": "media", "at": f"data.[id={odd}].media_product_type", "value": "AD"},
        {"kind": "patch", "object": odd, "at": "media_product_type", "value": "AD"},
        {"kind": "refused_metric", "object": odd, "metric": "views"},
    )
    listed = ask(api, "instagram", "{me}/media", fields="media_product_type", limit=100)["data"]
    assert [one["id"] for one in listed if one["media_product_type"] == "AD"] == [odd]
    assert ask(api, "instagram", odd, fields="media_product_type")["media_product_type"] == "AD"
    assert "error" in ask(api, "instagram", f"{odd}/insights", metric="views")


@pytest.mark.parametrize("platform", META)
def test_insights_of_one_account_need_a_permission_that_its_nodes_do_not(api: Simulator, platform: Platform) -> None:
    whose = account(api, platform)
    post = next(p for p in posts(api, platform) if p.metric_type == "post").platform_post_id
    metric = {"instagram": "reach", "facebook": "post_clicks"}[platform]
    api.set_faults({"kind": "permission", "account": whose.platform_account_id, "path": "insights"})
    node, edge, nested, page = batch(
        api, platform, f"{post}?fields=id", f"{post}/insights?metric={metric}",
        f"{post}?fields=id,insights.metric({metric})", "{me}?fields=id,username",
    )  # fmt: skip
    assert (node, page["username"]) == ({"id": post}, whose.handle)
    wanted = {"instagram": 10, "facebook": 100}[platform]
    assert [body["error"]["code"] for body in (edge, nested)] == [wanted, wanted]
    assert all("ermission" in body["error"]["message"] for body in (edge, nested))
    other = next(p for p in api.world.posts(account(api, platform, 1), NOW - timedelta(days=30), NOW)
                 if p.visible(NOW) and p.metric_type == "post")  # fmt: skip
    assert "data" in ask(api, platform, f"{other.platform_post_id}/insights", 1, metric=metric)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("data.*.values.1.value", {"delete": True}),
        ("data.*.values.1", {"value": {}}),
        ("data.*.values", {"value": [{}]}),
        ("data.*.values.1.value", {"value": "7"}),
        ("data.*.values.1.value", {"value": {"x": 1}}),
        ("data.*.values.1.end_time", {"delete": True}),
        ("data.*.values.1.value", {"value": 18446744073709551615}),
        ("data.*.values.1.value", {"value": 27674957142767538857}),
    ],
)
def test_day_of_a_series_may_be_odd(api: Simulator, at: str, value: dict[str, Any]) -> None:
    url = "{me}/insights?metric=page_media_view,page_views_total&period=day&since=2026-11-10&until=2026-11-15"
    (plain,) = batch(api, "facebook", url)
    where = at.replace("*", "[name=page_media_view]")
    api.set_faults({"kind": "patch", "path": "insights", "at": where, **value})
    (found,) = batch(api, "facebook", url)
    assert found["data"][1] == plain["data"][1]
    assert found["data"][0] != plain["data"][0]
    assert found["data"][0]["values"][0] == (value.get("value", [None])[0] if at == "data.*.values"
                                             else plain["data"][0]["values"][0])  # fmt: skip
    if at.endswith("value") and "value" in value:
        assert found["data"][0]["values"][1]["value"] == value["value"]


@pytest.mark.parametrize("platform", META)
def test_old_item_is_pinned_to_the_top(api: Simulator, platform: Platform) -> None:
    path = f"{{me}}/{LISTS[platform]}"
    shown = [p for p in posts(api, platform) if platform == "instagram" or p.metric_type == "post"]
    old = next(p.platform_post_id for p in reversed(shown) if p.metric_type == "post")
    whole = ids(ask(api, platform, path, limit=100))
    api.set_faults({"kind": "pinned", "account": account(api, platform).platform_account_id, "value": old})
    first, second = (ids(ask(api, platform, path, limit=5, after=after)) for after in ("0", "5"))
    left = [one for one in whole if one != old]
    assert first + second == [old, *left[:9]]
    assert ids(ask(api, platform, path, limit=100)).count(old) == 1
    stories = {"instagram": "stories", "facebook": "video_reels"}[platform]
    assert old not in ids(ask(api, platform, f"{{me}}/{stories}"))
    other = account(api, platform, 1)
    assert old not in ids(ask(api, platform, path, 1, limit=100))
    api.set_faults({"kind": "pinned", "account": other.platform_account_id, "value": old})
    assert old not in ids(ask(api, platform, path, 1, limit=100))


@pytest.mark.parametrize(
    ("at", "more"),
    [
        ("data.1.created_time", {"delete": True}),
        ("data.1.created_time", {"value": "yesterday"}),
        ("data.1.shares", {"value": {"count": None}}),
        ("data.1.id", {"delete": True}),
        ("data.1", {"value": None}),
    ],
)
def test_one_item_of_a_list_may_be_odd(api: Simulator, at: str, more: dict[str, Any]) -> None:
    url = "{me}/published_posts?fields=id,created_time,shares&limit=3"
    (plain,) = batch(api, "facebook", url)
    api.set_faults({"kind": "patch", "path": "published_posts", "at": at, **more})
    (found,) = batch(api, "facebook", url)
    assert [one == other for one, other in zip(plain["data"], found["data"], strict=True)] == [True, False, True]


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


def test_reels_stand_in_both_lists(api: Simulator) -> None:
    reel = posts(api, "facebook", metric_type="reel")[0].platform_post_id
    asked = "fields=id,created_time,attachments{media_type,target{id},url}&limit=100&since=2026-10-01"
    (plain,) = batch(api, "facebook", f"{{me}}/published_posts?{asked}")
    api.set_faults({"kind": "reels_among_posts"})
    (both,) = batch(api, "facebook", f"{{me}}/published_posts?{asked}")
    bounds: dict[str, Any] = {"limit": 100, "since": "2026-10-01"}
    listed = ask(api, "facebook", "{me}/video_reels", fields="id,post_id,created_time", **bounds)["data"]
    (story,) = [one for one in listed if one["id"] == reel]
    (post,) = [one for one in both["data"] if one["id"] == story["post_id"]]
    (attached,) = post["attachments"]["data"]
    assert (attached["media_type"], attached["target"]["id"], post["created_time"]) == (
        "video", reel, story["created_time"]
    )  # fmt: skip
    assert f"/reel/{reel}/" in attached["url"]
    assert set(ids(both)) - set(ids(plain)) == {one["post_id"] for one in listed}


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


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "too_much_data"},
        {"kind": "too_much_data", "value": 0},
        {"kind": "too_much_data", "value": True},
        {"kind": "refused_metric"},
        {"kind": "localised", "value": "fr"},
        {"kind": "localised"},
        {"kind": "pinned", "value": "1"},
        {"kind": "pinned", "account": "1", "value": 5},
        {"kind": "instagram_login"},
        {"kind": "reels_among_posts", "value": 1},
    ],
)
def test_quirk_that_is_not_said_in_full_is_refused(api: Simulator, fault: dict[str, Any]) -> None:
    answer = api.client.put("/_control/faults", json=[fault])
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]
