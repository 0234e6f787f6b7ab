"""TikTok's organic API for Business: recorded answers, numbers that end, days, the second grant and its failures."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.documents import Reason
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RequestRefused,
    Transient,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.limits import UncountedQuotas
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.tiktok import business_answers
from pipelines.platforms.tiktok.business import OF_DAYS, OF_POSTS, PART, Business
from simulator import truth
from simulator.tiktok import grants, organic
from simulator.tiktok.tokens import first_refresh_token
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

SECOND = {"second_account_id": "-000exampleopenid", "second_access_token": "a-secret-token-of-the-second-grant"}
OLD, YOUNG = timedelta(days=20), timedelta(days=2)


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "tiktok")


def business(client: Http, **credentials: str) -> Business:
    access = Access("-000exampleopenid", {"access_token": "t", **SECOND, **credentials})
    return Business(client, App(UncountedQuotas("UTC")), access, Tally())


def reading_of(*ids: str, age: timedelta = OLD) -> AccountReading:
    reading, now = AccountReading(Reading(utcnow())), utcnow()
    reading.posts = [(Post(name, "post", "video", now - age), Reading(now, {"views": 1})) for name in ids]
    return reading


def without_second_grant(fetching: Fetching) -> None:
    fetching.access = Access(fetching.account.platform_account_id, {"access_token": fetching.account.token})


def test_recorded_videos_are_read_number_for_number(fixtures: Path, client: Http, server: Answering) -> None:
    server.say(recorded(fixtures, "tiktok/business_video_list_200"))
    reading = reading_of("7500000000000000003", "7500000000000000001", "7500000000000000009")
    business(client).complete(reading)
    (_, whole), (_, idle), (_, absent) = reading.posts
    assert whole.metrics == {
        "views": 1, "saves": 75, "videoViews": 12400, "reach": 9800, "watchTime": 99_200_500, "follows": 6,
    }  # fmt: skip
    assert idle.metrics == {"views": 1, "saves": 1, "videoViews": 420}
    assert idle.unavailable == {
        "reach": "not_recoverable", "watchTime": "not_recoverable", "follows": "not_yet_available",
        "profileVisits": "not_yet_available",
    }  # fmt: skip
    assert absent.metrics == {"views": 1}
    assert absent.unavailable == dict.fromkeys(OF_POSTS, "not_yet_available")
    ((path, headers),) = server.requests
    assert headers["Access-Token"] == SECOND["second_access_token"], "without «Bearer»"
    assert "Authorization" not in headers
    assert SECOND["second_access_token"] not in path
    assert reading.failures == {}


@pytest.mark.parametrize(("age", "why"), [(OLD, "not_recoverable"), (YOUNG, "not_yet_available")])
def test_number_that_is_not_there_is_never_zero(age: timedelta, why: Reason) -> None:
    post = Post("7", "post", "video", utcnow() - age)
    numbers = business_answers.post_numbers(post, {"item_id": "7", "favorites": 0}, utcnow())
    assert numbers.metrics == {"saves": 0}
    assert (numbers.unavailable["reach"], numbers.unavailable["watchTime"]) == (why, why)
    assert numbers.unavailable["videoViews"] == "not_yet_available"


def test_null_is_a_small_account() -> None:
    post = Post("7", "post", "video", utcnow() - OLD)
    numbers = business_answers.post_numbers(post, {"item_id": "7", **dict.fromkeys(OF_POSTS.values())}, utcnow())
    assert (numbers.metrics, numbers.odd) == ({}, {})
    assert numbers.unavailable == dict.fromkeys(OF_POSTS, "privacy_threshold")


@pytest.mark.parametrize("value", [-1, "12", True, 1e308, float("nan"), [], {}, 2**70])
def test_impossible_watch_time_is_left_out(value: object) -> None:
    post = Post("7", "post", "video", utcnow() - OLD)
    numbers = business_answers.post_numbers(post, {"total_time_watched": value, "favorites": 3}, utcnow())
    assert (numbers.metrics, numbers.unavailable["watchTime"]) == ({"saves": 3}, "provider_error")


def test_recorded_days_are_read_number_for_number(fixtures: Path, client: Http, server: Answering) -> None:
    server.say(recorded(fixtures, "tiktok/business_get_200"))
    days = [date(2026, 11, day) for day in (25, 26, 27)]
    found = {day: Numbers() for day in days}
    business(client).days(days, found)
    assert found[days[0]].metrics == {
        "accountViews": 10000, "reach": 7200, "profileViews": 320, "accountLikes": 520, "accountComments": 35,
        "accountShares": 18, "newFollowers": 40, "lostFollowers": 8, "websiteClicks": 4,
    }  # fmt: skip
    assert found[days[1]].metrics["accountViews"] == 11200
    assert found[days[0]].unavailable == {"accountsEngaged": "not_yet_available"}
    assert found[days[2]].unavailable == dict.fromkeys(OF_DAYS, "not_yet_available")


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("business_error_40001_no_permission", PermissionMissing),
        ("business_error_40100_qps", Transient),
        ("business_error_40105_token", NeedsReauth),
        ("business_error_51001_timeout", Transient),
    ],
)
def test_recorded_error_leads_to_one_decision(fixtures: Path, name: str, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        business_answers.raise_for(200, recorded(fixtures, f"tiktok/{name}"), {})
    assert type(caught.value) is leaf


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (200, {"code": 40002, "message": "m"}, RequestRefused),
        (200, {"code": "40104", "message": "m"}, NeedsReauth),
        (200, {"code": 40102, "message": "m"}, NeedsReauth),
        (200, {"code": 50000}, Transient),
        (200, {"code": 40900, "message": "m"}, BadAnswer),
        (200, {"code": True}, BadAnswer),
        (200, {"message": "OK"}, BadAnswer),
        (200, [], BadAnswer),
        (500, "oops", Transient),
        (403, {"code": 0}, BadAnswer),
    ],
)
def test_code_decides_and_not_the_status(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        business_answers.raise_for(status, body, {})
    assert type(caught.value) is leaf
    business_answers.raise_for(200, {"code": "0", "data": {}}, {})


def test_limit_per_second_is_waited_for() -> None:
    with pytest.raises(Transient) as caught:
        business_answers.raise_for(200, {"code": 40100, "message": "App reaches the QPS limit 20"}, {})
    assert caught.value.retry_after == 1


def test_further_counters_are_the_truth_and_plays_are_no_views(fetching: Fetching) -> None:
    reading = fetching.read()
    assert fetching.check(reading, "not_recoverable") > 400
    assert reading.failures == {}
    world, more = fetching.simulator.world, 0
    for post, found in reading.posts:
        true = world.post("tiktok", post.platform_post_id)
        assert true is not None
        assert ("reach" in found.metrics) != organic.is_idle(world, true, fetching.now)
        assert found.metrics["videoViews"] >= found.metrics["views"]
        more += found.metrics["videoViews"] > found.metrics["views"]
    assert more > 10


def test_account_without_a_second_grant_has_all_other_numbers(fetching: Fetching) -> None:
    without_second_grant(fetching)
    reading = fetching.read()
    for _, found in reading.posts:
        assert {name for name, why in found.unavailable.items() if why == "permission_missing"} == set(OF_POSTS)
        assert {"views", "likes", "comments", "shares"} <= found.metrics.keys()
    assert reading.failures == {}
    days = fetching.api.read_days(fetching.access, [fetching.now.date() - timedelta(days=4)], Tally()).days
    assert [dict(one.unavailable) for one in days.values()] == [dict.fromkeys(OF_DAYS, "permission_missing")]
    assert not [kind for kind in fetching.simulator.calls()["byKind"] if kind.startswith("business")]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"second_access_token": "biz.dead"}, "permission_missing"),
        ({"second_account_id": "another"}, "permission_missing"),
    ],
)
def test_dead_second_grant_costs_no_other_number(fetching: Fetching, changed: Mapping[str, str], why: Reason) -> None:
    fetching.access = Access(fetching.account.platform_account_id, {**fetching.access.credentials, **changed})
    reading = fetching.read()
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert {why for _, found in reading.posts for name, why in found.unavailable.items() if name in OF_POSTS} == {why}
    assert PART in reading.failures
    days = fetching.api.read_days(fetching.access, [fetching.now.date() - timedelta(days=4)], Tally()).days
    assert {reason for one in days.values() for reason in one.unavailable.values()} == {why}


def test_trouble_of_the_second_api_costs_no_other_number(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "error", "path": "business/"})
    reading = fetching.read()
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    for _, found in reading.posts:
        assert {found.unavailable[name] for name in OF_POSTS} == {"provider_error"}
        assert "views" in found.metrics
    assert "internal service timeout" in reading.failures[PART]
    with pytest.raises(Transient):
        fetching.api.read_days(fetching.access, [fetching.now.date() - timedelta(days=4)], Tally())


def test_days_are_the_truth_once_they_are_counted(fetching: Fetching) -> None:
    days = [fetching.now.date() - timedelta(days=back) for back in range(12)]
    found = fetching.api.read_days(fetching.access, days, Tally()).days
    world, policy = fetching.simulator.world, fetching.api.days
    assert policy is not None
    for day in days:
        is_counted = organic.counted_at(world, fetching.account, day) <= fetching.now
        if not is_counted:
            assert found[day].unavailable == dict.fromkeys(OF_DAYS, "not_yet_available")
            assert day > policy.newest(fetching.now), "days that are requested are counted"
            continue
        true = {name: truth.day_value(world, fetching.account, field, day) for name, field in OF_DAYS.items()}
        assert found[day].metrics == true
    assert fetching.simulator.calls()["byKind"]["business/get"] == 1


def test_oldest_days_and_the_longest_span_are_accepted(fetching: Fetching) -> None:
    policy = fetching.api.days
    assert policy is not None
    days = [policy.oldest(fetching.now) + timedelta(days=number) for number in range(policy.span)]
    assert all(one.metrics for one in fetching.api.read_days(fetching.access, days, Tally()).days.values())


def renewable(fetching: Fetching, **changed: str) -> Access:
    credentials = {
        "access_token": "act.ended", "refresh_token": first_refresh_token(fetching.account), "client_id": "key",
        "client_secret": "secret", "second_account_id": grants.business_id(fetching.account),
        "second_access_token": "biz.ended", "second_refresh_token": grants.first_refresh_token(fetching.account),
        "second_client_id": "app", "second_client_secret": "other", **changed,
    }  # fmt: skip
    return Access(fetching.account.platform_account_id, credentials)


def test_both_grants_are_renewed_together(fetching: Fetching) -> None:
    access = renewable(fetching)
    found = fetching.api.refresh(access, Tally())
    assert found is not None
    for name in ("access_token", "refresh_token", "second_access_token", "second_refresh_token"):
        assert found[name] != access.credentials[name]
    fetching.access = Access(access.platform_account_id, found)
    assert fetching.check(fetching.read(), "not_recoverable") > 400
    again = fetching.api.refresh(fetching.access, Tally())
    assert again is not None
    assert again["second_refresh_token"] != found["second_refresh_token"]


@pytest.mark.parametrize("fault", [None, {"kind": "html", "path": "tt_user"}, {"kind": "cut", "path": "tt_user"}])
def test_first_grant_is_kept_if_the_second_is_not_renewed(fetching: Fetching, fault: dict[str, str] | None) -> None:
    access = renewable(fetching, **({} if fault else {"second_refresh_token": "bizr.dead"}))
    if fault:
        fetching.simulator.set_faults(fault)
    found = fetching.api.refresh(access, Tally())
    assert found is not None
    assert found["access_token"].startswith("act.")
    assert found["second_access_token"] == "biz.ended"
    # The new pair works.
    fetching.simulator.set_faults()
    reading = fetching.api.read(Access(access.platform_account_id, found), wanted(), Tally())
    assert reading.account.metrics["followers"] == fetching.level("follower_count")


def test_past_has_the_further_counters_too(fetching: Fetching) -> None:
    pages = list(fetching.api.read_past(fetching.access, wanted(), Tally()))
    posts = [found for page in pages for _, found in page.posts]
    assert len(posts) == len(fetching.here())
    assert all("saves" in found.metrics for found in posts)
    assert known(fetching.here()[0]).platform_post_id in {p.platform_post_id for page in pages for p, _ in page.posts}


def test_token_of_the_second_grant_is_in_no_message(client: Http, server: Answering) -> None:
    told = f"wrong: {SECOND['second_access_token']}"
    server.say({"code": 40002, "message": told}, status=400)
    reading = reading_of("7")
    business(client).complete(reading)
    assert SECOND["second_access_token"] not in str(reading.failures)
    assert SECOND["second_access_token"] not in repr(Access("x", SECOND))
