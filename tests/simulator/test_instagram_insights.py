"""Insights of the simulated Instagram: periods, totals, breakdowns, and the metrics of each kind of media."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator import truth
from simulator.world import SimPost
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator.instagram import ask, media, shape
from tests.simulator_fixture import Simulator


def test_media_insights_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    answer = ask(api, f"{post.platform_post_id}/insights", metric="reach,saved").json()
    assert shape(answer) == shape(recorded(fixtures, "instagram/airbyte_media_insights_feed"))
    assert answer["data"][0]["id"] == f"{post.platform_post_id}/insights/reach/lifetime"


def test_account_insights_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    answer = ask(api, "{ig}/insights", metric="follower_count,reach", period="day").json()
    assert shape(answer["data"]) == shape(recorded(fixtures, "instagram/airbyte_user_insights_day")["data"])
    assert {v["end_time"][11:] for row in answer["data"] for v in row["values"]} == {"08:00:00+0000"}


@pytest.mark.parametrize("metric", ["impressions", "nonsense", "replies"])
def test_one_wrong_metric_fails_the_whole_request(api: Simulator, metric: str) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    answer = ask(api, f"{post.platform_post_id}/insights", metric=f"reach,{metric}")
    assert answer.json()["error"]["code"] == 100


def test_activity_by_action_adds_up(api: Simulator) -> None:
    where = f"{media(api, content_type='image', metric_type='post').platform_post_id}/insights"
    (row,) = ask(api, where, metric="profile_activity", breakdown="action_type").json()["data"]
    total = row["total_value"]
    (parts,) = total["breakdowns"]
    assert parts["dimension_keys"] == ["action_type"]
    assert sum(one["value"] for one in parts["results"]) == total["value"] == row["values"][0]["value"]
    assert ask(api, where, metric="reach", breakdown="action_type").json()["error"]["code"] == 100


@pytest.mark.parametrize("period", ["day", "week", "days_28"])
def test_reach_of_each_period_is_its_own(api: Simulator, period: str) -> None:
    account = api.world.account("instagram", 0)
    asked = {"metric": "reach", "since": "2026-11-17", "until": "2026-11-20"}
    (row,) = ask(api, "{ig}/insights", period=period, **asked).json()["data"]
    assert [value["end_time"][:10] for value in row["values"]] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    for value in row["values"]:
        day = datetime.fromisoformat(value["end_time"]).date() - timedelta(days=1)
        query = {"object": account.platform_account_id, "field": "reach", "instant": f"{day}T00:00:00Z"}
        told = api.client.get("/_control/truth", params={**query, "period": period}).json()["value"]
        days = {"day": 1, "week": 7, "days_28": 28}[period]
        assert value["value"] == told == truth.period_value(api.world, account, "reach", day, days)


def test_people_of_a_range_are_counted_once(api: Simulator) -> None:
    asked = {"metric": "reach,views", "period": "day", "since": "2026-11-10", "until": "2026-11-17"}
    reach, views = ask(api, "{ig}/insights", metric_type="total_value", **asked).json()["data"]
    days = ask(api, "{ig}/insights", **{**asked, "metric": "reach"}).json()["data"][0]["values"]
    values = [value["value"] for value in days]
    assert max(values) <= reach["total_value"]["value"] < sum(values)
    account = api.world.account("instagram", 0)
    wanted = [truth.day_value(api.world, account, "views", date(2026, 11, day)) for day in range(10, 17)]
    assert views["total_value"]["value"] == sum(wanted)


def total(api: Simulator, metric: str, **params: Any) -> Any:
    asked = {"metric": metric, "metric_type": "total_value", "period": "day", **params}
    return ask(api, "{ig}/insights", **asked).json()


@pytest.mark.parametrize(
    ("metric", "breakdown"),
    [
        ("reach", "nonsense"),
        ("reach", "media_product_type,nonsense"),
        ("reach", "contact_button_type"),
        ("accounts_engaged", "media_product_type"),
        ("views,replies", "media_product_type"),
        ("likes", "age"),
    ],
)
def test_breakdown_that_does_not_fit_is_refused(api: Simulator, metric: str, breakdown: str) -> None:
    assert total(api, metric, breakdown=breakdown)["error"]["code"] == 100


def test_series_have_no_breakdown(api: Simulator) -> None:
    answer = ask(api, "{ig}/insights", metric="reach", period="day", breakdown="follow_type").json()
    assert answer["error"]["code"] == 100


@pytest.mark.parametrize(
    ("metric", "breakdown"),
    [
        ("views", "follow_type"),
        ("views", "media_product_type,follower_type"),
        ("reposts", "media_product_type"),
        ("profile_links_taps", "contact_button_type"),
        ("reach", "media_product_type,follow_type"),
    ],
)
def test_total_is_broken_down(api: Simulator, metric: str, breakdown: str) -> None:
    (row,) = total(api, metric, breakdown=breakdown)["data"]
    (parts,) = row["total_value"]["breakdowns"]
    assert parts["dimension_keys"] == breakdown.split(",")
    assert all(len(one["dimension_values"]) == len(parts["dimension_keys"]) for one in parts["results"])
    added = sum(one["value"] for one in parts["results"])
    value = row["total_value"]["value"]
    # Some people are in several parts; all other metrics add up.
    assert value <= added <= value * 1.1 if metric == "reach" else added == value
    (plain,) = total(api, metric)["data"]
    assert plain["total_value"] == {"value": value}


def test_walk_along_an_accounts_insights_ends(api: Simulator) -> None:
    answer, pages = total(api, "views", since="2026-11-10", until="2026-11-13"), 0
    while "next" in answer["paging"]:
        answer = api.client.get(answer["paging"]["next"]).json()
        pages += 1
        assert pages < 9
    assert set(answer["paging"]) == {"previous"}
    lifetime = {"period": "lifetime", "breakdown": "age"}
    assert "paging" not in total(api, "follower_demographics", **lifetime)


@pytest.mark.parametrize(
    ("kind", "metrics"),
    [
        ({"native": ("IMAGE", "FEED")}, "reposts,total_likes,total_comments,total_views"),
        ({"content_type": "carousel"}, "reposts,total_views"),
        ({"metric_type": "reel"}, "reposts,reels_skip_rate,total_likes,total_comments,total_views"),
        ({"metric_type": "story"}, "link_clicks,profile_activity"),
    ],
)
def test_newer_metrics_are_there_for_their_kinds(api: Simulator, kind: dict[str, Any], metrics: str) -> None:
    if kind.get("metric_type") == "story":
        api.set_clock(story_of(api).published_at + timedelta(hours=20))
    name = (story_of(api) if kind.get("metric_type") == "story" else media(api, **kind)).platform_post_id
    rows = ask(api, f"{name}/insights", metric=metrics).json()["data"]
    assert [row["name"] for row in rows] == metrics.split(",")
    assert all(row["values"][0]["value"] >= 0 for row in rows)


def story_of(api: Simulator) -> SimPost:
    posts = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=90), NOW)
    return next(p for p in posts if p.metric_type == "story" and truth.post_value(
        api.world, p, "reach", p.published_at + timedelta(hours=20)) > 9)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ({"native": ("IMAGE", "FEED")}, "reels_skip_rate"),
        ({"native": ("IMAGE", "FEED")}, "link_clicks"),
        ({"native": ("IMAGE", "FEED")}, "crossposted_views"),
        ({"native": ("VIDEO", "FEED")}, "reposts"),
        ({"metric_type": "reel"}, "link_clicks"),
    ],
)
def test_newer_metrics_of_other_kinds_are_refused(api: Simulator, kind: dict[str, Any], metric: str) -> None:
    error = ask(api, f"{media(api, **kind).platform_post_id}/insights", metric=metric).json()["error"]
    assert "for this media product type" in error["message"]


def test_views_on_facebook_need_a_reel_that_is_there(api: Simulator) -> None:
    posts = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=90), NOW)
    codes = set()
    for reel in (p for p in posts if p.visible(NOW) and p.metric_type == "reel"):
        answer = ask(api, f"{reel.platform_post_id}/insights", metric="views,facebook_views,crossposted_views").json()
        codes.add(answer.get("error", {}).get("error_subcode"))
        if "data" in answer:
            views, there, both = (row["values"][0]["value"] for row in answer["data"])
            assert both == views + there
    assert codes == {None, 2207086}


@pytest.mark.parametrize("since", ["2026-11-15T00:00:00Z", "1794700800"])
def test_online_followers_are_of_the_days_of_other_metrics(api: Simulator, since: str) -> None:
    # The same instant in both spellings: 16:00 of the Pacific 14th, the first day that ends after it.
    asked = {"since": since, "until": "2026-11-17T09:00:00Z"}
    (days,), (online,) = (
        ask(api, "{ig}/insights", metric=metric, period=period, **asked).json()["data"]
        for metric, period in (("reach", "day"), ("online_followers", "lifetime"))
    )
    ends = [value["end_time"] for value in days["values"]]
    assert [value["end_time"] for value in online["values"]] == ends
    assert len(ends) == 3


def test_online_followers_of_no_whole_day_are_no_row(api: Simulator) -> None:
    asked = {"since": "2026-11-16T09:00:00Z", "until": "2026-11-16T20:00:00Z"}
    for metric, period in (("reach", "day"), ("online_followers", "lifetime")):
        assert ask(api, "{ig}/insights", metric=metric, period=period, **asked).json()["data"] == []
