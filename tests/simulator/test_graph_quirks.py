"""Quirks of texts, metrics and permissions of the simulated Graph API as faults, in single answers and in batches."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from tests.simulator.conftest import NOW
from tests.simulator.graph_api import META, account, ask, batch, posts
from tests.simulator_fixture import Simulator


def value_of(body: Any, metric: str) -> Any:
    (row,) = [row for row in body["data"] if row["name"] == metric]
    return row["values"][0]["value"]


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
    missing = ask(api, "facebook", "199999999999999")["error"]["error_user_msg"]
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
