"""pyfacebook, pytwitter, twarc and X's own xdk, unchanged but for their base URL, read the simulator."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from simulator import truth
from simulator.world import SimAccount, SimPost
from tests.clients.elsewhere import Elsewhere
from tests.simulator_fixture import Simulator

pytestmark = pytest.mark.clients
NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


@pytest.fixture
def here(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def account_of(here: Simulator, platform: Platform) -> SimAccount:
    return here.world.account(platform, 0)


def living(here: Simulator, platform: Platform, *types: str) -> list[SimPost]:
    account = account_of(here, platform)
    shown = (p for p in here.world.posts(account, NOW - timedelta(days=400), NOW) if p.visible(NOW))
    return [post for post in shown if post.metric_type in types]


def test_pyfacebook_reads_a_page_to_the_end_of_its_posts(here: Simulator) -> None:
    pyfacebook = pytest.importorskip("pyfacebook")
    account = account_of(here, "facebook")
    api = pyfacebook.FacebookApi(access_token=account.token, base_url=f"{here.url}/", version="v22.0")
    # All that the library calls public fields of a page is asked for here.
    assert api.page.get_info(page_id=account.platform_account_id).id == account.platform_account_id
    posts = api.page.get_posts(object_id=account.platform_account_id, count=None, limit=50).data
    assert {post.id for post in posts} == {p.platform_post_id for p in living(here, "facebook", "post")}
    assert set(api.post.get_batch(ids=[post.id for post in posts[:3]])) == {post.id for post in posts[:3]}
    assert api.debug_token(account.token)["data"]["is_valid"] is True


def test_pyfacebook_exchanges_tokens(here: Simulator) -> None:
    pyfacebook = pytest.importorskip("pyfacebook")
    account = account_of(here, "facebook")
    app = {"app_id": "1000", "app_secret": "s", "base_url": f"{here.url}/", "version": "v22.0"}
    api = pyfacebook.GraphAPI(access_token=account.token, **app)
    api.session.mount("https://", Elsewhere(here.url))
    assert api.exchange_long_lived_user_access_token()["expires_in"] == 5_184_000
    assert api.exchange_page_access_token(page_id=account.platform_account_id) == account.token


def test_pyfacebook_reads_instagram_and_its_audience(here: Simulator) -> None:
    pyfacebook = pytest.importorskip("pyfacebook")
    account = account_of(here, "instagram")
    api = pyfacebook.IGBusinessApi(
        access_token=account.token, base_url=f"{here.url}/", version="v22.0",
        instagram_business_id=account.platform_account_id,
    )  # fmt: skip
    media = api.user.get_media(count=None, limit=50).data
    assert {one.id for one in media} == {p.platform_post_id for p in living(here, "instagram", "post", "reel")}
    asked = {"metric": "follower_demographics", "period": "lifetime", "metric_type": "total_value"}
    (row,) = api.user.get_insights(**asked, breakdown="country", return_json=True)["data"]
    assert row["total_value"]["breakdowns"][0]["dimension_keys"] == ["country"]
    with pytest.raises(pyfacebook.FacebookError):
        api.user.get_insights(**asked)


def test_pyfacebook_reads_threads_by_cursors(here: Simulator) -> None:
    pyfacebook = pytest.importorskip("pyfacebook")
    account = account_of(here, "threads")
    app = {"app_id": "1000", "app_secret": "s", "base_url": f"{here.url}/graph.threads.net/"}
    api = pyfacebook.ThreadsGraphAPI(access_token=account.token, **app)
    assert api.get_object("me", fields="id,username")["username"] == account.handle
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while page := api.get_connection("me", "threads", fields="id,media_type", limit=50, **after)["data"]:
        items += page
        after = {"after": str(len(items))}
    # It follows `next` only, which Threads does not send.
    assert api.get_full_connections("me", "threads", count=None, limit=50, fields="id,media_type")["data"] == items[:50]
    own = [item["id"] for item in items if item["media_type"] != "REPOST_FACADE"]
    posts = list(reversed(living(here, "threads", "post")))
    assert own == [post.platform_post_id for post in posts]
    metrics = "views,likes,replies,reposts,quotes,shares"
    for post in posts[:3]:
        rows = api.get_connection(post.platform_post_id, "insights", metric=metrics)["data"]
        values = {row["name"]: row["values"][0]["value"] for row in rows}
        assert values.keys() == set(metrics.split(","))
        assert abs(values["views"] - truth.post_value(here.world, post, "views", NOW)) <= 5
    with pytest.raises(pyfacebook.FacebookError):
        api.get_connection(posts[0].platform_post_id, "insights", metric="impressions")
    rows = api.get_connection("me", "threads_insights", metric="likes,followers_count")["data"]
    assert abs(rows[1]["total_value"]["value"] - truth.account_value(here.world, account, "followers_count", NOW)) <= 5


def test_pyfacebook_renews_a_token_of_threads(here: Simulator) -> None:
    pyfacebook = pytest.importorskip("pyfacebook")
    account = account_of(here, "threads")
    app = {"app_id": "1000", "app_secret": "s", "base_url": f"{here.url}/"}
    api = pyfacebook.ThreadsGraphAPI(access_token=account.token, **app)
    api.session.mount("https://", Elsewhere(here.url))
    assert api.exchange_long_lived_user_access_token()["expires_in"] == 5_184_000
    assert api.refresh_access_token(account.token)["expires_in"] == 5_184_000
    with pytest.raises(pyfacebook.FacebookError):
        api.refresh_access_token(account.token)


def test_pytwitter_reads_the_timeline(here: Simulator) -> None:
    pytwitter = pytest.importorskip("pytwitter")
    account = account_of(here, "twitter")
    api = pytwitter.Api(bearer_token=account.token)
    api.session.mount("https://", Elsewhere(here.url))
    found = api.get_timelines(account.platform_account_id, max_results=5, tweet_fields="public_metrics").data
    newest = list(reversed(living(here, "twitter", "post")))[:5]
    assert [tweet.id for tweet in found] == [post.platform_post_id for post in newest]
    wanted = truth.post_value(here.world, newest[0], "like_count", NOW)
    assert abs(found[0].public_metrics.like_count - wanted) <= 1


def test_twarc_reads_all_there_is(here: Simulator) -> None:
    twarc = pytest.importorskip("twarc")
    account = account_of(here, "twitter")
    client = twarc.Twarc2(bearer_token=account.token)
    client.connect()
    client.client.mount("https://", Elsewhere(here.url))
    # Every field and expansion that there is.
    pages = list(client.timeline(int(account.platform_account_id), max_results=100))
    assert sum(len(page["data"]) for page in pages) == len(living(here, "twitter", "post"))


@pytest.fixture
def xdk(here: Simulator) -> Any:
    module = pytest.importorskip("xdk")
    return module.Client(access_token=account_of(here, "twitter").token, base_url=here.url)


def test_xdk_reads_with_the_new_names(xdk: Any, here: Simulator) -> None:
    me = xdk.users.get_me(user_fields=["public_metrics"]).data
    account = account_of(here, "twitter")
    assert me.public_metrics.post_count == truth.account_value(here.world, account, "tweet_count", NOW)
    pages = list(xdk.users.get_posts(id=me.id, max_results=100, post_fields=["public_metrics"]))
    posts = [post for page in pages for post in page.data]
    newest = living(here, "twitter", "post")[-1]
    wanted = truth.post_value(here.world, newest, "retweet_count", NOW)
    assert abs(posts[0].public_metrics.repost_count - wanted) <= 1
    found = xdk.posts.get_by_ids(ids=[posts[0].id, "1"], post_fields=["public_metrics"])
    assert (len(found.data), len(found.errors)) == (1, 1)
