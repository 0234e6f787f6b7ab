"""Histories and limits: a rate limit or a budget pauses a history, and it goes on where it was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.documents import PLATFORMS, Platform
from metrics.errors import RedisUnavailable
from metrics.redis.client import connect
from pipelines.collect.budgets.posts import PostBudget
from pipelines.collect.history import turn
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import DaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import RateLimited
from pipelines.platforms.facebook.api import Facebook
from tests.pipelines.collect.conftest import Bench
from tests.pipelines.collect.history import Past
from tidemark.stack.ports import HOST, free_port


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.having(retention_days=400))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_limit_is_waited_for_and_the_history_goes_on(past: Past, platform: Platform) -> None:
    now = utcnow()
    account = past.connect(platform)
    past.bench.simulator.set_faults({"kind": "account_limit", "times": 1, "seconds": 1800})
    report = past.read()
    history = past.of(account)
    assert (report.waiting, history["state"], history["reason"]) == (1, "waiting", "rate_limited")
    assert history["resumesAt"] > now
    assert past.read().accounts == 0, "no request before the pause is over"
    past.bench.simulator.set_faults()
    past.resume(account)
    past.read()
    assert past.of(account)["state"] == "done"
    assert len(past.rows(account)) == len(past.true_posts(account, now))


def test_rest_of_a_budget_is_left_to_the_hours(bench: Bench) -> None:
    """Two years of Instagram's days take more calls than the history's share of an hour's limit."""
    past = Past(bench.having(retention_days=3000))
    account = past.connect()
    past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("waiting", "rate_limited")
    assert "left to hourly collection" in history["message"]
    assert 0.6 * 4800 <= history["calls"] <= 0.65 * 4800
    assert past.bench.redis.keys("tm:{instagram}:paused*") == [], "the hours are not held up"
    past.bench.simulator.reset()
    past.resume(account)
    past.read()
    assert past.of(account)["state"] == "done"
    assert past.of(account)["days"]["expected"] > 720


@pytest.mark.usefixtures("every_post")
def test_half_of_the_budget_of_posts_is_left_to_the_hours(past: Past) -> None:
    some = Past(past.bench.having(twitter_posts_per_day=300))
    account = some.connect("twitter")
    some.read()
    history = some.of(account)
    assert (history["state"], history["reason"]) == ("waiting", "rate_limited")
    assert "budget of distinct posts" in history["message"]
    (name,) = some.bench.redis.keys("tm:{twitter}:posts-read:*")
    assert 146 <= some.bench.redis.scard(name) <= 150
    assert some.bench.redis.keys("tm:{twitter}:paused*") == []
    for _ in range(40):
        if some.of(account)["state"] == "done":
            break
        some.resume(account)
        some.read()
    assert some.of(account)["state"] == "done"
    assert len(some.rows(account)) == len(some.true_posts(account, utcnow()))


def test_run_that_is_over_is_followed_by_another(past: Past) -> None:
    account = past.connect("linkedin")
    assert past.read(seconds=0).accounts == 0
    assert past.of(account)["state"] == "waiting"
    assert past.read().ended == {"done": 1}


def test_days_that_a_limit_cut_short_are_asked_for_again(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    now = utcnow()
    account = past.connect("facebook")
    days = Facebook.read_days
    cut: list[date] = []

    def limited(self: Facebook, access: Access, asked: Sequence[date], tally: Tally, budget: Any = None) -> DaysReading:
        found = days(self, access, asked, tally, budget)
        if cut:
            return found
        cut.extend(asked)
        tally.limited = RateLimited("enough", utcnow() + timedelta(minutes=5), "account")
        read = {day: replace(one, metrics={"reach": one.metrics["reach"]}) for day, one in found.days.items()}
        return DaysReading(read, found.odd, {"accountViews": "enough"})

    monkeypatch.setattr(Facebook, "read_days", limited)
    past.read()
    assert (past.of(account)["state"], past.of(account)["asked"]) == ("waiting", [])
    assert set(past.stored_days(account)) == set(cut)
    past.resume(account)
    past.read()
    assert (past.of(account)["state"], past.of(account)["partly"]) == ("done", [])
    true = past.true_days(account, now)
    assert {day: past.stored_days(account)[day] for day in cut} == {day: true[day] for day in cut}


def test_account_that_waits_for_what_others_used_is_never_given_up(past: Past) -> None:
    some = Past(past.bench.having(twitter_posts_per_day=300))
    account = some.connect("twitter")
    budget = PostBudget(some.bench.redis, "twitter", 300, utcnow().date())
    for _ in range(turn.MOST_TRIES + 2):
        budget.note(f"of another account {n}" for n in range(150))
        some.read()
        history = some.of(account)
        assert (history["state"], history["tries"], history["calls"]) == ("waiting", 0, 0)
        assert history["problems"] == []
        some.resume(account)


def test_posts_are_not_billed_while_nobody_counts_them(past: Past) -> None:
    address = f"redis://{HOST}:{free_port()}/0"
    with connect(past.bench.settings.model_copy(update={"redis_url": address}), retries=0) as nobody:
        away = Past(replace(past.bench, redis=nobody))
        account = away.connect("twitter")
        with pytest.raises(RedisUnavailable):
            away.read()
    history = past.of(account)
    assert (history["state"], history["calls"], history["tries"]) == ("waiting", 0, 0)
    assert "Redis does not answer" in history["message"]
    assert past.bench.simulator.calls()["byKind"] == {}
    history["resumesAt"] = utcnow()
    past.bench.store.memories.keep_history(account["_id"], history)
    past.read()
    assert past.of(account)["state"] == "done"
