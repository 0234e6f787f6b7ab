"""The simulated Instagram over HTTP: strictness, paging, batches, faults and control routes."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.world import SimPost
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
SINCE = int(NOW.timestamp())


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def ask(api: Simulator, path: str = "", token: str | None = None, **params: Any) -> httpx.Response:
    account = api.world.account("instagram", 0)
    where = path.replace("{ig}", account.platform_account_id)
    headers = {"Authorization": f"Bearer {token or account.token}"}
    return api.client.get(f"/v25.0/{where}", params=params, headers=headers)


def batch(api: Simulator, *urls: str) -> httpx.Response:
    elements = json.dumps([{"method": "GET", "relative_url": url} for url in urls])
    token = api.world.account("instagram", 0).token
    return api.client.post("/v25.0/", data={"batch": elements, "access_token": token})


def media(api: Simulator, **fields: Any) -> SimPost:
    found = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=90), NOW)
    return next(p for p in found if p.visible(NOW) and all(getattr(p, k) == v for k, v in fields.items()))


def shape(value: Any) -> Any:
    """Return keys, nesting and types; a list has the shape of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / f"instagram/{name}.json").read_text())


def test_media_insights_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    answer = ask(api, f"{post.platform_post_id}/insights", metric="reach,saved").json()
    assert shape(answer) == shape(recorded(fixtures, "airbyte_media_insights_feed"))
    assert answer["data"][0]["id"] == f"{post.platform_post_id}/insights/reach/lifetime"


def test_account_insights_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    answer = ask(api, "{ig}/insights", metric="follower_count,reach", period="day").json()
    assert shape(answer["data"]) == shape(recorded(fixtures, "airbyte_user_insights_day")["data"])
    assert {v["end_time"][11:] for row in answer["data"] for v in row["values"]} == {"08:00:00+0000"}


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("{ig}", {"fields": "nonsense"}, 100),
        ("{ig}", {"fields": "id,media{id"}, 2500),
        ("{ig}/nonsense", {}, 100),
        ("{ig}/insights", {"metric": "views", "period": "day"}, 100),
        ("{ig}/insights", {"metric": "reach", "period": "decade"}, 100),
        ("{ig}/insights", {"period": "day"}, 3001),
        ("{ig}/insights", {"metric": "reach", "period": "day", "since": 1_900_000_000, "until": 1_900_086_400}, 100),
        ("{ig}/insights", {"metric": "reach", "period": "day", "since": 1_760_000_000, "until": 1_763_600_000}, 100),
        (
            "{ig}/insights",
            {"metric": "follower_count", "period": "day", "since": SINCE - 31 * 86_400, "until": SINCE - 29 * 86_400},
            100,
        ),
        ("18000000990000000", {}, 100),
    ],
)
def test_wrong_request_is_refused(api: Simulator, path: str, params: dict[str, Any], code: int) -> None:
    answer = ask(api, path, **params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("metric", ["impressions", "nonsense", "replies"])
def test_one_wrong_metric_fails_the_whole_request(api: Simulator, metric: str) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    answer = ask(api, f"{post.platform_post_id}/insights", metric=f"reach,{metric}")
    assert answer.json()["error"]["code"] == 100


def test_unknown_token_is_refused(api: Simulator) -> None:
    answer = ask(api, "{ig}", token="sim.17841400000000000.wrong")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


def test_media_of_another_account_is_missing(api: Simulator) -> None:
    error = ask(api, media(api).platform_post_id, token=api.world.account("instagram", 1).token).json()["error"]
    assert (error["code"], error["error_subcode"]) == (100, 33)


def test_paging_to_the_end_gives_each_once(api: Simulator) -> None:
    seen, after = [], None
    while True:
        answer = ask(api, "{ig}/media", limit=7, **({"after": after} if after else {})).json()
        seen += [item["id"] for item in answer["data"]]
        after = answer["paging"]["cursors"]["after"]
        if "next" not in answer["paging"]:
            break
    posts = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=400), NOW)
    assert seen == [p.platform_post_id for p in reversed(posts) if p.visible(NOW) and p.metric_type != "story"]


