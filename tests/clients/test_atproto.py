"""atproto, unchanged but for its base URL, reads the simulated Bluesky with its strict models and gets the truth."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.bluesky.sessions import app_password
from simulator.bluesky.world import COUNTERS
from simulator.world import SimAccount
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytest.importorskip("atproto")
pytestmark = pytest.mark.clients
NAMES = {"likeCount": "like_count", "replyCount": "reply_count", "repostCount": "repost_count",
         "quoteCount": "quote_count", "bookmarkCount": "bookmark_count"}  # fmt: skip


@pytest.fixture
def account(simulator: Simulator) -> SimAccount:
    simulator.set_clock(NOW)
    return simulator.world.account("bluesky", 0)


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Any]:
    from atproto import Client

    client = Client(base_url=simulator.url)
    yield client
    client.request.close()


def handle(account: SimAccount) -> str:
    return f"{account.handle.replace('.', '-')}.bsky.social"


def test_profiles_are_the_truth(client: Any, simulator: Simulator, account: SimAccount) -> None:
    for actor in (account.platform_account_id, handle(account)):
        found = client.app.bsky.actor.get_profile({"actor": actor})
        assert (found.did, found.handle) == (account.platform_account_id, handle(account))
        assert near(simulator, account, "followersCount", found.followers_count)
        assert near(simulator, account, "postsCount", found.posts_count)
    several = client.app.bsky.actor.get_profiles({"actors": [account.platform_account_id, "nobody.bsky.social"]})
    assert [one.did for one in several.profiles] == [account.platform_account_id]
    resolved = client.com.atproto.identity.resolve_handle({"handle": handle(account)})
    assert resolved.did == account.platform_account_id


def test_feed_page_by_page_and_posts_by_uri_are_the_truth(
    client: Any, simulator: Simulator, account: SimAccount
) -> None:
    own: list[Any] = []
    cursor = None
    while True:
        page = client.app.bsky.feed.get_author_feed(
            {"actor": account.platform_account_id, "limit": 100, "cursor": cursor, "filter": "posts_no_replies"}
        )
        own += [item.post for item in page.feed if item.reason is None]
        cursor = page.cursor
        if cursor is None:
            break
    there = {post.platform_post_id: post for post in living(simulator, "bluesky", "post")}
    assert {post.uri for post in own} == there.keys()
    assert len(own) == len(there)
    found = client.app.bsky.feed.get_posts({"uris": [post.uri for post in own[:25]]})
    assert [post.uri for post in found.posts] == [post.uri for post in own[:25]]
    for view in found.posts:
        for name, attribute in NAMES.items():
            assert near(simulator, there[view.uri], name, getattr(view, attribute)), name
    assert NAMES.keys() == COUNTERS.keys()


def test_session_is_opened_and_renewed(client: Any, simulator: Simulator, account: SimAccount) -> None:
    simulator.reset()
    me = client.login(handle(account), app_password(account))
    assert me.did == account.platform_account_id
    first = client.export_session_string()
    simulator.set_clock(simulator.clock.now() + timedelta(minutes=119))
    client.com.atproto.server.get_session()
    renewed = client.com.atproto.server.refresh_session(headers={"Authorization": f"Bearer {first.split(':::')[3]}"})
    assert renewed.did == account.platform_account_id


def test_refusals_are_its_exceptions(client: Any, simulator: Simulator, account: SimAccount) -> None:
    from atproto.exceptions import BadRequestError, RequestErrorBase

    with pytest.raises(BadRequestError) as caught:
        client.app.bsky.actor.get_profile({"actor": "nobody.bsky.social"})
    assert caught.value.response is not None
    assert caught.value.response.content.message == "Profile not found"
    simulator.set_faults({"kind": "account_limit", "account": account.platform_account_id})
    with pytest.raises(RequestErrorBase) as limited:
        client.app.bsky.actor.get_profile({"actor": account.platform_account_id})
    assert limited.value.response is not None
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["ratelimit-policy"] == "3000;w=300"
