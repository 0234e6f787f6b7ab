"""Tests of the Instagram client: recorded answers served over HTTP, number for number; refusals, paging, odd shapes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.documents import ContentType, MetricType
from metrics.settings import load_settings
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth
from pipelines.platforms.http.client import Http
from pipelines.platforms.instagram import api as instagram
from pipelines.platforms.instagram.api import Instagram
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from tests.pipelines.platforms.conftest import TOKEN, Answering
from tests.pipelines.platforms.fetching import Fetching, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

ACCOUNT = Access("1784", {"access_token": TOKEN})
NODE = {"id": "1784", "followers_count": 10, "follows_count": 2, "media_count": 3}
GONE = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}
EMPTY: dict[str, Any] = {"data": []}


def post(post_id: str = "1", metric_type: MetricType = "post", content_type: ContentType = "image") -> Post:
    return Post(post_id, metric_type, content_type, utcnow() - timedelta(hours=3))


def serve(server: Answering, answers: Mapping[str, Any]) -> None:
    """Answer by path; the account, its stories and its media are empty unless given."""
    known = {"1784": NODE, "1784/stories": EMPTY, "1784/media": EMPTY, **answers}
    server.element = lambda path, _: known.get(path, GONE)


def read(client: Http, *followed: Post) -> AccountReading:
    return Instagram(client, Quarantine()).read(ACCOUNT, wanted(*followed), Tally())


@pytest.mark.parametrize(
    ("name", "metrics", "missing"),
    [
        ("airbyte_user_node", {"followers": 1230, "following": 15, "posts": 260}, set()),
        ("pyfacebook_user_node", {"followers": 64363, "posts": 427}, {"following"}),
        ("restfb_user_node", {"followers": 10, "following": 15, "posts": 2}, set()),
    ],
)
def test_recorded_account_node(
    fixtures: Path, client: Http, server: Answering, name: str, metrics: dict[str, int], missing: set[str]
) -> None:
    serve(server, {"1784": {**recorded(fixtures, f"instagram/{name}"), "id": "1784"}})
    account = read(client).account
    assert account.metrics == metrics
    assert account.unavailable == dict.fromkeys(missing, "permission_missing")


@pytest.mark.parametrize(
    ("name", "kind", "metrics"),
    [
        (
            "airbyte_media_insights_feed",
            ("post", "image"),
            {"reach": 8000, "saves": 200, "shares": 25, "follows": 53, "profileVisits": 9},
        ),
        ("airbyte_media_insights_carousel_old", ("post", "carousel"), {"reach": 8500, "saves": 250}),
        (
            "airbyte_media_insights_reels_pre_v22",
            ("reel", "video"),
            {"reach": 2006, "saves": 7, "shares": 1, "watchTime": 30017581},
        ),
        (
            "airbyte_story_insights",
            ("story", "image"),
            {"reach": 105, "shares": 0, "replies": 0, "follows": 5, "profileVisits": 23, "interactions": 4},
        ),
        ("pyfacebook_media_insights_values", ("post", "image"), {"reach": 5, "saves": 0}),
    ],
)
def test_recorded_media_insights(
    fixtures: Path,
    client: Http,
    server: Answering,
    name: str,
    kind: tuple[MetricType, ContentType],
    metrics: dict[str, int],
) -> None:
    node = {"id": "1", "insights": recorded(fixtures, f"instagram/{name}")}
    serve(server, {"1": node if kind[0] == "story" else {**node, "like_count": 7, "comments_count": 2}})
    ((_, reading),) = read(client, post("1", *kind)).posts
    assert reading.metrics == (metrics if kind[0] == "story" else {**metrics, "likes": 7, "comments": 2})
    assert set(reading.unavailable.values()) <= {"no_observation"}


def test_recorded_story_list_is_read_as_stories(fixtures: Path, client: Http, server: Answering) -> None:
    stories = recorded(fixtures, "instagram/pyfacebook_stories_list")
    serve(server, {"1784/stories": stories, **{item["id"]: {"id": item["id"]} for item in stories["data"]}})
    found = [p for p, _ in read(client).posts]
    assert [(p.platform_post_id, p.metric_type, p.content_type) for p in found] == [
        ("17879450117512729", "story", "image"),
        ("17915641402913538", "story", "video"),
    ]
    assert found[0].published_at == datetime(2021, 8, 19, 10, 19, 23, tzinfo=UTC)


def test_recorded_media_list_too_old_to_follow_is_left(fixtures: Path, client: Http, server: Answering) -> None:
    serve(server, {"1784/media": recorded(fixtures, "instagram/pyfacebook_media_list_page1")})
    assert read(client).posts == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["17893085207160254", "17896129349106152"])
def test_recorded_media_nodes_by_ids(fixtures: Path, client: Http, server: Answering, name: str) -> None:
    serve(server, {name: recorded(fixtures, "instagram/pyfacebook_media_batch_ids")[name]})
    ((_, reading),) = read(client, post(name)).posts
    assert reading.metrics == {"likes": 1, "comments": 0}
    assert reading.unavailable["reach"] == "permission_missing"


def days(client: Http, server: Answering, body: Any, *asked: date) -> Mapping[date, Reading]:
    server.element = lambda _path, params: body if params.get("period") == "day" else EMPTY
    return Instagram(client, Quarantine()).read_days(ACCOUNT, asked, Tally()).days


def test_recorded_daily_series_is_labelled_by_the_day_that_ended(
    fixtures: Path, client: Http, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instagram, "utcnow", lambda: datetime(2024, 1, 16, tzinfo=UTC))
    body = recorded(fixtures, "instagram/airbyte_user_insights_day")
    reading = days(client, server, body, date(2024, 1, 14))[date(2024, 1, 14)]
    assert reading.metrics == {"reach": 500, "newFollowers": 1000}
    assert reading.unavailable["weeklyReach"] == "privacy_threshold"


def test_recorded_series_of_two_days_in_summer(fixtures: Path, client: Http, server: Answering) -> None:
    body = recorded(fixtures, "instagram/pyfacebook_user_insights_day_values")
    found = days(client, server, body, date(2017, 5, 3), date(2017, 5, 4), date(2017, 5, 5))
    assert [found[day].metrics.get("reach") for day in sorted(found)] == [3, 36, None]
    assert found[date(2017, 5, 5)].unavailable["reach"] == "not_yet_available"


def test_total_value_without_values_is_read(client: Http, server: Answering) -> None:
    row = {"name": "views", "period": "day", "total_value": {"value": 321}}
    reading = days(client, server, {"data": [row]}, date(2026, 5, 3))[date(2026, 5, 3)]
    assert reading.metrics == {"accountViews": 321}


def test_hidden_likes_are_unknown(client: Http, server: Answering) -> None:
    serve(server, {"1": {"id": "1", "comments_count": 4, "insights": EMPTY}})
    ((_, reading),) = read(client, post()).posts
    assert reading.metrics == {"comments": 4}
    assert reading.unavailable["likes"] == "permission_missing"


def test_new_posts_of_all_pages_are_read_once(client: Http, server: Answering) -> None:
    def item(post_id: str) -> dict[str, str]:
        stamp = utcnow().strftime("%Y-%m-%dT%H:%M:%S+0000")
        return {"id": post_id, "media_type": "IMAGE", "media_product_type": "FEED", "timestamp": stamp}

    def element(path: str, params: dict[str, str]) -> Any:
        if path == "1784/media":
            # The second page begins with the last item of the first, as if a post was published in between.
            if "after" in params:
                return {"data": [item("2"), item("3")]}
            paging = {"cursors": {"after": "x"}, "next": "https://example.invalid"}
            return {"data": [item("1"), item("2")], "paging": paging}
        return {"1784": NODE, "1784/stories": EMPTY}.get(path, {"id": path, "like_count": 1})

    server.element = element
    assert [p.platform_post_id for p, _ in read(client).posts] == ["1", "2", "3"]


def test_missing_post_is_gone_only_when_confirmed(client: Http, server: Answering) -> None:
    def element(path: str, params: dict[str, str]) -> Any:
        if path == "2" and params["fields"] == "id":
            return {"id": "2"}
        return {"1784": NODE, "1784/stories": EMPTY, "1784/media": EMPTY}.get(path, GONE)

    server.element = element
    reading = read(client, post("1"), post("2"))
    assert reading.gone == ["1"]
    assert set(reading.failures) == {"2"}


def test_account_that_cannot_be_seen_is_unreachable(client: Http, server: Answering) -> None:
    serve(server, {"1784": GONE})
    with pytest.raises(AccountUnreachable):
        read(client)


@pytest.mark.parametrize("media", [{"data": [{"media_type": "IMAGE"}]}, {"data": 3}, [1, 2], "text"])
def test_list_of_an_unexpected_form_leaves_the_account(client: Http, server: Answering, media: Any) -> None:
    serve(server, {"1784/media": media, "7": {"id": "7", "like_count": 4}})
    reading = read(client, post("7"))
    assert reading.account.metrics == {"followers": 10, "following": 2, "posts": 3}
    assert [found.metrics["likes"] for _, found in reading.posts] == [4]
    assert any(what.startswith("media") for what in reading.failures)


def test_token_of_instagram_login_is_renewed_and_one_of_facebook_login_is_not(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "instagram")
    assert fetching.api.refresh(fetching.access, fetching.tally) is None
    credentials = {**fetching.access.credentials, "login": "instagram"}
    renewed = fetching.api.refresh(Access(fetching.access.platform_account_id, credentials), fetching.tally)
    assert renewed is not None
    assert renewed["login"] == "instagram"
    assert renewed["expires_at"] > (fetching.now + timedelta(days=59)).timestamp()


def test_host_follows_the_login_of_the_account(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "instagram")
    simulator.set_faults({"kind": "instagram_login", "account": fetching.account.platform_account_id})
    urls = {"instagram_url": simulator.url, "instagram_login_url": f"{simulator.url}/graph.instagram.com"}
    api = open_platform("instagram", load_settings(_env_file=None, **urls))
    with pytest.raises(NeedsReauth):
        api.read(fetching.access, wanted(), Tally())
    access = Access(fetching.access.platform_account_id, {**fetching.access.credentials, "login": "instagram"})
    assert api.read(access, wanted(), Tally()).account.metrics["followers"] == fetching.level("followers_count")
