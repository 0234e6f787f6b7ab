"""A budget of calls per account within 24 hours, which all workers share."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from redis import Redis

from metrics.documents import AccountDocument
from pipelines.collect.budgets import calls as call_budget
from pipelines.collect.budgets.calls import KEPT_SHARE, CallBudget, CallBudgets
from pipelines.platforms.errors import CallsUsed
from tests.pipelines.collect.conftest import NOW, Bench
from tests.pipelines.collect.test_contract import living

ACCOUNT: AccountDocument = {"platformAccountId": "23000000000000001"}  # type: ignore[typeddict-item]


def budget(redis: Redis, per_day: int, account: str = "23000000000000001") -> CallBudget:
    found = CallBudgets(redis, "threads", per_day).of({**ACCOUNT, "platformAccountId": account})
    assert found is not None
    return found


def spend_all(of: CallBudget, *, for_posts: bool = False) -> int:
    """Spend until the budget is used; return how many calls that were."""
    calls = 0
    while True:
        try:
            of.spend(for_posts=for_posts)
        except CallsUsed:
            return calls
        calls += 1


def test_without_a_limit_there_is_no_budget(redis_client: Redis) -> None:
    assert CallBudgets(redis_client, "instagram", None).of(ACCOUNT) is None


def test_two_workers_do_not_pass_the_budget_together(redis_client: Redis) -> None:
    begin = threading.Barrier(4)

    def work(_: int) -> int:
        begin.wait()
        return spend_all(budget(redis_client, 240))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 240


def test_posts_leave_a_part_to_the_account(redis_client: Redis) -> None:
    of = budget(redis_client, 240)
    assert spend_all(of, for_posts=True) == 240 - 240 // KEPT_SHARE
    assert spend_all(of) == 240 // KEPT_SHARE
    with pytest.raises(CallsUsed, match="24 hours"):
        of.spend()


def test_each_account_has_its_own_budget(redis_client: Redis) -> None:
    assert spend_all(budget(redis_client, 120)) == 120
    assert spend_all(budget(redis_client, 120, "23000000000000002")) == 120


def test_calls_count_for_a_day(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = datetime.fromisoformat("2026-11-20T10:30:00+00:00")
    of = budget(redis_client, 100)

    def at(hours: float) -> None:
        monkeypatch.setattr(call_budget, "utcnow", lambda: begin + timedelta(hours=hours))

    at(0)
    assert [of.spend() for _ in range(60)][-1] == 60
    at(12)
    assert spend_all(of) == 40
    at(24)
    assert spend_all(of) == 0, "the first calls are exactly 24 hours old"
    at(25)
    assert spend_all(of) == 60
    at(60)
    assert spend_all(of) == 100


def test_without_redis_nothing_is_held_back(absent_redis: Redis) -> None:
    assert budget(absent_redis, 100).spend() == 0


@pytest.mark.usefixtures("every_post")
def test_posts_beyond_the_budget_are_held_back_and_told(bench: Bench) -> None:
    bench.simulator.reset()
    bench.simulator.set_clock(NOW)
    account = bench.connect(8, platform="threads")
    poor = bench.having(threads_calls_per_day=100)
    # 96 calls may go to posts, 3 go to the account before them; some of those that are left are spent here.
    spent = budget(bench.redis, 100, account["platformAccountId"])
    for _ in range(60):
        spent.spend()
    report = poor.collect(platform="threads")
    (held,) = [failure for failure in report.failures if failure.reason == "rate_limited"]
    assert "held back: the account's budget of calls" in held.message
    rows = bench.rows(accountId=account["_id"])
    read = {row["metadata"]["postId"] for row in rows if "postId" in row["metadata"]}
    stored = {
        post["_id"]: post for post in bench.store.posts.of_account(account["_id"], since=NOW - timedelta(days=91))
    }
    assert 0 < len(read) < len(living(bench, "threads"))
    oldest_read = min(stored[name]["publishedAt"] for name in read)
    assert all(post["publishedAt"] <= oldest_read for name, post in stored.items() if name not in read)
    assert next(row for row in rows if "postId" not in row["metadata"])["metrics"]["followers"] > 0
    assert not bench.redis.keys("tm:{threads}:paused*"), "our own budget is no limit of the platform"
