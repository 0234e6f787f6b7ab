"""Recorded answers that no platform's own tests read: lists, batches, refusals, odd forms.

`not_read` names those that no test reads, and why: everything else that is recorded of the four platforms is read.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.platforms import facebook_answers, instagram_answers, twitter_answers
from pipelines.platforms.base import Access, Post, Reading, Tally
from pipelines.platforms.errors import PlatformError, PostGone, PostUnavailable
from pipelines.platforms.facebook import Facebook
from pipelines.platforms.graph import Get, GraphApi, raise_for
from pipelines.platforms.graph_answers import insights, take_series, take_total
from pipelines.platforms.http import Http
from pipelines.platforms.quarantine import Quarantine
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.not_read import NOT_READ

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("airbyte_error_100_33_user_insights", PostGone),
        ("airbyte_error_100_33_wrong_permissions", PostGone),
        ("airbyte_error_2108006_before_business_conversion", PostUnavailable),
    ],
)
def test_refusals_of_media(fixtures: Path, name: str, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf):
        raise_for(400, recorded(fixtures, f"instagram/{name}"))


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("restfb_batch_all_ok", [False, False]),
        ("restfb_batch_first_fails", [True, False]),
        ("restfb_batch_second_fails", [False, True]),
    ],
)
def test_batch_with_a_failing_element_keeps_the_rest(
    fixtures: Path, client: Http, server: Answering, name: str, failed: list[bool]
) -> None:
    server.say(recorded(fixtures, f"facebook/{name}"))
    results = GraphApi(client, "v25.0").batch("t", [Get("a", {}), Get("b", {})], Tally())
    assert [isinstance(result, PlatformError) for result in results] == failed


def test_pages_of_a_feed(fixtures: Path) -> None:
    posts = [
        facebook_answers.listed_post(item)
        for name in ("pyfacebook_feed_page1", "pyfacebook_feed_page2")
        for item in recorded(fixtures, f"facebook/{name}")["data"]
    ]
    assert posts[0] == Post("4_10113477241177441", "post", "text", datetime(2021, 7, 4, 19, 50, 58, tzinfo=UTC))
    assert {post.published_at.year for post in posts} == {2021}
    assert recorded(fixtures, "facebook/keboola_feed_last_page_empty")["data"] == []


def test_reactions_over_pages_of_feeds(fixtures: Path) -> None:
    feeds = recorded(fixtures, "facebook/keboola_feed_ids_reaction_summary_page1")
    first = next(iter(feeds.values()))["data"]
    assert [facebook_answers.summary(item, "reactions") for item in first] == [5, 0, 5]
    second = recorded(fixtures, "facebook/keboola_feed_reaction_summary_page2")["data"]
    assert all(isinstance(facebook_answers.summary(item, "reactions"), int) for item in second)


def test_list_that_pages_by_time_is_read_on(fixtures: Path, client: Http, server: Answering) -> None:
    paging = next(iter(recorded(fixtures, "facebook/keboola_feed_ids_reaction_summary_page1").values()))["paging"]
    made = {"created_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")}

    def answer(path: str, params: dict[str, str]) -> Any:
        if path != "1/published_posts":
            return {"data": []} if "/" in path else {"id": path, "followers_count": 1}
        if "__paging_token" in params:
            return {"data": [{"id": "1_3", **made}]}
        return {"data": [{"id": "1_2", **made}], "paging": paging}

    server.element = answer
    access = Access("1", {"access_token": "t"})
    reading = Facebook(client, Quarantine()).read(access, [], lambda _: True, [], Tally())
    assert {post.platform_post_id for post, _ in reading.posts} == {"1_2", "1_3"}


def test_edge_that_is_silently_absent_is_a_missing_permission(fixtures: Path, client: Http, server: Answering) -> None:
    (body,) = recorded(fixtures, "facebook/keboola_page_ids_insights_edge_silently_absent").values()
    server.element = lambda path, _: {"data": []} if "/" in path else body
    post = Post("1_2", "post", "link", NOW)
    reading = Facebook(client, Quarantine()).read(
        Access("1", {"access_token": "t"}), [post], lambda _: True, ["1_2"], Tally()
    )
    ((_, found),) = reading.posts
    assert found.metrics == {"shares": 0}
    assert set(found.unavailable.values()) == {"permission_missing"}


def test_empty_page_of_insights_is_a_threshold(fixtures: Path) -> None:
    readings = {date(2019, 6, 1): Reading(NOW, {}, {})}
    take_series(readings, "reach", "page_fans_city", recorded(fixtures, "facebook/restfb_insights_page_3"))
    assert readings[date(2019, 6, 1)].unavailable == {"reach": "privacy_threshold"}


def test_end_time_labels_the_day_that_ended(fixtures: Path) -> None:
    readings = {date(2024, 1, day): Reading(NOW, {}, {}) for day in (14, 15)}
    take_series(readings, "reach", "reach", recorded(fixtures, "instagram/airbyte_user_insights_days_28"))
    assert readings[date(2024, 1, 14)].metrics == {"reach": 15000}
    assert readings[date(2024, 1, 15)].unavailable == {"reach": "not_yet_available"}


def test_stories_without_a_time_are_of_now(fixtures: Path) -> None:
    pages = ("pyfacebook_stories_page1", "pyfacebook_stories_page2")
    items = [item for page in pages for item in recorded(fixtures, f"instagram/{page}")["data"]]
    stories = [instagram_answers.listed_post(item, "story") for item in items]
    assert {story.metric_type for story in stories} == {"story"}
    assert stories[0].platform_post_id == "18168273289049440"
    single = instagram_answers.listed_post(recorded(fixtures, "instagram/pyfacebook_story_single"), "story")
    assert single.metric_type == "story"


def test_users_and_tweets_of_x(fixtures: Path) -> None:
    for name in ("pytwitter_users_me", "pytwitter_user_single"):
        user = recorded(fixtures, f"x/{name}")["data"]
        assert set(twitter_answers.account_reading(user).metrics) <= {"followers", "following", "posts"}
    batch = recorded(fixtures, "x/pytwitter_tweets_batch_expansions")
    posts = [twitter_answers.listed_post(tweet, twitter_answers.media_of(batch)) for tweet in batch["data"]]
    assert [post.platform_post_id for post in posts] == ["1261326399320715264", "1278347468690915330"]
    assert posts[0].published_at == datetime(2020, 5, 15, 16, 3, 42, tzinfo=UTC)
    single = recorded(fixtures, "x/pytwitter_tweet_single_expansions")
    assert twitter_answers.listed_post(single["data"], twitter_answers.media_of(single)).metric_type == "post"


@pytest.mark.parametrize(
    ("name", "edge", "numbers"),
    [
        ("facebook/restfb_insight_object_v2_4", None, {"post_stories_by_action_type": 0}),
        ("facebook/restfb_photo_with_insights_nested", "insights", {"post_engaged_users": 0}),
        ("instagram/restfb_story_navigation_breakdown", None, {"navigation": 25}),
        ("instagram/pyfacebook_media_insights_profile_activity_breakdown", "", {"profile_activity": 11}),
    ],
)
def test_insights_of_posts_in_every_form(fixtures: Path, name: str, edge: str | None, numbers: dict[str, int]) -> None:
    body = recorded(fixtures, name)
    # Some are recorded as one row alone, some as the edge, some as an object with the edge expanded.
    assert insights({"data": [body]} if edge is None else body[edge] if edge else body) == numbers


def test_insights_within_a_list_of_posts(fixtures: Path) -> None:
    (feed,) = recorded(fixtures, "facebook/keboola_feed_ids_nested_insights").values()
    assert [set(insights(post["insights"]).values()) for post in feed["data"]] == [{0}, {0}]


def test_series_of_a_page_by_day(fixtures: Path) -> None:
    rows = recorded(fixtures, "facebook/restfb_page_with_insights_nested")["insights"]["data"]
    readings = {date(2023, 3, day): Reading(NOW, {}, {}) for day in (7, 8, 9)}
    # The same name comes once per period; collection asks for days alone.
    body = {"data": [row for row in rows if row["period"] == "day"]}
    take_series(readings, "reach", "page_engaged_users", body)
    assert [reading.metrics.get("reach") for reading in readings.values()] == [0, 0, None]


def test_total_with_breakdowns_is_the_total(fixtures: Path) -> None:
    reading = Reading(NOW, {}, {})
    body = recorded(fixtures, "instagram/pyfacebook_user_insights_reach_total_value_breakdowns")
    take_total(reading, "reach", "reach", body)
    assert reading.metrics == {"reach": 14516883}


@pytest.mark.parametrize(
    ("name", "post_id", "year"),
    [
        ("pyfacebook_media_single_with_carousel_children", "17896129349106152", 2021),
        ("restfb_media_carousel", "123456789", 2018),
    ],
)
def test_albums(fixtures: Path, name: str, post_id: str, year: int) -> None:
    post = instagram_answers.listed_post(recorded(fixtures, f"instagram/{name}"))
    assert (post.platform_post_id, post.content_type, post.published_at.year) == (post_id, "carousel", year)


def test_pages_and_posts_of_facebook(fixtures: Path) -> None:
    for name in ("pyfacebook_page_fan_count", "pyfacebook_page_default_fields"):
        assert facebook_answers.account_reading(recorded(fixtures, f"facebook/{name}")).metrics == {}
    for page in recorded(fixtures, "facebook/pyfacebook_pages_batch_ids").values():
        assert facebook_answers.account_reading(page).unavailable == {"followers": "permission_missing"}
    post = facebook_answers.listed_post(recorded(fixtures, "facebook/pyfacebook_post_single"))
    made = datetime(2019, 8, 12, 3, 45, 11, tzinfo=UTC)
    assert post == Post("175154750010052_424924701699721", "post", "text", made)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("tweepy_user_timeline_page1", ["1577730467436138524", "1565318587736285184"]),
        ("pytwitter_home_timeline", ["1524796546306478083", "1522642323535847424"]),
    ],
)
def test_timelines_of_x(fixtures: Path, name: str, ids: list[str]) -> None:
    body = recorded(fixtures, f"x/{name}")
    posts = [twitter_answers.listed_post(tweet, twitter_answers.media_of(body)) for tweet in body["data"]]
    assert [posts[0].platform_post_id, posts[-1].platform_post_id] == ids


def test_users_of_x_without_and_with_numbers(fixtures: Path) -> None:
    assert twitter_answers.account_reading(recorded(fixtures, "x/tweepy_users_me")["data"]).metrics == {}
    first = recorded(fixtures, "x/pytwitter_users_batch")["data"][0]
    wanted = {"followers": 58677711, "following": 9, "posts": 13944}
    assert twitter_answers.account_reading(first).metrics == wanted


def test_every_recorded_answer_is_read_or_excused(fixtures: Path) -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    found = {
        path.stem for name in ("instagram", "facebook", "x", "linkedin") for path in fixtures.glob(f"{name}/*.json")
    }
    unread = {name for name in found if f'{name}"' not in tests and f"{name}.json" not in tests}
    assert unread == NOT_READ.keys()
