"""A budget of distinct posts per UTC day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from redis import Redis

from metrics.clock import utcnow
from pipelines.collect.budgets.posts import PostBudget
from tests.pipelines.collect.conftest import NOW, Bench
from tests.pipelines.collect.test_contract import living

TODAY = date(2026, 11, 20)


def test_without_a_limit_all_may_be_read(redis_client: Redis) -> None:
    assert PostBudget(redis_client, "instagram", None, TODAY).reserve_ids(["a", "b"])[0] == {"a", "b"}


def test_post_read_before_on_the_day_is_free(redis_client: Redis) -> None:
    budget = PostBudget(redis_client, "twitter", 2, TODAY)
    budget.note(["a", "b"])
    assert budget.reserve_ids(["new", "a", "b"])[0] == {"a", "b"}
    next_day = PostBudget(redis_client, "twitter", 2, TODAY.replace(day=21))
    assert next_day.reserve_ids(["new", "a", "b"])[0] == {"new", "a"}


def test_what_is_left_goes_to_the_first(redis_client: Redis) -> None:
    budget = PostBudget(redis_client, "twitter", 3, TODAY)
    budget.note(["a"])
    assert budget.reserve_ids(["newest", "newer", "old", "a"])[0] == {"newest", "newer", "a"}


def test_without_redis_nothing_is_held_back(absent_redis: Redis) -> None:
    budget = PostBudget(absent_redis, "twitter", 0, TODAY)
    budget.note(["a"])
    assert budget.reserve_ids(["a"])[0] == {"a"}


def test_collection_holds_back_posts_beyond_the_budget_and_says_so(bench: Bench) -> None:
    bench.connect()
    bench.collect()
    poor = bench.having(instagram_posts_per_day=2)
    report = poor.collect(NOW.replace(hour=23, minute=0), NOW.replace(hour=23, minute=59))
    (held,) = [failure for failure in report.failures if failure.reason == "rate_limited"]
    assert "held back" in held.message
    (problem,) = bench.record(slot=NOW.replace(hour=23, minute=0))["problems"]
    assert (problem["what"], problem["reason"]) == ("posts", "rate_limited")
    assert report.ok == 1


def test_workers_do_not_pass_the_budget_together(redis_client: Redis) -> None:
    def work(worker: int) -> int:
        budget, read = PostBudget(redis_client, "twitter", 50, TODAY), 0
        for turn in range(10):
            reserved = budget.reserve(7, 1)
            read += reserved.posts
            budget.settle(reserved, [f"{worker}-{turn}-{n}" for n in range(reserved.posts)])
        return read

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 50
    assert PostBudget(redis_client, "twitter", 50, TODAY).left() == 0


def test_what_is_reserved_is_not_there_for_others_and_what_was_not_read_is_given_back(redis_client: Redis) -> None:
    one, other = (PostBudget(redis_client, "twitter", 10, TODAY) for _ in range(2))
    reserved = one.reserve(8, 1)
    assert (reserved.posts, other.left(), other.reserve(5, 5).posts) == (8, 2, 0)
    one.settle(reserved, ["a", "b"])
    assert other.left() == 8
    allowed, named = other.reserve_ids(["a", "b", *"cdefghijklm"])
    assert (allowed, one.left()) == (set("abcdefghij"), 0)
    other.settle(named, ["c"])
    assert one.left() == 7


def test_half_of_a_budget_is_left_to_the_hours(redis_client: Redis) -> None:
    half = PostBudget(redis_client, "twitter", 10, TODAY).half
    assert half is not None
    assert (half.reserve(8, 1).posts, half.left()) == (5, 0)


def test_reservation_of_a_worker_that_was_killed_ends(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = PostBudget(redis_client, "twitter", 10, TODAY)
    assert budget.reserve(10, 1).posts == 10
    later = utcnow() + timedelta(minutes=16)
    monkeypatch.setattr("pipelines.collect.budgets.posts.utcnow", lambda: later)
    assert budget.left() == 10


def test_item_that_cannot_be_read_is_billed_all_the_same(bench: Bench) -> None:
    rich = bench.having(twitter_posts_per_day=1000)
    rich.connect(8, platform="twitter")
    bench.simulator.set_faults({"kind": "patch", "path": "/tweets", "at": "data.0.id", "value": {"x": 1}})
    rich.collect(platform="twitter")
    with_odd = 1000 - (PostBudget(bench.redis, "twitter", 1000, NOW.date()).left() or 0)
    assert with_odd == len(living(bench, "twitter"))
