"""tweepy, unchanged but for where its calls go, reads the simulated X and gets the truth."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import truth
from simulator.twitter.world import PUBLIC
from tests.clients.elsewhere import Elsewhere, there
from tests.simulator_fixture import Simulator

tweepy = pytest.importorskip("tweepy")
pytest.importorskip("tweepy.asynchronous")
pytestmark = pytest.mark.clients

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


@pytest.fixture
def client(simulator: Simulator) -> Any:
    simulator.set_clock(NOW)
    found = tweepy.Client(simulator.world.account("twitter", 0).token)
    found.session.mount("https://api.twitter.com", Elsewhere(simulator.url))
    return found


def test_user_is_the_truth(client: Any, simulator: Simulator) -> None:
    account = simulator.world.account("twitter", 0)
    me = client.get_me(user_auth=False, user_fields=["public_metrics", "created_at"]).data
    assert str(me.id) == account.platform_account_id
    assert me.public_metrics["followers_count"] == truth.account_value(simulator.world, account, "followers_count", NOW)
    named = client.get_users(usernames=[me.username, "nobody_at_all"])
    assert [user.id for user in named.data] == [me.id]
    assert named.errors[0]["title"] == "Not Found Error"


def test_timeline_is_the_truth(client: Any, simulator: Simulator) -> None:
    account = simulator.world.account("twitter", 0)
    start = NOW - timedelta(days=20)
    wanted = [p for p in simulator.world.posts(account, start, NOW) if p.visible(NOW)]
    pages = tweepy.Paginator(
        client.get_users_tweets, account.platform_account_id, max_results=5, start_time=start,
        tweet_fields=["public_metrics", "created_at"],
    )  # fmt: skip
    found = list(pages.flatten())
    assert [str(tweet.id) for tweet in found] == [post.platform_post_id for post in reversed(wanted)]
    first = found[0]
    for name in PUBLIC:
        assert abs(first.public_metrics[name] - truth.post_value(simulator.world, wanted[-1], name, NOW)) <= 1
    again = client.get_tweets([first.id, 123], tweet_fields=["public_metrics"])
    assert (again.data[0].id, len(again.errors)) == (first.id, 1)


def test_asynchronous_client_reads_the_same(client: Any, simulator: Simulator) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    account = simulator.world.account("twitter", 0)

    class Session:
        """Asks the simulator instead of X; the rest is aiohttp's."""

        def __init__(self, session: Any) -> None:
            self._session = session

        def request(self, method: str, url: str, **more: Any) -> Any:
            return self._session.request(method, there(simulator.url, url), **more)

    async def read() -> tuple[Any, Any]:
        async with aiohttp.ClientSession() as session:
            found = tweepy.asynchronous.AsyncClient(account.token)
            found.session = Session(session)
            me = await found.get_me(user_auth=False, user_fields=["public_metrics"])
            return me, await found.get_users_tweets(me.data.id, max_results=5, tweet_fields=["public_metrics"])

    me, tweets = asyncio.run(read())
    assert me.data.public_metrics == client.get_me(user_auth=False, user_fields=["public_metrics"]).data.public_metrics
    again = client.get_users_tweets(account.platform_account_id, max_results=5, tweet_fields=["public_metrics"])
    assert [tweet.id for tweet in tweets.data] == [tweet.id for tweet in again.data]


def test_limits_and_refusals_are_tweepys_exceptions(client: Any, simulator: Simulator) -> None:
    simulator.set_faults({"kind": "account_limit", "times": 1})
    with pytest.raises(tweepy.TooManyRequests):
        client.get_me(user_auth=False)
    simulator.set_faults({"kind": "error", "times": 1})
    with pytest.raises(tweepy.TwitterServerError):
        client.get_me(user_auth=False)
    with pytest.raises(tweepy.BadRequest):
        client.get_me(user_auth=False, user_fields=["nonsense"])
