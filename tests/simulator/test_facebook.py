"""The simulated Facebook over HTTP: recorded shapes, valid metrics, paging without end, refusals without names."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.world import SimPost
from tests.recorded import recorded
from tests.simulator import airbyte_fields
from tests.simulator.conftest import NOW
from tests.simulator.instagram import shape
from tests.simulator_fixture import Simulator


def ask(api: Simulator, path: str, **params: Any) -> httpx.Response:
    account = api.world.account("facebook", 0)
    where = path.replace("{page}", account.platform_account_id)
    return api.client.get(f"/v25.0/{where}", params=params, headers={"Authorization": f"Bearer {account.token}"})


def post(api: Simulator, metric_type: str = "post") -> SimPost:
    account = api.world.account("facebook", 0)
    posts = api.world.posts(account, NOW - timedelta(days=60), NOW)
    return next(p for p in reversed(posts) if p.visible(NOW) and p.metric_type == metric_type)


def test_page_insights_come_once_per_period_without_one(fixtures: Path, api: Simulator) -> None:
    rows = ask(api, "{page}/insights", metric="page_media_view").json()["data"]
    assert [row["period"] for row in rows] == ["day", "week", "days_28"]
    (row,) = ask(api, "{page}/insights", metric="page_follows").json()["data"]
    assert row["values"][0]["end_time"].endswith("T08:00:00+0000")


def test_page_and_accounts_have_the_recorded_fields(fixtures: Path, api: Simulator) -> None:
    wanted = recorded(fixtures, "facebook/pyfacebook_page_fan_count")
    found = ask(api, "{page}", fields=",".join(wanted)).json()
    assert shape(found) == shape(wanted)
    accounts = ask(api, "me/accounts").json()["data"][0]
    assert set(accounts) <= set(recorded(fixtures, "facebook/pyfacebook_me_accounts_with_tasks")["data"][0])


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
    error = ask(api, other).json()["error"]
    assert error["code"] == 10
    assert "Page Public Content Access" in error["message"]


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


OF_PERIODS = [
    "page_total_actions", "page_video_view_time", "page_video_complete_views_30s", "page_post_engagements",
    "page_views_total", "page_video_views", "page_media_view", "page_total_media_view_unique",
    *(f"page_actions_post_reactions_{kind}_total" for kind in ("like", "love", "wow", "haha", "sorry", "anger")),
]  # fmt: skip
OF_DAYS = ["page_daily_follows", "page_daily_follows_unique", "page_daily_unfollows_unique"]


@pytest.mark.parametrize("metric", [*OF_PERIODS, *OF_DAYS])
def test_current_metrics_of_pages_are_the_truth(api: Simulator, metric: str) -> None:
    account = api.world.account("facebook", 0)
    rows = ask(api, "{page}/insights", metric=metric).json()["data"]
    assert [row["period"] for row in rows] == (["day"] if metric in OF_DAYS else ["day", "week", "days_28"])
    for row in rows:
        for value in row["values"]:
            day = datetime.fromisoformat(value["end_time"]).date() - timedelta(days=1)
            wanted = truth.period_value(api.world, account, metric, day, truth.PERIODS[row["period"]])
            assert value["value"] == wanted


def test_metrics_of_pages_that_are_objects_fit_their_parts(api: Simulator) -> None:
    def value(metric: str) -> Any:
        (row,) = ask(api, "{page}/insights", metric=metric, period="day").json()["data"]
        return row["values"][-1]["value"]

    reactions = value("page_actions_post_reactions_total")
    assert reactions
    assert all(count == value(f"page_actions_post_reactions_{kind}_total") > 0 for kind, count in reactions.items())
    followers = value("page_follows")
    for places in (value("page_follows_city"), value("page_follows_country")):
        assert 0 < sum(places.values()) <= followers
    added = value("page_fan_adds_by_paid_non_paid_unique")
    assert added == {"total": value("page_daily_follows_unique"), "paid": 0, "unpaid": added["total"]}
    assert value("page_daily_follows_unique") <= value("page_daily_follows")


@pytest.mark.parametrize("metric", ["page_follows", "page_daily_follows", "page_follows_city"])
def test_metric_of_days_has_no_other_period(api: Simulator, metric: str) -> None:
    error = ask(api, "{page}/insights", metric=metric, period="week").json()["error"]
    assert "period" in error["message"]


def test_fields_that_others_ask_of_pages_are_there(api: Simulator) -> None:
    answer = ask(api, "{page}", fields=",".join(airbyte_fields.PAGE))
    assert answer.status_code == 200, answer.text
    assert {"id", "name", "fan_count", "posts", "videos"} <= set(answer.json())
    for edge in ("albums", "photos", "events", "likes", "tagged", "tabs", "video_lists"):
        assert ask(api, f"{{page}}/{edge}").json() == {"data": []}
    assert ask(api, "{page}", fields="id,favourite_colour").json()["error"]["code"] == 100


def test_fields_that_others_ask_of_posts_are_there(api: Simulator) -> None:
    answer = ask(api, "{page}/feed", fields=",".join(airbyte_fields.POST), limit=100)
    assert answer.status_code == 200, answer.text
    assert all({"id", "created_time", "permalink_url"} <= set(one) for one in answer.json()["data"])
    # A post without a text has no message.
    assert {"message" in one for one in answer.json()["data"]} == {True, False}
    assert ask(api, "{page}/feed", fields="id,favourite_colour").json()["error"]["code"] == 100
    asked = "post_media_view,post_total_media_view_unique,post_clicks,post_clicks_by_type,post_reactions_by_type_total"
    for one in ask(api, "{page}/feed", fields=f"insights.metric({asked})").json()["data"]:
        values = {row["name"]: row["values"][0]["value"] for row in one["insights"]["data"]}
        assert set(values) == set(asked.split(","))
        assert sum(values["post_clicks_by_type"].values()) == values["post_clicks"]
        assert all(values["post_clicks_by_type"].values())


def test_reel_has_the_metrics_of_videos(api: Simulator) -> None:
    one = post(api, "reel")
    counts = ["blue_reels_play_count", "fb_reels_replay_count", "fb_reels_total_plays", "post_video_avg_time_watched",
              "post_video_view_time", "post_video_followers"]  # fmt: skip
    objects = ["post_video_social_actions", "post_video_likes_by_reaction_type", "post_video_retention_graph"]
    names = ",".join(counts + objects)
    rows = ask(api, f"{one.platform_post_id}/video_insights", metric=names).json()["data"]
    found = {row["name"]: row["values"][0]["value"] for row in rows}
    assert found["fb_reels_total_plays"] == found["blue_reels_play_count"] + found["fb_reels_replay_count"]
    assert found["post_video_view_time"] == found["blue_reels_play_count"] * found["post_video_avg_time_watched"]
    assert found["post_video_retention_graph"]["0"] == 1
    assert all(type(found[name]) is dict for name in objects)
    views = ask(api, one.platform_post_id, fields="views").json()["views"]
    assert abs(views - found["blue_reels_play_count"]) <= 1


def test_reactions_are_asked_for_by_type(api: Simulator) -> None:
    names = ("LIKE", "LOVE", "ANGRY")
    fields = ",".join(f"reactions.type({name}).limit(0).summary(total_count).as({name})" for name in names)
    one = post(api)
    found = ask(api, one.platform_post_id, fields=f"reactions.summary(true),{fields}").json()
    total = found["reactions"]["summary"]["total_count"]
    assert [found[name]["summary"]["total_count"] for name in names] == [total, 0, 0]
    answer = ask(api, f"{one.platform_post_id}/reactions", type="JOY", summary="true")
    assert answer.json()["error"]["code"] == 100


def with_media(api: Simulator, media: str) -> SimPost:
    account = api.world.account("facebook", 0)
    posts = api.world.posts(account, NOW - timedelta(days=60), NOW)
    return next(p for p in reversed(posts) if p.visible(NOW) and p.native[0] == media)


@pytest.mark.parametrize(
    ("media", "field", "kind"), [("photo", "page_story_id", "Photo"), ("video", "post_id", "Video")]
)
def test_id_that_publishing_gives_leads_to_the_post(api: Simulator, media: str, field: str, kind: str) -> None:
    one = with_media(api, media)
    attached = ask(api, one.platform_post_id, fields="attachments{media_type,target}").json()["attachments"]["data"]
    name = attached[0]["target"]["id"]
    assert (attached[0]["media_type"], name.isdecimal()) == (media, True)
    asked = f"{field},reactions.summary(true)"
    found = ask(api, name, fields=asked).json()
    assert (found["id"], found[field]) == (name, one.platform_post_id)
    wanted = truth.post_value(api.world, one, "reactions", NOW)
    assert abs(found["reactions"]["summary"]["total_count"] - wanted) <= 1
    for answer in (ask(api, f"{name}/insights", metric="post_clicks"), ask(api, name, fields="insights.metric(x)")):
        assert f"nonexisting field (insights) on node type ({kind})" in answer.json()["error"]["message"]
    other = {"photo": "post_id", "video": "page_story_id"}[media]
    assert ask(api, name, fields=other).json()["error"]["code"] == 100


def test_reel_names_its_post_which_is_a_post(api: Simulator) -> None:
    reel = post(api, "reel")
    listed = ask(api, "{page}/video_reels", fields="id,post_id", limit=100).json()["data"]
    (story,) = [one["post_id"] for one in listed if one["id"] == reel.platform_post_id]
    asked = "attachments{target{id}},reactions.summary(true),insights.metric(post_media_view)"
    found = ask(api, story, fields=asked).json()
    assert found["id"] == story != reel.platform_post_id
    assert found["attachments"]["data"][0]["target"]["id"] == reel.platform_post_id
    wanted = truth.post_value(api.world, reel, "reactions", NOW)
    assert abs(found["reactions"]["summary"]["total_count"] - wanted) <= 1
    assert ask(api, f"{story}/video_insights", metric="blue_reels_play_count").status_code == 400


def test_videos_of_a_page_are_its_reels_and_those_of_its_posts(api: Simulator) -> None:
    videos = {one["id"] for one in ask(api, "{page}/videos", limit=100).json()["data"]}
    reels = {one["id"] for one in ask(api, "{page}/video_reels", limit=100).json()["data"]}
    assert reels & videos
    assert videos - reels
    assert all(ask(api, name, fields="post_id").json()["post_id"] for name in videos - reels)


def test_photo_of_nothing_is_missing(api: Simulator) -> None:
    text, photo = (with_media(api, media).platform_post_id.partition("_12")[2] for media in ("", "photo"))
    for name in (f"1400000000{text}", f"1500000000{photo}", "14999999999999990"):
        assert ask(api, name).json()["error"]["error_subcode"] == 33
    assert ask(api, f"1400000000{photo}").json()["id"]
