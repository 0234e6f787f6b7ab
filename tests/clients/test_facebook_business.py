"""facebook-business, unchanged but for its base URL, reads the simulated Graph API and gets the truth."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import truth
from tests.simulator_fixture import Simulator

pytest.importorskip("facebook_business")
pytestmark = [
    pytest.mark.clients,
    # The SDK warns of every list that it is given.
    pytest.mark.filterwarnings("ignore:value of metric might not be compatible:UserWarning"),
]

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


@pytest.fixture
def sdk(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    from facebook_business.session import FacebookSession

    monkeypatch.setattr(FacebookSession, "GRAPH", simulator.url)
    simulator.set_clock(NOW)
    return simulator


def start(simulator: Simulator, platform: Any) -> str:
    """Begin a session of account 0 of a platform; return its id."""
    from facebook_business.api import FacebookAdsApi

    account = simulator.world.account(platform, 0)
    FacebookAdsApi.init(access_token=account.token, crash_log=False)
    return account.platform_account_id


def test_page_posts_and_insights_are_the_truth(sdk: Simulator) -> None:
    from facebook_business.adobjects.page import Page

    page = Page(start(sdk, "facebook"))
    account, world = sdk.world.account("facebook", 0), sdk.world
    found = page.api_get(fields=["id", "name", "followers_count"])
    assert found["followers_count"] == truth.account_value(world, account, "followers_count", NOW)
    posts = list(page.get_published_posts(fields=["id", "created_time"], params={"limit": 10}))
    living = [p for p in world.posts(account, NOW - timedelta(days=400), NOW) if p.visible(NOW)]
    assert {post["id"] for post in posts} == {p.platform_post_id for p in living if p.metric_type == "post"}
    days = {"since": "1794700800", "until": "1794960000", "period": "day"}
    (row,) = page.get_insights(params={"metric": ["page_media_view"], **days})
    for value in row["values"]:
        day = datetime.strptime(value["end_time"], "%Y-%m-%dT%H:%M:%S%z").date() - timedelta(days=1)
        assert value["value"] == truth.day_value(world, account, "page_media_view", day)


def test_instagram_media_and_insights_are_the_truth(sdk: Simulator) -> None:
    from facebook_business.adobjects.igmedia import IGMedia
    from facebook_business.adobjects.iguser import IGUser

    user = IGUser(start(sdk, "instagram"))
    account, world = sdk.world.account("instagram", 0), sdk.world
    found = user.api_get(fields=["followers_count", "media_count"])
    assert found["media_count"] == truth.account_value(world, account, "media_count", NOW)
    media = next(iter(user.get_media(fields=["id", "like_count"])))
    post = world.post("instagram", media["id"])
    assert post is not None
    assert abs(media["like_count"] - truth.post_value(world, post, "like_count", NOW)) <= 1
    rows = IGMedia(media["id"]).get_insights(params={"metric": ["reach"]})
    assert abs(rows[0]["values"][0]["value"] - truth.post_value(world, post, "reach", NOW)) <= 1


def test_refusals_are_the_sdks_errors(sdk: Simulator) -> None:
    from facebook_business.adobjects.page import Page
    from facebook_business.exceptions import FacebookRequestError

    page = Page(start(sdk, "facebook"))
    with pytest.raises(FacebookRequestError) as caught:
        page.get_insights(params={"metric": ["page_impressions"], "period": "day"})
    assert caught.value.api_error_code() == 100
    sdk.set_faults({"kind": "expired_token", "account": page["id"]})
    with pytest.raises(FacebookRequestError) as caught:
        page.api_get(fields=["id"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (190, 463)
