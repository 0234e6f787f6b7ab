"""Budgets of reading others: own accounts keep what they need, and what is skipped is told and read next."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.redis.keys import calls_key
from pipelines.collect.pauses import Pauses
from pipelines.platforms.errors import QuotaUsed, RateLimited
from pipelines.watching.budgets import LentCalls, WatchedPosts, WatchedQuotas
from tests.pipelines.watching.days import FIRST, LENDER, NOW, Days, later

LENT: list[Platform] = ["instagram", "threads", "linkedin"]


def lend(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Let every account lend so many calls."""
    real = LentCalls.of

    def of(redis: Redis, settings: Any, lender: Any) -> LentCalls:
        found = real(redis, settings, lender)
        found.share._limit = calls
        return found

    monkeypatch.setattr(LentCalls, "of", staticmethod(of))


@pytest.mark.parametrize(
    ("platform", "share", "limit"),
    [("instagram", 20, 960), ("instagram", 1, 48), ("threads", 20, 1000), ("threads", 1, 480), ("linkedin", 20, 200)],
)
def test_account_lends_a_share_of_its_calls(days: Days, platform: Platform, share: int, limit: int) -> None:
    there = days.having(watch_share=share)
    assert LentCalls.of(there.redis, there.settings, there.connect(platform)).limit == limit


@pytest.mark.parametrize("platform", LENT)
def test_no_call_more_than_lent_and_those_that_waited_longest_come_first(
    days: Days, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.connect(platform)
    watched = [days.watch(platform, FIRST + number) for number in (0, 1, 2, 6, 7)]
    lend(monkeypatch, 5)
    report = days.read(platform)
    assert report.calls <= 5
    assert 0 < report.read < 5
    assert report.read + report.skipped + report.refused.total() == 5
    assert report.reasons == {"rate_limited": report.skipped}
    waiting = [one for one in watched if "lookedAt" not in days.watched(one)]
    assert len(waiting) == report.skipped
    for one in waiting:
        assert "budget of calls within 24 hours is used" in days.watched(one)["stateReason"]
        assert [record["reason"] for record in days.records(one)] == ["rate_limited"]
    days.redis.flushall()
    again = days.read(platform, later(1))
    assert again.calls <= 5
    assert days.watched(waiting[0])["lookedAt"] == later(1), "it waited longest"


def test_second_account_of_the_workspace_lends_what_the_first_one_has_not(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in (LENDER, LENDER + 1):
        days.connect("instagram", index)
    for number in (0, 1):
        days.watch("instagram", FIRST + number)
    lend(monkeypatch, 2)
    report = days.read("instagram")
    assert (report.read, report.calls) == (2, 4)


@pytest.mark.parametrize("platform", LENT)
def test_pause_of_the_own_account_holds_for_the_route(days: Days, platform: Platform) -> None:
    lender = days.connect(platform)
    mine = days.watch(platform, FIRST)
    Pauses(days.redis, platform).note(lender, RateLimited("met", utcnow() + timedelta(hours=1), "account"))
    report = days.read(platform)
    assert (report.skipped, report.calls) == (1, 0)
    assert "the rate limit was met before" in days.watched(mine)["stateReason"]


@pytest.mark.parametrize("platform", ["instagram", "threads", "linkedin", "twitter", "bluesky", "facebook"])
def test_limit_that_the_route_meets_does_not_pause_own_collection(days: Days, platform: Platform) -> None:
    lender = days.connect(platform)
    for number in (0, 1):
        days.watch(platform, FIRST + number)
    days.simulator.set_faults({"kind": "app_limit"})
    assert days.read(platform).skipped == 2
    Pauses(days.redis, platform).check(lender)
    days.simulator.set_faults()
    again = days.read(platform)
    assert (again.skipped, again.calls) == (2, 0), "the route itself waits"


@pytest.mark.parametrize("platform", LENT)
def test_without_a_connected_account_the_route_is_off_and_opens_with_one(days: Days, platform: Platform) -> None:
    mine = days.watch(platform, FIRST)
    report = days.read(platform)
    assert (dict(report.refused), report.calls) == ({"off": 1}, 0)
    assert "the workspace has none" in days.watched(mine)["stateReason"]
    days.connect(platform)
    assert days.read(platform, later(1)).read == 1


@pytest.mark.parametrize("platform", LENT)
def test_calls_count_in_the_own_budget_too(days: Days, platform: Platform) -> None:
    lender = days.connect(platform)
    days.watch(platform, FIRST)
    report = days.read(platform)
    own = days.redis.hvals(calls_key(platform, lender["platformAccountId"]))
    assert sum(map(int, own)) == (report.calls if platform == "threads" else 0)


def test_posts_of_others_have_a_budget_of_their_own_on_x(days: Days) -> None:
    there = days.having(watch_posts_per_day=2)
    for number in (0, 1, 2):
        there.watch("twitter", FIRST + number)
    report = there.read("twitter")
    bill = there.simulator.client.get("/_control/bill").json()["twitter"]
    assert bill.get("post", 0) <= 2
    assert report.usd == pytest.approx(bill["usd"])
    assert report.skipped or report.partly
    there.redis.flushall()
    assert days.having(watch_posts_per_day=0).read("twitter", later(1)).skipped == 3


def test_own_posts_keep_their_part_of_the_common_budget(days: Days) -> None:
    there = days.having(twitter_posts_per_day=100, watch_posts_per_day=None, watch_share=20)
    budget = WatchedPosts.of(there.redis, there.settings, "twitter", NOW.date())
    assert budget is not None
    assert budget.left() == 20
    budget.note([f"{number}" for number in range(15)])
    assert (budget.left(), budget.reserve(9, 1).posts, budget.used) == (5, 5, False)
    budget.note([f"{number}" for number in range(20)])
    assert (budget.left(), budget.reserve(9, 1).posts, budget.used) == (0, 0, True)
    assert WatchedPosts.of(there.redis, there.settings, "bluesky", NOW.date()) is None


def test_quotas_of_the_app_leave_most_to_own_accounts(days: Days) -> None:
    there = days.having(youtube_general_units_per_day=10, watch_share=20)
    quotas = WatchedQuotas(there.redis, there.settings, "youtube")
    assert [quotas.spend("general"), quotas.spend("general")] == [10, 20]
    with pytest.raises(QuotaUsed, match="general, as far as it is for watched accounts"):
        quotas.spend("general")
    for number in (0, 1):
        there.watch("youtube", FIRST + number)
    report = there.read("youtube")
    assert (report.skipped, report.calls) == (2, 0)


def test_nothing_is_lent_while_redis_does_not_answer(days: Days, absent_redis: Redis) -> None:
    lender = days.connect("instagram")
    assert LentCalls.of(absent_redis, days.settings, lender).left() == 0
    budget = WatchedPosts.of(absent_redis, days.settings, "twitter", NOW.date())
    assert budget is not None
    assert budget.used
