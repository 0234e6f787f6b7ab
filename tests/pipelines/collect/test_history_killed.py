"""A history whose run is killed with SIGKILL twice ends with the same result as one without."""

from multiprocessing import get_context
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.collection.histories import summed_progress
from metrics.documents import PLATFORMS, AccountDocument
from metrics.ids import post_id
from metrics.redis.client import connect
from metrics.redis.events import Announcer
from metrics.settings import PLATFORM_APIS, load_settings
from metrics.store import Store
from pipelines.collect.history.span import days_of
from pipelines.platforms.registry import api_facts
from pipelines.resources import Clients
from tests.pipelines.collect.conftest import Bench
from tests.pipelines.collect.history import Past
from tests.waiting import until


def read_until_killed(values: dict[str, Any]) -> None:
    """Read histories; runs in a process of its own."""
    settings = load_settings(_env_file=None, **values)
    redis = connect(settings)
    clients = Clients(settings, Store.connect(settings), redis, Announcer(redis))
    clients.history_reader().read(run_id="killed")


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.having(retention_days=130))


def kill_at(past: Past, done: int) -> int:
    """Start a run, and kill it after so many posts and days; return how many had been read."""
    settings, store = past.bench.settings, past.bench.store
    names = ("mongo_url", "mongo_db", "redis_url", "retention_days")
    values = {name: getattr(settings, name) for name in names} | {
        **{f"{api}_url": settings.platform_url(api) for api in PLATFORM_APIS},
        "secret_keys": ",".join(key.get_secret_value() for key in settings.secret_keys),
    }

    def read() -> int:
        return summed_progress(store.memories.histories(workspaceId="w"))["done"]

    process = get_context("spawn").Process(target=read_until_killed, args=(values,))
    process.start()
    until(lambda: read() >= done or not process.is_alive(), 120)
    assert process.is_alive(), "it was killed half-way"
    process.kill()
    process.join()
    return read()


def expected(past: Past, account: AccountDocument) -> tuple[set[str], dict[Any, dict[str, int]]]:
    """The posts and the days that a history must contain."""
    now = utcnow()
    posts = {post_id(account["_id"], post.platform_post_id) for post in past.true_posts(account, now)}
    return posts, {day: values for day, values in past.true_days(account, now, days=110).items() if values}


@pytest.mark.usefixtures("every_post")
def test_history_that_is_killed_twice_ends_the_same(past: Past) -> None:
    accounts = [past.connect(platform) for platform in PLATFORMS]
    past.bench.simulator.client.put("/_control/latency", json={"ms": 40}).raise_for_status()
    assert kill_at(past, 60) < kill_at(past, 400) < 4 * 300
    asked = {account["_id"]: days_of(past.of(account)["asked"]) for account in accounts}
    past.bench.simulator.reset()
    report = past.read()
    assert sum(report.ended.values()) + len(past.bench.store.operations.find(["succeeded"])) >= len(accounts)
    for account in accounts:
        posts, days = expected(past, account)
        rows = [row["metadata"]["postId"] for row in past.rows(account)]
        assert set(rows) == posts
        # At most the page of each list that was being read is read again.
        assert len(rows) <= len(posts) + 2 * 100
        stored = past.stored_days(account)
        assert {day: stored.get(day) for day in days} == days
        history = past.of(account)
        assert (history["state"], history["posts"]) == ("done", {"done": len(posts), "expected": len(posts)})
        assert days_of(history["asked"]) >= asked[account["_id"]]
        policy = api_facts(account["platform"]).days
        fewest = min((policy.reach - policy.lag).days, 110) if policy is not None else 0
        assert history["days"]["done"] == history["days"]["expected"] >= fewest
        assert past.operation(account)["state"] == "succeeded"
