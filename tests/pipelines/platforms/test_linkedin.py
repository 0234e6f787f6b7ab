"""Tests of the LinkedIn client: recorded answers, errors, and whole readings against the simulator."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.settings import load_settings
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.linkedin.answers import (
    account_numbers,
    is_advertisement,
    listed_post,
    post_numbers,
    raise_for,
    take_days,
)
from pipelines.platforms.linkedin.api import LinkedIn
from pipelines.platforms.linkedin.posts import MOST_HALVINGS, Posts
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from simulator import truth
from simulator.linkedin.world import tells_uniques
from tests.clock import INSTANT
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

NOW = INSTANT


def test_recorded_network_size(fixtures: Path) -> None:
    assert account_numbers(recorded(fixtures, "linkedin/airbyte_network_size_zero")).metrics == {"followers": 0}
    assert account_numbers({}).unavailable == {"followers": "provider_error"}


def test_recorded_share_statistics(fixtures: Path) -> None:
    totals = recorded(fixtures, "linkedin/airbyte_share_statistics_lifetime_zero")["elements"][0][
        "totalShareStatistics"
    ]
    post = Post("urn:li:share:1", "post", "text", NOW)
    found = post_numbers(post, totals)
    assert set(found.metrics) == set(offered("linkedin", "post"))
    assert set(found.metrics.values()) == {0}


def test_recorded_post_is_an_advertisement(fixtures: Path) -> None:
    element = recorded(fixtures, "linkedin/ebx_post_video_dark")
    assert is_advertisement(element)
    post = listed_post(element)
    assert (post.platform_post_id, post.content_type) == ("urn:li:share:6844785523593134080", "video")
    assert post.published_at == datetime(2021, 10, 21, 4, 36, 8, 774000, tzinfo=UTC)


def test_days_keep_negative_gains_and_say_what_is_missing() -> None:
    start = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp() * 1000)
    gains = {"organicFollowerGain": -7, "paidFollowerGain": 2}
    body = {"elements": [{"timeRange": {"start": start, "end": start + 86_400_000}, "followerGains": gains}]}
    readings = {date(2026, 11, day): Numbers() for day in (10, 11)}
    take_days(readings, body, {"netFollowers": "organicFollowerGain + paidFollowerGain"})
    assert readings[date(2026, 11, 10)].metrics == {"netFollowers": -5}
    assert readings[date(2026, 11, 11)].unavailable == {"netFollowers": "no_observation"}


@pytest.mark.parametrize(("second", "found"), [(-7, {"netFollowers": -7}), (3, {})])
def test_day_that_comes_twice_has_a_value_only_if_both_agree(second: int, found: dict[str, int]) -> None:
    day = date(2026, 11, 10)
    start = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp() * 1000)
    elements = [{"timeRange": {"start": start}, "followerGains": {"organicFollowerGain": n}} for n in (-7, second)]
    numbers = Numbers()
    take_days({day: numbers}, {"elements": elements}, {"netFollowers": "organicFollowerGain"})
    assert numbers.metrics == found
    assert found or numbers.unavailable == {"netFollowers": "provider_error"}


THROTTLED = "Resource level throttle {} DAY limit for calls to this resource is reached."


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (401, {"serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN"}, NeedsReauth),
        (401, {"serviceErrorCode": 65601, "code": "REVOKED_ACCESS_TOKEN"}, NeedsReauth),
        (401, {"code": "EXPIRED_ACCESS_TOKEN", "message": "The token used in the request has expired"}, NeedsReauth),
        (403, {"serviceErrorCode": 100, "code": "ACCESS_DENIED"}, PermissionMissing),
        (404, {"code": "NOT_FOUND"}, PostGone),
        (426, {"code": "NONEXISTENT_VERSION"}, BadAnswer),
        (400, {"message": "Parameter 'timeIntervals' is invalid"}, BadAnswer),
        (500, {"message": "Internal Server Error"}, Transient),
        (500, {"status": 401, "code": "REVOKED_ACCESS_TOKEN", "serviceErrorCode": 65601}, NeedsReauth),
        (200, {"status": 401, "code": "EXPIRED_ACCESS_TOKEN"}, NeedsReauth),
        (200, {"status": 500, "message": "Internal Server Error"}, Transient),
        (403, {"status": 403, "message": "Throttle limit for calls to this resource is reached."}, RateLimited),
        (403, {"status": 403, "serviceErrorCode": 101, "message": "limit"}, RateLimited),
        *((status, {"detail": "whatever answers here"}, BadAnswer) for status in (401, 403, 404)),
    ],
)
def test_each_answer_is_one_decision(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf):
        raise_for(status, body, {})


@pytest.mark.parametrize(("whose", "scope"), [("APPLICATION", "app"), ("MEMBER", "account")])
def test_throttled_means_until_midnight(whose: str, scope: str) -> None:
    with pytest.raises(RateLimited) as caught:
        raise_for(429, {"message": THROTTLED.format(whose), "serviceErrorCode": 101}, {})
    assert caught.value.scope == scope
    until = caught.value.until
    assert (until.hour, until.minute) == (0, 0)
    assert timedelta() < until - utcnow() <= timedelta(days=1)


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "linkedin")


def test_an_hour_costs_few_calls(fetching: Fetching) -> None:
    young = [known(post) for post in fetching.posts(20) if post.visible(fetching.now)]
    older = [known(post) for post in fetching.here()]
    reading = fetching.api.read(fetching.access, wanted(*young, known=older), fetching.tally)
    assert len(reading.posts) == len(young) > 10
    # Followers, the newest posts, statistics of shares and of ugcPosts; once a day the name.
    assert fetching.tally.requests <= 5


def test_deleted_post_is_gone_and_a_silent_one_has_zeros(fetching: Fetching) -> None:
    deleted = next(post for post in fetching.posts(300) if not post.visible(fetching.now))
    old = next(post for post in fetching.posts(300) if post.visible(fetching.now))
    reading = fetching.read([known(deleted), known(old)])
    assert reading.gone == [deleted.platform_post_id]
    assert old.platform_post_id in {post.platform_post_id for post, _ in reading.posts}


@pytest.mark.parametrize(("times", "is_gone"), [(1, False), (2, True)])
def test_post_that_no_answer_names_is_gone_only_after_a_second_one(
    fetching: Fetching, times: int, is_gone: bool
) -> None:
    old = next(known(post) for post in fetching.posts(300) if post.visible(fetching.now))
    named = {"kind": "patch", "path": "/rest/posts", "object": old.platform_post_id, "value": {}, "times": times}
    fetching.simulator.set_faults(
        {"kind": "patch", "path": "organizationalEntityShareStatistics", "at": "elements", "value": []},
        *({**named, "at": at} for at in ("results", "statuses", "errors")),
    )
    reading = fetching.read([old])
    assert reading.gone == ([old.platform_post_id] if is_gone else [])
    assert (old.platform_post_id in {post.platform_post_id for post, _ in reading.posts}) == (not is_gone)


def test_post_without_statistics_that_is_there_has_zeros(client: Http, server: Answering) -> None:
    urn = "urn:li:share:1"
    server.say({"firstDegreeSize": 1, "elements": [], "results": {urn: {}}, "statuses": {urn: 200}})
    post = Post(urn, "post", "text", NOW)
    reading = LinkedIn(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(post), Tally())
    ((_, found),) = reading.posts
    assert set(found.metrics.values()) == {0}
    assert reading.gone == []


def test_days_equal_the_truth(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in range(3, 20)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    world, names = fetching.simulator.world, offered("linkedin", "account")
    for day in days:
        for name in ("netFollowers", "profileViews", "accountImpressions", "reach"):
            if name == "reach" and not tells_uniques(world, fetching.account, day):
                assert found[day].unavailable[name] == "no_observation"
                continue
            parts = names[name].parts
            assert found[day].metrics[name] == sum(truth.day_value(world, fetching.account, p, day) for p in parts)
    assert fetching.tally.requests == 3


def test_refresh_keeps_the_refresh_token(fetching: Fetching) -> None:
    secret = {"client_id": "c", "client_secret": "s", "refresh_token": f"refresh.{fetching.account.token}"}
    access = Access(fetching.access.platform_account_id, {**fetching.access.credentials, **secret})
    renewed = fetching.api.refresh(access, fetching.tally)
    assert renewed is not None
    assert renewed["refresh_token"] == secret["refresh_token"]
    fetching.access = Access(access.platform_account_id, renewed)
    assert fetching.read().posts


def test_without_an_app_that_may_renew_a_person_has_to_connect_again(fetching: Fetching) -> None:
    assert fetching.api.refresh(fetching.access, fetching.tally) is None


def test_tokens_are_renewed_at_their_own_host_under_the_same_rules() -> None:
    def forbid() -> None:
        raise RateLimited("not asked", utcnow() + timedelta(hours=1), "app")

    settings = load_settings(_env_file=None, linkedin_url="https://api.linkedin.com")
    api = open_platform("linkedin", settings, check=forbid)
    assert isinstance(api, LinkedIn)
    assert api._tokens.base_url == "https://www.linkedin.com"
    secret = {"access_token": "t", "refresh_token": "r", "client_id": "c", "client_secret": "s"}
    with pytest.raises(RateLimited, match="not asked"):
        api.refresh(Access("1", secret), Tally())


def test_odd_shape_is_a_bad_answer(client: Http, server: Answering) -> None:
    server.say([1])
    with pytest.raises((BadAnswer, Transient)):
        LinkedIn(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(), Tally())


@pytest.mark.parametrize(
    ("elements", "what"),
    [(3, "posts"), ([3], "posts: an item without an id"), ([{"id": 5, "content": 3}], "posts: item 5")],
)
def test_odd_list_leaves_the_account(client: Http, server: Answering, elements: Any, what: str) -> None:
    server.say({"firstDegreeSize": 1, "elements": elements})
    reading = LinkedIn(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(), Tally())
    assert reading.account.metrics == {"followers": 1}
    assert "unexpected form" in reading.failures[what]


def test_limit_among_the_posts_keeps_what_was_read(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = RateLimited("enough", fetching.now + timedelta(hours=9), "app")

    def limited(*_: object) -> None:
        raise limit

    monkeypatch.setattr(Posts, "_statistics", limited)
    reading = fetching.read()
    assert reading.account.metrics["followers"] == fetching.level("firstDegreeSize")
    assert (fetching.tally.limited, list(reading.failures)) == (limit, ["statistics of posts"])


def test_list_of_posts_that_fails_leaves_the_others(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    statistics, asked = Posts._statistics, []

    def failing_first(of: Posts, posts: list[Post]) -> list[Post]:
        asked.append(posts)
        if len(asked) == 1:
            raise Transient("overloaded")
        return statistics(of, posts)

    monkeypatch.setattr(Posts, "_statistics", failing_first)
    reading = fetching.read([known(post) for post in fetching.here(80)])
    read = {post.platform_post_id for post, _ in reading.posts}
    assert len(asked) > 1
    assert read == {post.platform_post_id for posts in asked[1:] for post in posts}
    assert list(reading.failures) == ["statistics of posts"]


def test_listing_that_fails_leaves_the_posts_that_are_known(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise Transient("overloaded")

    monkeypatch.setattr(Posts, "_page", failing)
    posts = [known(post) for post in fetching.here(20)]
    reading = fetching.read(posts)
    assert {post.platform_post_id for post, _ in reading.posts} == {post.platform_post_id for post in posts}
    assert reading.failures == {"posts": "overloaded"}


@pytest.mark.parametrize("trouble", [PermissionMissing("not yours"), BadAnswer("invalid"), PostGone("none")])
def test_one_refused_post_takes_no_statistics_of_the_others(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, trouble: PlatformError
) -> None:
    followed = [known(post) for post in fetching.here(80)]
    statistics, bad = Posts._statistics, followed[7]

    def refusing(of: Posts, posts: list[Post]) -> list[Post]:
        if bad in posts:
            raise trouble
        return statistics(of, posts)

    monkeypatch.setattr(Posts, "_statistics", refusing)
    reading = fetching.read(followed)
    read, others = {post.platform_post_id for post, _ in reading.posts}, {one.platform_post_id for one in followed}
    assert (bad.platform_post_id in read, others - read) == (False, {bad.platform_post_id})
    assert list(reading.failures) == [bad.platform_post_id]


def test_token_without_statistics_costs_a_few_calls_more(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refusing(_of: Posts, posts: list[Post]) -> list[Post]:
        asked.append(len(posts))
        raise PermissionMissing("no statistics")

    monkeypatch.setattr(Posts, "_statistics", refusing)
    followed = [known(post) for post in fetching.here(80)]
    reading = fetching.read(followed)
    assert not reading.posts
    assert len(asked) <= len(followed) // 20 + 2 + 2 * MOST_HALVINGS