def test_expansion_equals_the_separate_reads(api: Simulator) -> None:
    post = media(api, native=("IMAGE", "FEED")).platform_post_id
    expanded = ask(api, post, fields="id,insights.metric(saved,follows)").json()
    names = {row["name"] for row in expanded["insights"]["data"]}
    assert names == {"saved", "follows"}
    assert shape(expanded["insights"]) == shape(ask(api, f"{post}/insights", metric="saved").json())


def test_batch_answers_in_order_with_json_in_json(api: Simulator) -> None:
    ig = api.world.account("instagram", 0).platform_account_id
    first, second = batch(api, f"v25.0/{ig}?fields=id", f"{ig}?fields=nonsense").json()
    assert (first["code"], json.loads(first["body"])) == (200, {"id": ig})
    assert (second["code"], json.loads(second["body"])["error"]["code"]) == (400, 100)


def test_batch_takes_fifty(api: Simulator) -> None:
    ig = api.world.account("instagram", 0).platform_account_id
    assert len(batch(api, *[ig] * 50).json()) == 50
    assert batch(api, *[ig] * 51).json()["error"]["type"] == "GraphBatchException"


@pytest.mark.parametrize("text", ["nonsense", "3", '["x"]', "[{}]"])
def test_batch_that_is_none_is_refused(api: Simulator, text: str) -> None:
    token = api.world.account("instagram", 0).token
    answer = api.client.post("/v25.0/", data={"batch": text, "access_token": token})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_numbers_are_the_truth_at_the_clock(api: Simulator) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    later = NOW + timedelta(days=30)
    api.set_clock(later)
    got = ask(api, f"{post.platform_post_id}/insights", metric="views").json()["data"][0]["values"][0]["value"]
    assert got == pytest.approx(truth.post_value(api.world, post, "views", later), abs=1)


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("error", 500, 2), ("app_limit", 403, 4), ("account_limit", 400, 80002)]
)
def test_fault_strikes_as_often_as_asked(api: Simulator, kind: str, status: int, code: int) -> None:
    api.set_faults({"kind": kind, "times": 1})
    struck = ask(api, "{ig}")
    assert (struck.status_code, struck.json()["error"]["code"]) == (status, code)
    assert ask(api, "{ig}").status_code == 200


def test_expired_token_stays_expired(api: Simulator) -> None:
    api.set_faults({"kind": "expired_token", "times": 1})
    assert [ask(api, "{ig}").json()["error"]["error_subcode"] for _ in range(2)] == [463, 463]


def test_usage_headers_come_with_traffic(api: Simulator) -> None:
    ig = api.world.account("instagram", 0).platform_account_id
    assert "x-business-use-case-usage" not in ask(api, "{ig}").headers
    batch(api, *[ig] * 30)
    assert ig in json.loads(ask(api, "{ig}").headers["x-business-use-case-usage"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", '{"now": "yesterday"}'),
        ("clock", '{"now": "2026-01-15T10:00:00+00:00", "zone": "x"}'),
        ("clock", "nonsense"),
        ("faults", '[{"kind": "nonsense"}]'),
        ("faults", '[{"kind": "html", "colour": "red"}]'),
        ("faults", "3"),
        ("latency", '{"ms": -1}'),
        ("latency", "nonsense"),
    ],
)
def test_control_refuses_nonsense_in_one_line(api: Simulator, path: str, body: str) -> None:
    answer = api.client.put(f"/_control/{path}", content=body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]


def test_control_tells_the_truth(api: Simulator) -> None:
    account = api.world.account("instagram", 0)
    query = {"object": account.platform_account_id, "field": "followers_count", "instant": NOW.isoformat()}
    got = api.client.get("/_control/truth", params=query).json()
    assert got == {"value": truth.account_value(api.world, account, "followers_count", NOW)}


@pytest.mark.parametrize("change", [{"object": "1"}, {"field": "x"}, {"instant": "x"}, {"instant": "2026-01-01T00:00"}])
def test_control_refuses_questions_without_an_answer(api: Simulator, change: dict[str, str]) -> None:
    post = media(api).platform_post_id
    query = {"object": post, "field": "views", "instant": NOW.isoformat(), **change}
    assert api.client.get("/_control/truth", params=query).status_code == 400


