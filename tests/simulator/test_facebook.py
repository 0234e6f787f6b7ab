"""The simulated Facebook over HTTP: recorded shapes, what fits what, endless paging, refusals that name nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.world import SimPost
from tests.simulator.test_instagram import shape
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def ask(api: Simulator, path: str, **params: Any) -> httpx.Response:
    account = api.world.account("facebook", 0)
    where = path.replace("{page}", account.platform_account_id)
    return api.client.get(f"/v25.0/{where}", params=params, headers={"Authorization": f"Bearer {account.token}"})


def post(api: Simulator, metric_type: str = "post") -> SimPost:
    account = api.world.account("facebook", 0)
    posts = api.world.posts(account, NOW - timedelta(days=60), NOW)
    return next(p for p in reversed(posts) if p.visible(NOW) and p.metric_type == metric_type)


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / f"facebook/{name}.json").read_text())


def test_page_insights_come_once_per_period_without_one(fixtures: Path, api: Simulator) -> None:
    rows = ask(api, "{page}/insights", metric="page_media_view").json()["data"]
    assert [row["period"] for row in rows] == ["day", "week", "days_28"]
    (row,) = ask(api, "{page}/insights", metric="page_follows").json()["data"]
    assert row["values"][0]["end_time"].endswith("T08:00:00+0000")


def test_page_and_accounts_have_the_recorded_fields(fixtures: Path, api: Simulator) -> None:
    wanted = recorded(fixtures, "pyfacebook_page_fan_count")
    found = ask(api, "{page}", fields=",".join(wanted)).json()
    assert shape(found) == shape(wanted)
    accounts = ask(api, "me/accounts").json()["data"][0]
    assert set(accounts) <= set(recorded(fixtures, "pyfacebook_me_accounts_with_tasks")["data"][0])


def test_reel_has_another_edge(api: Simulator) -> None:
    reel = post(api, "reel").platform_post_id
    assert ask(api, f"{reel}/video_insights", metric="blue_reels_play_count").status_code == 200
    answer = ask(api, f"{reel}/insights", metric="blue_reels_play_count")
    assert "nonexisting field (insights)" in answer.json()["error"]["message"]


@pytest.mark.parametrize("metric", ["page_impressions", "page_fans", "post_clicks", "page_media_view,nonsense"])
def test_wrong_metric_fails_the_request_and_is_not_named(api: Simulator, metric: str) -> None:
    error = ask(api, "{page}/insights", metric=metric, period="day").json()["error"]
    assert error["message"] == "(#100) The value must be a valid insights metric"


@pytest.mark.parametrize(
    "params",
    [
        {"period": "month"},
        {"since": str(int((NOW + timedelta(days=1)).timestamp()))},
        {"since": str(int((NOW - timedelta(days=120)).timestamp())), "until": str(int(NOW.timestamp()))},
        {"since": "nonsense"},
    ],
)
def test_wrong_windows_are_refused(api: Simulator, params: dict[str, str]) -> None:
    assert ask(api, "{page}/insights", metric="page_media_view", **params).json()["error"]["code"] == 100


def test_lists_hold_posts_or_reels(api: Simulator) -> None:
    posts = {item["id"] for item in ask(api, "{page}/published_posts", limit=100).json()["data"]}
    reels = {item["id"] for item in ask(api, "{page}/video_reels", fields="id", limit=100).json()["data"]}
    assert post(api).platform_post_id in posts
    assert post(api, "reel").platform_post_id in reels
    assert not posts & reels


def test_token_of_one_page_reads_no_other(api: Simulator) -> None:
    other = api.world.account("facebook", 1).platform_account_id
    assert ask(api, other).json()["error"]["error_subcode"] == 33


@pytest.mark.parametrize("bounds", [("2026-11-10", "2026-11-14"), ("1794297600", "1794643200")])
@pytest.mark.parametrize("how", ["list", "expansion"])
def test_list_keeps_to_its_bounds(api: Simulator, bounds: tuple[str, str], how: str) -> None:
    since, until = bounds
    if how == "list":
        rows = ask(api, "{page}/posts", since=since, until=until, limit=100).json()["data"]
    else:
        fields = f"posts.since({since}).until({until}).limit(100){{created_time}}"
        rows = ask(api, "{page}", fields=fields).json()["posts"]["data"]
    made = [row["created_time"] for row in rows]
    assert made
    assert all("2026-11-10T08" <= one < "2026-11-14T08" for one in made)


def test_expansion_keeps_to_its_limit(api: Simulator) -> None:
    assert len(ask(api, "{page}", fields="posts.limit(3){id}").json()["posts"]["data"]) == 3


def test_days_are_asked_for_by_date(api: Simulator) -> None:
    (row,) = ask(
        api, "{page}/insights", metric="page_media_view", period="day", since="2026-11-10", until="2026-11-14"
    ).json()["data"]
    assert [value["end_time"][:10] for value in row["values"]] == [f"2026-11-{day}" for day in (11, 12, 13, 14)]


def test_reactions_by_type_have_only_those_that_were_chosen(api: Simulator) -> None:
    account = api.world.account("facebook", 0)
    posts = [p for p in api.world.posts(account, NOW - timedelta(days=60), NOW) if p.visible(NOW)]
    for one in (p for p in posts if p.metric_type == "post"):
        answer = ask(api, f"{one.platform_post_id}/insights", metric="post_reactions_by_type_total")
        (row,) = answer.json()["data"]
        total = truth.post_value(api.world, one, "reactions", NOW)
        assert row["values"][0]["value"] in ([{"like": total}, {"like": total + 1}] if total else [{}, {"like": 1}])


def walk(api: Simulator, path: str, **params: Any) -> list[Any]:
    """Return every page of insights from here to the last one."""
    pages, answer = [], ask(api, path, **params)
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        link = pages[-1]["paging"].get("next")
        if link is None or len(pages) > 9:
            return pages
        answer = api.client.get(link)


def test_walk_along_a_posts_insights_ends(api: Simulator) -> None:
    pages = walk(api, f"{post(api).platform_post_id}/insights", metric="post_clicks")
    assert [set(page["paging"]) for page in pages] == [{"previous", "next"}, {"previous"}]
    assert all(page["data"] for page in pages)


def test_walk_along_a_pages_days_ends(api: Simulator) -> None:
    asked = {"metric": "page_media_view", "period": "day", "since": "2026-11-10", "until": "2026-11-13"}
    pages = walk(api, "{page}/insights", **asked)
    ends = [value["end_time"][8:10] for page in pages for value in page["data"][0]["values"]]
    assert ends == ["11", "12", "13", "14", "15", "16", "17", "18", "19", "20"]
    assert set(pages[-1]["paging"]) == {"previous"}


def test_posts_insights_keep_to_their_window(api: Simulator) -> None:
    one = post(api)
    where = f"{one.platform_post_id}/insights"
    before = int((one.published_at - timedelta(days=3)).timestamp())
    early = ask(api, where, metric="post_clicks", since=before, until=before + 86_400).json()
    assert early["data"] == []
    assert f"since={before - 86_400}&until={before}" in early["paging"]["previous"]
    assert ask(api, where, metric="post_clicks", since=str(int(NOW.timestamp()) + 86_400)).status_code == 400
    nested = ask(api, one.platform_post_id, fields="insights.metric(post_clicks).since(now)").json()["insights"]
    following = api.client.get(nested["paging"]["next"]).json()
    assert following["data"]
    assert set(following["paging"]) == {"previous"}


def test_windows_are_asked_for_in_words(api: Simulator) -> None:
    def values(**bounds: Any) -> Any:
        answer = ask(api, "{page}/insights", metric="page_media_view", period="day", **bounds).json()
        return answer["data"][0]["values"]

    assert values(since="2 days ago", until="now") == values()
    assert len(values(since="1 week ago", until="now")) == 7
    nested = ask(api, "{page}", fields="insights.metric(page_media_view).period(day)").json()["insights"]
    assert nested["data"][0]["values"] == values()
