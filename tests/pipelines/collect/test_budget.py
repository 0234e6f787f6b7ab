"""A budget of distinct posts per UTC day."""

from datetime import date

from redis import Redis

from pipelines.collect.budget import PostBudget
from tests.pipelines.collect.conftest import NOW, Bench
from tidemark.stack.ports import free_port

TODAY = date(2026, 11, 20)


def test_without_a_limit_all_may_be_read(redis_client: Redis) -> None:
    assert PostBudget(redis_client, "instagram", None, TODAY).within(["a", "b"]) == {"a", "b"}


def test_post_read_before_on_the_day_is_free(redis_client: Redis) -> None:
    budget = PostBudget(redis_client, "twitter", 2, TODAY)
    budget.note(["a", "b"])
    assert budget.within(["new", "a", "b"]) == {"a", "b"}
    assert PostBudget(redis_client, "twitter", 2, TODAY.replace(day=21)).within(["new", "a", "b"]) == {"new", "a"}


def test_what_is_left_goes_to_the_first(redis_client: Redis) -> None:
    budget = PostBudget(redis_client, "twitter", 3, TODAY)
    budget.note(["a"])
    assert budget.within(["newest", "newer", "old", "a"]) == {"newest", "newer", "a"}


def test_without_redis_nothing_is_held_back() -> None:
    with Redis(port=free_port()) as away:
        budget = PostBudget(away, "twitter", 0, TODAY)
        budget.note(["a"])
        assert budget.within(["a"]) == {"a"}


def test_collection_holds_back_posts_beyond_the_budget_and_says_so(bench: Bench) -> None:
    bench.connect()
    bench.collect()
    poor = bench.having(instagram_posts_per_day=2)
    report = poor.collect(NOW.replace(hour=23, minute=0), NOW.replace(hour=23, minute=59))
    (held,) = [failure for failure in report.failures if failure.reason == "rate_limited"]
    assert "held back" in held.message
    (said,) = bench.record(slot=NOW.replace(hour=23, minute=0))["problems"]
    assert (said["what"], said["reason"]) == ("posts", "rate_limited")
    assert report.ok == 1
