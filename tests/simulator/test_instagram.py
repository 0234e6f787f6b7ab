"""The simulated Instagram over HTTP: strictness, paging, batches, media and their children."""

import json
from datetime import timedelta
from typing import Any

import pytest

from simulator import truth
from tests.simulator.conftest import NOW
from tests.simulator.instagram import ask, batch, media, shape
from tests.simulator_fixture import Simulator

SINCE = int(NOW.timestamp())


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


def test_usage_headers_come_with_traffic(api: Simulator) -> None:
    ig = api.world.account("instagram", 0).platform_account_id
    assert "x-business-use-case-usage" not in ask(api, "{ig}").headers
    batch(api, *[ig] * 30)
    assert ig in json.loads(ask(api, "{ig}").headers["x-business-use-case-usage"])


def test_children_have_the_fields_that_are_asked_for(api: Simulator) -> None:
    album = media(api, content_type="carousel").platform_post_id
    asked = "id,media_type,media_url"
    edge = ask(api, f"{album}/children", fields=asked).json()
    assert [set(one) for one in edge["data"]] == [set(asked.split(","))] * 2
    assert ask(api, album, fields=f"children{{{asked}}}").json()["children"] == edge


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
