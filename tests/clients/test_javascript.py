"""JavaScript clients, unchanged but for where their calls go, read the simulated platforms and get the truth.

Each client's program is `node/CLIENT.cjs`. It prints the values it read, and the tests compare them with the truth.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from simulator import truth
from simulator.graph.pacific import day_end
from simulator.twitter.tokens import first_refresh_token
from simulator.twitter.world import PUBLIC
from simulator.world import SimAccount
from tests.clients.apart import run_node
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.clients
SINCE, DAYS = NOW - timedelta(days=20), (date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 16))
LINKEDIN_VERSION = "202608"


@pytest.fixture
def here(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def common(here: Simulator, platform: Platform) -> tuple[SimAccount, dict[str, Any]]:
    """Return account 0 and what every client is given of it."""
    account = here.world.account(platform, 0)
    return account, {"token": account.token, "id": account.platform_account_id}


def x(here: Simulator) -> tuple[SimAccount, dict[str, Any]]:
    account, given = common(here, "twitter")
    return account, {**given, "refresh": first_refresh_token(account), "since": SINCE.strftime("%Y-%m-%dT%H:%M:%SZ")}


def window() -> dict[str, str]:
    """Return `since` and `until` around DAYS, from a Pacific midnight to another."""
    first, last = day_end(DAYS[0] - timedelta(days=1)), day_end(DAYS[-1])
    return {"since": str(int(first.timestamp())), "until": str(int(last.timestamp()))}


def days(rows: list[dict[str, Any]]) -> dict[date, int]:
    """Return the values of an insight by the day that ended."""
    ends = {datetime.strptime(row["end_time"], "%Y-%m-%dT%H:%M:%S%z"): row["value"] for row in rows}
    return {end.date() - timedelta(days=1): value for end, value in ends.items()}


def wanted_days(here: Simulator, account: SimAccount, field: str) -> dict[date, int]:
    return {day: truth.day_value(here.world, account, field, day) for day in DAYS}


def test_twitter_api_v2(here: Simulator) -> None:
    account, given = x(here)
    found = run_node("twitter-api-v2", here.url, given)
    assert near(here, account, "followers_count", found["me"]["public_metrics"]["followers_count"])
    posts = living(here, "twitter", "post", since=SINCE)
    assert [tweet["id"] for tweet in found["timeline"]] == [post.platform_post_id for post in posts]
    for tweet, post in zip(found["timeline"], posts, strict=True):
        assert all(near(here, post, name, tweet["public_metrics"][name]) for name in PUBLIC)
    assert near(here, posts[0], "user_profile_clicks", found["again"][0]["non_public_metrics"]["user_profile_clicks"])
    assert (found["missing"], found["named"], found["rotated"]) == (["1"], account.platform_account_id, True)
    # 900 calls in 15 minutes, of which it made one per page of five.
    assert found["limit"]["limit"] - found["limit"]["remaining"] == -(-len(posts) // 5)
    assert (found["refused"], found["twice"]) == (400, 400)


def test_twitter_api_sdk(here: Simulator) -> None:
    account, given = x(here)
    found = run_node("twitter-api-sdk", here.url, given)
    assert near(here, account, "tweet_count", found["me"]["public_metrics"]["tweet_count"])
    posts = living(here, "twitter", "post", since=SINCE)
    assert [tweet["id"] for tweet in found["timeline"]] == [post.platform_post_id for post in posts]
    assert all(
        near(here, post, "like_count", tweet["public_metrics"]["like_count"])
        for tweet, post in zip(found["timeline"], posts, strict=True)
    )
    assert (len(found["again"]), found["missing"]) == (1, 1)
    assert (found["renewed"], found["refused"]) == (account.platform_account_id, 400)


def test_xdk_with_the_names_of_august_2026(here: Simulator) -> None:
    account, given = x(here)
    found = run_node("xdk", here.url, given)
    assert near(here, account, "tweet_count", found["me"]["publicMetrics"]["postCount"])
    posts = living(here, "twitter", "post", since=SINCE)
    assert [tweet["id"] for tweet in found["timeline"]] == [post.platform_post_id for post in posts]
    assert all(
        near(here, post, "retweet_count", tweet["publicMetrics"]["repostCount"])
        for tweet, post in zip(found["timeline"], posts, strict=True)
    )
    assert (len(found["again"]), found["missing"], found["refused"]) == (1, 1, 400)


def test_linkedin_api_client(here: Simulator) -> None:
    account, given = common(here, "linkedin")
    first, last = (int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) * 1000 for day in (1, 6))
    found = run_node("linkedin-api-client", here.url, {
        **given, "urn": f"urn:li:organization:{account.platform_account_id}", "start": first, "end": last,
        "version": LINKEDIN_VERSION, "refresh": f"refresh.{account.token}",
    })  # fmt: skip
    assert near(here, account, "firstDegreeSize", found["followers"])
    assert near(here, account, "firstDegreeSize", found["renewed"])
    posts = living(here, "linkedin", "post")
    assert found["posts"] == [post.platform_post_id for post in posts]
    assert len(found["batch"]) == 5
    assert found["gone"] == ["urn:li:share:7999990000000000000"]
    by_id = {post.platform_post_id: post for post in posts}
    assert {element["share"] for element in found["statistics"]} == set(found["batch"])
    for element in found["statistics"]:
        shown = element["totalShareStatistics"]
        for name in ("impressionCount", "likeCount", "clickCount"):
            assert near(here, by_id[element["share"]], name, shown[name])
    gains = {
        datetime.fromtimestamp(element["timeRange"]["start"] / 1000, UTC).date(): element["followerGains"]
        for element in found["days"]
    }
    assert sorted(gains) == [date(2026, 11, day) for day in range(1, 6)]
    for day, gain in gains.items():
        assert gain["organicFollowerGain"] == truth.day_value(here.world, account, "organicFollowerGain", day)
    assert (found["lasts"], found["old"]) == (5_184_000, 426)


def test_facebook_nodejs_business_sdk_reads_a_page(here: Simulator) -> None:
    account, given = common(here, "facebook")
    found = run_node("facebook-nodejs-business-sdk", here.url, {**given, **window(), "platform": "facebook"})
    assert near(here, account, "followers_count", found["page"]["followers_count"])
    posts = living(here, "facebook", "post")
    assert found["posts"] == [post.platform_post_id for post in posts]
    assert days(found["days"]) == wanted_days(here, account, "page_media_view")
    assert [code for code, _ in found["batch"]] == [200, 200, 200]
    for (_, value), post in zip(found["batch"], posts[:3], strict=True):
        assert near(here, post, "post_media_view", value)
    assert found["refused"] == 100


def test_facebook_nodejs_business_sdk_reads_instagram(here: Simulator) -> None:
    account, given = common(here, "instagram")
    found = run_node("facebook-nodejs-business-sdk", here.url, {**given, "platform": "instagram"})
    assert near(here, account, "media_count", found["user"]["media_count"])
    posts = living(here, "instagram", "post", "reel")
    assert [media["id"] for media in found["media"]] == [post.platform_post_id for post in posts]
    assert all(
        near(here, post, "like_count", media["like_count"]) for media, post in zip(found["media"], posts, strict=True)
    )
    assert near(here, posts[0], "reach", found["reach"])


def test_instagram_graph_api(here: Simulator) -> None:
    account, given = common(here, "instagram")
    found = run_node("instagram-graph-api", here.url, {**given, **window()})
    assert found["id"] == account.platform_account_id
    assert near(here, account, "followers_count", found["info"]["followers_count"])
    posts = living(here, "instagram", "post", "reel")
    assert [media["id"] for media in found["media"]] == [post.platform_post_id for post in posts]
    assert all(
        near(here, post, "like_count", media["like_count"]) for media, post in zip(found["media"], posts, strict=True)
    )
    assert days(found["days"][0]["metricData"]["values"]) == wanted_days(here, account, "reach")
    for day, value in days(found["month"][0]["metricData"]["values"]).items():
        assert value == truth.period_value(here.world, account, "reach", day, 28)
    counted = {row["metricData"]["name"]: row["metricData"]["values"][0]["value"] for row in found["insights"]}
    assert all(near(here, posts[0], name, counted[name]) for name in ("reach", "saved"))


def test_fb_at_its_version_of_2015(here: Simulator) -> None:
    account, given = common(here, "facebook")
    found = run_node("fb", here.url, {**given, **window()})
    assert near(here, account, "followers_count", found["page"]["followers_count"])
    posts = living(here, "facebook", "post")
    assert found["posts"] == [post.platform_post_id for post in posts]
    *insights, missing = found["batch"]
    for (code, body), post in zip(insights, posts[:3], strict=True):
        assert code == 200
        assert near(here, post, "post_media_view", body["data"][0]["values"][0]["value"])
    assert (missing[0], missing[1]["error"]["error_subcode"]) == (400, 33)
    assert days(found["days"]) == wanted_days(here, account, "page_media_view")
    assert (found["exchanged"]["access_token"], found["refused"]) == (account.token, 100)
