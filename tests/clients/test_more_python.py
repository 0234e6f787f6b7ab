"""facebook-sdk, instagram-platform-sdk, TwitterAPI and requests-oauthlib, unchanged, read the simulator."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from simulator import truth
from simulator.graph.pacific import day_end
from simulator.twitter.tokens import first_refresh_token
from tests.clients.elsewhere import Elsewhere, all_calls_there
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.clients
APP = {"client_id": "1000", "client_secret": "secret"}


@pytest.fixture
def here(simulator: Simulator) -> Iterator[Simulator]:
    simulator.set_clock(NOW)
    with all_calls_there(simulator.url):
        yield simulator


# It has a regular expression with an escape that Python is going to refuse.
@pytest.mark.filterwarnings("ignore:invalid escape sequence", "ignore:.*is an invalid escape sequence")
def test_facebook_sdk_at_its_version_of_2016(here: Simulator) -> None:
    facebook = pytest.importorskip("facebook")
    account = here.world.account("facebook", 0)
    graph = facebook.GraphAPI(account.token)
    assert graph.version == "v2.8"
    page = graph.get_object("me", fields="id,followers_count")
    assert page["id"] == account.platform_account_id
    assert near(here, account, "followers_count", page["followers_count"])
    posts = living(here, "facebook", "post")
    found = list(graph.get_all_connections(page["id"], "published_posts", limit=20, fields="id"))
    assert [post["id"] for post in found] == [post.platform_post_id for post in posts]
    several = graph.get_objects([post["id"] for post in found[:3]], fields="id,insights.metric(post_media_view)")
    for post in posts[:3]:
        (row,) = several[post.platform_post_id]["insights"]["data"]
        assert near(here, post, "post_media_view", row["values"][0]["value"])
    assert graph.extend_access_token("1000", "secret")["access_token"] == account.token
    assert graph.debug_access_token(account.token, "1000", "secret")["data"]["is_valid"] is True
    with pytest.raises(facebook.GraphAPIError) as caught:
        graph.get_object("123456")
    assert caught.value.code == 100


def test_facebook_sdk_ends_with_the_last_day_of_insights(here: Simulator) -> None:
    facebook = pytest.importorskip("facebook")
    account = here.world.account("facebook", 0)
    graph = facebook.GraphAPI(account.token)
    # It follows `next` from two days ago until there is none.
    rows = list(graph.get_all_connections("me", "insights", metric="page_media_view", period="day"))
    for row in rows:
        for value in row["values"]:
            day = date.fromisoformat(value["end_time"][:10]) - timedelta(days=1)
            assert value["value"] == truth.day_value(here.world, account, "page_media_view", day)
    assert sum(len(row["values"]) for row in rows) >= 1


def test_instagram_platform_sdk_at_v26(here: Simulator) -> None:
    module = pytest.importorskip("instagram_platform")
    account = here.world.account("instagram", 0)
    posts = living(here, "instagram", "post", "reel")
    first, last = (int(day_end(date(2026, 11, day)).timestamp()) for day in (13, 16))
    with module.InstagramClient(account.token, account.platform_account_id, base_url=here.url) as client:
        media: list[Any] = []
        after = None
        while True:
            page = client.media.get_user_media(limit=20, after=after)
            media += page.data
            if not page.paging or not page.paging.get("next"):
                break
            after = page.paging["cursors"]["after"]
        assert [one.id for one in media] == [post.platform_post_id for post in posts]
        assert all(near(here, post, "like_count", one.like_count) for one, post in zip(media, posts, strict=True))
        days = client.insights.get_account_insights(["reach"], since=first, until=last).data[0].values
        assert [value.value for value in days] == [
            truth.day_value(here.world, account, "reach", date(2026, 11, day)) for day in (14, 15, 16)
        ]
        with pytest.raises(module.InstagramAPIError) as caught:
            client.insights.get_media_insights(posts[0].platform_post_id, ["impressions"])
        assert caught.value.code == 100

    async def at_once() -> list[Any]:
        several = module.AsyncInstagramClient(account.token, account.platform_account_id, base_url=here.url)
        asked = [several.insights.get_media_insights_async(p.platform_post_id, ["reach", "saved"]) for p in posts[:5]]
        found = await asyncio.gather(*asked)
        await several.http.aclose()
        return found

    for post, answer in zip(posts[:5], asyncio.run(at_once()), strict=True):
        assert {row.name for row in answer.data} == {"reach", "saved"}
        assert all(near(here, post, row.name, row.values[0].value) for row in answer.data)


def test_twitterapi_pages_through_a_timeline(here: Simulator) -> None:
    module = pytest.importorskip("TwitterAPI")
    account = here.world.account("twitter", 0)
    api = module.TwitterAPI(oauth2_access_token=account.token, auth_type="oAuth2User", api_version="2")
    asked = {"max_results": 100, "tweet.fields": "public_metrics"}
    pager = module.TwitterPager(api, f"users/:{account.platform_account_id}/tweets", asked)
    posts = living(here, "twitter", "post")
    tweets = list(pager.get_iterator(wait=0))
    assert [tweet["id"] for tweet in tweets] == [post.platform_post_id for post in posts]
    assert all(
        near(here, post, name, tweet["public_metrics"][name])
        for tweet, post in zip(tweets, posts, strict=True)
        for name in ("like_count", "impression_count")
    )
    assert api.request(f"users/:{account.platform_account_id}").get_quota()["remaining"] == 899
    here.set_faults({"kind": "account_limit", "times": 1})
    assert api.request(f"users/:{account.platform_account_id}").status_code == 429


def test_twitterapi_logs_in_as_an_app(here: Simulator) -> None:
    module = pytest.importorskip("TwitterAPI")
    api = module.TwitterAPI("key", "secret", auth_type="oAuth2", api_version="2")
    account, (post, *_) = here.world.account("twitter", 0), living(here, "twitter", "post")
    (tweet,) = api.request("tweets", {"ids": post.platform_post_id, "tweet.fields": "public_metrics"})
    assert near(here, post, "like_count", tweet["public_metrics"]["like_count"])
    (user,) = api.request(f"users/:{account.platform_account_id}", {"user.fields": "public_metrics"})
    assert near(here, account, "followers_count", user["public_metrics"]["followers_count"])


@pytest.mark.parametrize("platform", ["twitter", "linkedin"])
def test_requests_oauthlib_refreshes_a_token_by_itself(here: Simulator, platform: Any) -> None:
    module = pytest.importorskip("requests_oauthlib")
    account = here.world.account(platform, 0)
    urn = f"urn%3Ali%3Aorganization%3A{account.platform_account_id}"
    endpoint, resource, headers, extra = {
        "twitter": ("https://api.x.com/2/oauth2/token", "https://api.x.com/2/users/me", {}, {"client_id": "1000"}),
        "linkedin": (
            "https://www.linkedin.com/oauth/v2/accessToken",
            f"https://api.linkedin.com/rest/networkSizes/{urn}?edgeType=COMPANY_FOLLOWED_BY_MEMBER",
            {"Linkedin-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"},
            APP,
        ),
    }[platform]
    kept: list[dict[str, Any]] = []
    session = module.OAuth2Session(
        "1000", token={"access_token": "ended", "refresh_token": first_refresh_token(account), "expires_in": -1},
        auto_refresh_url=endpoint, auto_refresh_kwargs=extra, token_updater=kept.append,
    )  # fmt: skip
    session.mount("https://", Elsewhere(here.url))
    answer = session.get(resource, headers=headers)
    assert answer.status_code == 200
    (token,) = kept
    assert token["access_token"] not in ("ended", account.token)
    assert 0 < token["expires_in"] <= 5_184_000
    if platform == "linkedin":
        assert near(here, account, "firstDegreeSize", answer.json()["firstDegreeSize"])
    else:
        assert answer.json()["data"]["id"] == account.platform_account_id
        # The refresh token works once.
        session.token = {"access_token": "ended", "refresh_token": first_refresh_token(account), "expires_in": -1}
        with pytest.raises(Exception, match="invalid_request"):
            session.get(resource)
