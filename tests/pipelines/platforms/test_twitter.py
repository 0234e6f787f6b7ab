"""Tests of the X client: recorded answers number for number, errors, and whole readings against the simulator."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.twitter.answers import (
    PRIVATE_DAYS,
    account_numbers,
    listed_post,
    media_of,
    post_numbers,
    raise_for,
)
from pipelines.platforms.twitter.api import Twitter
from pipelines.platforms.twitter.days import impressions
from pipelines.platforms.twitter.posts import Posts
from simulator.twitter.tokens import first_refresh_token
from simulator.twitter.world import shown
from tests.clock import INSTANT
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

NOW = INSTANT
OLD = datetime(2021, 2, 24, tzinfo=UTC)


def test_recorded_user(fixtures: Path) -> None:
    user = recorded(fixtures, "x/pytwitter_user_object_full")
    found = account_numbers(user)
    public = user["public_metrics"]
    wanted = {"followers": public["followers_count"], "following": public["following_count"]}
    assert found.metrics == {**wanted, "posts": public["tweet_count"]}


def test_recorded_timeline(fixtures: Path) -> None:
    body = recorded(fixtures, "x/pytwitter_user_timeline")
    tweet = body["data"][0]
    post = listed_post(tweet, media_of(body))
    assert (post.platform_post_id, post.published_at) == (
        "1364275610764201984",
        datetime(2021, 2, 23, 18, 7, 7, tzinfo=UTC),
    )
    found = post_numbers(post, tweet, {}, (), OLD)
    assert found.metrics == {"likes": 37, "comments": 2, "shares": 11}
    assert found.unavailable["saves"] == "no_observation"
    assert found.unavailable["interactions"] == "permission_missing"


def test_recorded_video_has_its_views(fixtures: Path) -> None:
    media = recorded(fixtures, "x/pytwitter_media_object_public_metrics")
    tweet = {"id": "1", "attachments": {"media_keys": [media["media_key"]]}, "public_metrics": {}}
    post = listed_post(tweet, {media["media_key"]: media})
    assert post.content_type == "video"
    assert post_numbers(post, tweet, {media["media_key"]: media}, (), NOW).metrics == {"videoViews": 6909260}


def test_renamed_fields_are_read() -> None:
    tweet = {"id": "1", "public_metrics": {"repost_count": 3, "quote_count": 1, "like_count": 2}}
    found = post_numbers(listed_post(tweet, {}), tweet, {}, (), NOW)
    assert (found.metrics["shares"], found.metrics["likes"]) == (4, 2)
    assert account_numbers({"public_metrics": {"post_count": 7}}).metrics == {"posts": 7}


@pytest.mark.parametrize(
    ("status", "body", "leaf", "scope"),
    [
        (401, {"title": "Unauthorized", "detail": "Unauthorized"}, NeedsReauth, None),
        (402, {"title": "CreditsDepleted"}, RateLimited, "app"),
        (403, {"type": "https://api.twitter.com/2/problems/client-forbidden"}, PermissionMissing, None),
        (429, {"title": "Too Many Requests"}, RateLimited, "account"),
        (429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, RateLimited, "account"),
        (429, {"title": "UsageCapExceeded", "period": "Monthly"}, RateLimited, "app"),
        (403, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, RateLimited, "account"),
        (200, {"title": "Too Many Requests", "status": 429}, RateLimited, "account"),
        (200, {"title": "Unauthorized", "type": "about:blank", "status": 401}, NeedsReauth, None),
        (200, {"errors": [{"code": 89, "message": "Invalid or expired token."}]}, NeedsReauth, None),
        (200, {"errors": [{"code": 130, "message": "Over capacity"}]}, Transient, None),
        (500, {"title": "Unauthorized", "status": 401}, NeedsReauth, None),
        (500, {"title": "Internal Server Error", "status": 500}, Transient, None),
        (503, {"title": "Service Unavailable"}, Transient, None),
        (404, {"title": "Not Found"}, PostGone, None),
        (200, {"errors": [{"title": "Forbidden", "type": "x/resource-not-found"}]}, PostGone, None),
        (400, {"title": "Invalid Request"}, BadAnswer, None),
        *((status, {"detail": "whatever answers here"}, BadAnswer, None) for status in (401, 403, 404)),
    ],
)
def test_each_answer_is_one_decision(status: int, body: Any, leaf: type[PlatformError], scope: str | None) -> None:
    # Not an instant of the module: a whole run of the suite takes longer than this limit lasts.
    now = utcnow()
    with pytest.raises(leaf) as caught:
        raise_for(status, body, {"x-rate-limit-reset": str(int((now + timedelta(minutes=9)).timestamp()))})
    if isinstance(caught.value, RateLimited):
        assert caught.value.scope == scope
        until = caught.value.until
        if scope == "account":
            assert abs(until - now - timedelta(minutes=9)) < timedelta(seconds=2)
        else:
            # Credits return when somebody pays, caps on a day that the answer does not name.
            assert timedelta(minutes=59) < until - now < timedelta(hours=5)


@pytest.mark.parametrize("text", ["1795921856000", "9" * 400, "-5", "soon", "Fri, 20 Nov 2026 10:00:00 GMT", "", "1.5"])
def test_window_whose_end_is_nonsense_is_a_quarter_of_an_hour(text: str) -> None:
    with pytest.raises(RateLimited) as caught:
        raise_for(429, {"title": "Too Many Requests"}, {"x-rate-limit-reset": text})
    assert abs(caught.value.until - utcnow() - timedelta(minutes=15)) < timedelta(seconds=5)


def test_window_that_is_over_by_our_clock_is_a_pause_of_a_minute() -> None:
    """Otherwise every account would meet the limit, one after another, while our clock is ahead."""
    with pytest.raises(RateLimited) as caught:
        raise_for(429, {"title": "Too Many Requests"}, {"x-rate-limit-reset": str(int(utcnow().timestamp()) - 90)})
    assert abs(caught.value.until - utcnow() - timedelta(minutes=1)) < timedelta(seconds=5)


def test_recorded_problem_is_a_bad_answer(fixtures: Path) -> None:
    with pytest.raises(BadAnswer, match="expected schema"):
        raise_for(400, recorded(fixtures, "x/pytwitter_error_invalid_request_problem"), {})


def test_unknown_field_is_a_refused_metric() -> None:
    message = "The `tweet.fields` query parameter value [non_public_metrics] is not one of [id,text]"
    with pytest.raises(MetricRefused):
        raise_for(400, {"errors": [{"message": message}], "title": "Invalid Request"}, {})


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "twitter")


def test_due_posts_are_read_by_id_and_new_ones_from_the_timeline(fetching: Fetching) -> None:
    posts = [post for post in fetching.posts() if post.visible(fetching.now)]
    reading = fetching.read([known(post) for post in posts[:-2]])
    assert [post.platform_post_id for post, _ in reading.posts].count(posts[-1].platform_post_id) == 1
    assert fetching.check(reading, "not_supported", "not_recoverable") > 200
    # The user, the timeline, posts with private metrics, posts without.
    assert fetching.tally.requests == 4


def test_only_deleted_posts_are_all_gone_in_one_call(fetching: Fetching) -> None:
    deleted = [post for post in fetching.posts(300) if not post.visible(fetching.now)][:3]
    reading = fetching.read([known(post) for post in deleted] + [known(fetching.posts(9)[-1])])
    assert set(reading.gone) == {post.platform_post_id for post in deleted}


def test_retired_field_is_left_out_and_named(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "non_public_metrics"})
    reading = fetching.read()
    assert reading.quarantined == {"non_public_metrics of post"}
    assert check_public(reading) > 50
    assert not fetching.quarantine.new(whole=True)


def test_field_that_two_accounts_are_refused_is_left_out_for_all(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "non_public_metrics"})
    for index in (3, 4):
        fetching.be(index)
        fetching.read()
    assert [one.metric for one in fetching.quarantine.new(whole=True)] == ["non_public_metrics"]
    fetching.be(5)
    fetching.tally = Tally()
    assert fetching.read().quarantined == {"non_public_metrics of post"}
    requests = fetching.tally.requests
    fetching.tally = Tally()
    fetching.read()
    assert fetching.tally.requests == requests


def check_public(reading: AccountReading) -> int:
    assert all({"likes", "comments", "shares"} <= set(found.metrics) for _, found in reading.posts)
    return len(reading.posts)


def test_past_days_have_the_impressions_of_their_posts(fetching: Fetching) -> None:
    day = fetching.now.date() - timedelta(days=3)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    world, account = fetching.simulator.world, fetching.account
    posts = [p for p in world.posts(account, start - timedelta(days=90), end) if p.visible(fetching.now)]
    true = sum(shown(world, post, start, end) for post in posts)
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days
    assert true > 0
    assert found[day].metrics == {"accountImpressions": true}
    assert fetching.tally.requests <= 2 + len(posts) // 100 * 2


@pytest.mark.parametrize(("again", "found"), [(7, [0, 7]), (8, [0, None])])
def test_post_that_comes_twice_in_a_day_counts_once(again: int, found: list[int | None]) -> None:
    day = NOW.date() - timedelta(days=3)
    at = f"{day:%Y-%m-%d}T00:00:00Z"
    listed = {"id": "7", "created_at": f"{day:%Y-%m-%d}T00:00:00Z"}
    told = [{"id": "7", "timestamped_metrics": [{"timestamp": at, "metrics": {"impressions": n}}]} for n in (7, again)]

    def ask(path: str, _: Mapping[str, str]) -> Mapping[str, Any]:
        return {"data": told if path.endswith("analytics") else [listed], "meta": {"result_count": 1}}

    assert impressions(ask, "1", [day], Tally()) == {day: found}


def test_past_days_without_permission_say_so(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "permission"})
    day = fetching.now.date() - timedelta(days=3)
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days
    assert dict(found[day].unavailable) == {"accountImpressions": "permission_missing"}


def test_refresh_rotates(fetching: Fetching) -> None:
    secret = {"client_id": "c", "client_secret": "s", "refresh_token": first_refresh_token(fetching.account)}
    access = Access(fetching.access.platform_account_id, {**fetching.access.credentials, **secret})
    renewed = fetching.api.refresh(access, fetching.tally)
    assert renewed is not None
    assert renewed["refresh_token"] != secret["refresh_token"]
    assert renewed["expires_at"] > fetching.now.timestamp()
    fetching.access = Access(access.platform_account_id, renewed)
    assert fetching.read().posts
    assert fetching.api.refresh(access, fetching.tally) is None


def test_without_a_refresh_token_a_person_has_to_connect_again(fetching: Fetching) -> None:
    assert fetching.api.refresh(fetching.access, fetching.tally) is None


def test_odd_shape_is_a_bad_answer(client: Http, server: Answering) -> None:
    server.say({"data": [1]})
    with pytest.raises(BadAnswer, match="unexpected form"):
        Twitter(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(), Tally())


def test_limit_among_the_posts_keeps_what_was_read(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = RateLimited("enough", fetching.now + timedelta(minutes=9), "account")

    def limited(*_: object, **__: object) -> None:
        raise limit

    monkeypatch.setattr(Posts, "_posts", limited)
    reading = fetching.read([known(post) for post in fetching.here(20)])
    assert reading.account.metrics["followers"] == fetching.level("followers_count")
    assert (fetching.tally.limited, list(reading.failures)) == (limit, ["timeline"])


@pytest.mark.parametrize("trouble", [Transient("overloaded"), KeyError("id")])
def test_hundred_that_fails_leaves_the_others(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    posts = [known(post) for post in fetching.here(80)]
    take, asked = Posts._take, []

    def failing_first(of: Posts, body: Any, by_id: dict[str, Post]) -> None:
        asked.append(list(by_id.values()))
        if len(asked) == 1:
            raise trouble
        take(of, body, by_id)

    monkeypatch.setattr("pipelines.platforms.twitter.posts.MAX_IDS", 10)
    monkeypatch.setattr(Posts, "_take", failing_first)
    reading = fetching.read(posts)
    read = {post.platform_post_id for post, _ in reading.posts}
    assert len(asked) > 1
    assert read >= {post.platform_post_id for hundred in asked[1:] for post in hundred}
    assert list(reading.failures) == ["posts by id"]


def test_timeline_that_fails_leaves_the_posts_that_are_known(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Posts._posts

    def failing(self: Posts, path: str, params: Mapping[str, str], *, private: bool) -> Mapping[str, Any]:
        if path.startswith("users/"):
            raise Transient("overloaded")
        return asked(self, path, params, private=private)

    monkeypatch.setattr(Posts, "_posts", failing)
    posts = [known(post) for post in fetching.here(20)]
    reading = fetching.read(posts)
    assert {post.platform_post_id for post, _ in reading.posts} == {post.platform_post_id for post in posts}
    assert reading.failures == {"timeline": "overloaded"}


def test_reposts_are_not_asked_for(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []
    send = Http.send

    def overheard(http: Http, method: str, path: str, **options: Any) -> Any:
        asked.append((path, options.get("params")))
        return send(http, method, path, **options)

    monkeypatch.setattr(Http, "send", overheard)
    fetching.read()
    fetching.api.read_days(fetching.access, [fetching.now.date() - timedelta(days=3)], Tally())
    timelines = [params for path, params in asked if re.fullmatch(r"/2/users/\d+/tweets", path)]
    assert len(timelines) > 1
    assert all(params["exclude"] == "retweets" for params in timelines)


def test_first_reading_goes_beyond_the_thirty_days_of_private_metrics(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "private_window"})
    reading = fetching.read()
    assert {post.platform_post_id for post, _ in reading.posts} == {post.platform_post_id for post in fetching.here()}
    # The clock goes on while the account is read.
    since = fetching.now - PRIVATE_DAYS + timedelta(minutes=5)
    young = [found for post, found in reading.posts if post.published_at and post.published_at > since]
    assert young
    assert all("profileVisits" in found.metrics for found in young)


def test_analytics_of_another_form_are_no_zeros(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "proxy_error", "path": "tweets/analytics"})
    day = fetching.now.date() - timedelta(days=3)
    with pytest.raises(BadAnswer):
        fetching.api.read_days(fetching.access, [day], fetching.tally)