def test_activity_by_action_adds_up(api: Simulator) -> None:
    where = f"{media(api, content_type='image', metric_type='post').platform_post_id}/insights"
    (row,) = ask(api, where, metric="profile_activity", breakdown="action_type").json()["data"]
    total = row["total_value"]
    (parts,) = total["breakdowns"]
    assert parts["dimension_keys"] == ["action_type"]
    assert sum(one["value"] for one in parts["results"]) == total["value"] == row["values"][0]["value"]
    assert ask(api, where, metric="reach", breakdown="action_type").json()["error"]["code"] == 100


def test_children_have_the_fields_that_are_asked_for(api: Simulator) -> None:
    album = media(api, content_type="carousel").platform_post_id
    asked = "id,media_type,media_url"
    edge = ask(api, f"{album}/children", fields=asked).json()
    assert [set(one) for one in edge["data"]] == [set(asked.split(","))] * 2
    assert ask(api, album, fields=f"children{{{asked}}}").json()["children"] == edge


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "rate": 2},
        {"kind": "error", "times": -1},
        {"kind": "error", "times": True},
        {"kind": "slow", "seconds": -1},
        {"kind": "retired_metric"},
    ],
)
def test_fault_that_makes_no_sense_is_refused(api: Simulator, fault: dict[str, Any]) -> None:
    assert api.client.put("/_control/faults", json=[fault]).status_code == 400


def test_clock_stays_within_the_world(api: Simulator) -> None:
    for instant, status in (("0001-01-01", 400), ("2024-07-01", 200), ("9999-12-31", 400)):
        now = f"{instant}T00:00:00Z"
        assert api.client.put("/_control/clock", json={"now": now}).status_code == status
    assert api.client.put("/_control/faults", json={"kind": "error"}).json()["detail"] == "send a list of faults"


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


def test_child_of_an_album_is_read_by_itself(api: Simulator) -> None:
    album = media(api, content_type="carousel").platform_post_id
    asked = "id,ig_id,media_type,media_url,owner,permalink,shortcode,timestamp,username"
    children = ask(api, f"{album}/children", fields=asked).json()["data"]
    for child in children:
        assert ask(api, child["id"], fields=asked).json() == child
        assert ask(api, child["id"], fields="like_count,caption,thumbnail_url").json() == {"id": child["id"]}
        assert ask(api, child["id"], fields="nonsense").json()["error"]["code"] == 100
        assert ask(api, f"{child['id']}/insights", metric="reach").json()["error"]["code"] == 100
        other = api.world.account("instagram", 1).token
        assert ask(api, child["id"], token=other).json()["error"]["error_subcode"] == 33
    assert len({child["permalink"] for child in children}) == 2


def test_part_of_what_is_no_album_is_missing(api: Simulator) -> None:
    image = media(api, content_type="image", metric_type="post").platform_post_id
    for name in (f"179{image[3:]}0", f"179{media(api, content_type='carousel').platform_post_id[3:]}2"):
        assert ask(api, name).json()["error"]["error_subcode"] == 33


def test_old_number_of_a_media_is_a_number(api: Simulator) -> None:
    found = ask(api, media(api).platform_post_id, fields="ig_id").json()
    assert found["ig_id"] == str(int(found["ig_id"])) != found["id"]


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


def test_fields_that_count_are_the_truth(api: Simulator) -> None:
    post = media(api, native=("IMAGE", "FEED"))
    fields = {"saved_count": "saved", "shares_count": "shares", "reposts_count": "reposts"}
    found = ask(api, post.platform_post_id, fields=",".join(fields)).json()
    for name, field in fields.items():
        assert abs(found[name] - truth.post_value(api.world, post, field, NOW)) <= 1


def test_account_has_its_other_edges(api: Simulator) -> None:
    assert ask(api, "{ig}/live_media").json() == {"data": []}
    (limit,) = ask(api, "{ig}/content_publishing_limit", fields="config,quota_usage").json()["data"]
    assert (limit["quota_usage"], set(limit["config"])) == (0, {"quota_total", "quota_duration"})
    nested = ask(api, "{ig}", fields="insights.metric(reach).period(day)").json()["insights"]
    assert nested["data"] == ask(api, "{ig}/insights", metric="reach", period="day").json()["data"]


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
