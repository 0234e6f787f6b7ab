"""Accounts of all platforms with many kinds of faults at once, and the run after that."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from metrics.catalog import CATALOG, offered
from metrics.documents import PLATFORMS
from metrics.redis.keys import events_key
from pipelines.collect.report import CollectReport
from pipelines.platforms.http import client
from pipelines.platforms.http.client import Http
from simulator import truth
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.waiting import until

ACCOUNTS = 25
"""Accounts of each platform."""

LONGEST_RUN = timedelta(minutes=5)
TROUBLE: tuple[dict[str, Any], ...] = (
    {"kind": "error", "rate": 0.10},
    {"kind": "timeout", "rate": 0.05, "seconds": 2.0},
    {"kind": "account_limit", "rate": 0.05},
    {"kind": "expired_token", "rate": 0.02},
    {"kind": "broken_json", "rate": 0.03},
    {"kind": "slow", "rate": 0.05, "seconds": 0.3},
)
RETIRED: dict[str, Any] = {"kind": "retired_metric", "metric": "saved"}


def collect_all(bench: Bench) -> list[CollectReport]:
    return [bench.collect(platform=platform) for platform in PLATFORMS]


def records(bench: Bench) -> dict[str, dict[str, Any]]:
    return {record["accountId"]: dict(record) for record in bench.store.collections.of_slot(SLOT)}


def check_truth(bench: Bench, account_ids: set[str], known: set[Any]) -> Counter[str]:
    """Compare every number of these accounts with the truth; return how many there were per platform.

    Rows whose id is in `known` were compared before and are left out; those that are compared now are added to it.
    """
    world, checked = bench.simulator.world, Counter[str]()
    for row in bench.store.db["metrics"].find({"metadata.accountId": {"$in": sorted(account_ids)}, "timestamp": SLOT}):
        if row["_id"] in known:
            continue
        known.add(row["_id"])
        metadata = row["metadata"]
        platform = metadata["platform"]
        offers = offered(platform, metadata["metricType"], metadata.get("contentType"))
        for name, value in row["metrics"].items():
            if "postId" in metadata:
                post = world.post(platform, metadata["platformPostId"])
                assert post is not None
                of = partial(truth.post_value, world, post)
            else:
                assert CATALOG["account", name].kind == "gauge"
                account_id = bench.store.accounts.get(metadata["accountId"])["platformAccountId"]
                account = world.find(platform, account_id)
                assert account is not None
                of = partial(truth.account_value, world, account)
            early = sum(of(p, NOW) for p in offers[name].parts)
            if value != early:
                late = sum(of(p, NOW + LONGEST_RUN) for p in offers[name].parts)
                assert min(early, late) <= value <= max(early, late), (name, metadata)
            checked[platform] += 1
    return checked


def wait_for_late_calls(bench: Bench) -> None:
    """Wait until no call arrives any more: the simulator answers calls also after the collector gave them up."""
    counts: list[int] = []

    def is_quiet() -> bool:
        counts.append(sum(bench.simulator.calls()["byKind"].values()))
        return len(counts) > 2 and counts[-1] == counts[-2] == counts[-3]

    until(is_quiet, seconds=60, every=0.5)


@pytest.fixture
def connected(bench: Bench) -> Bench:
    for platform in PLATFORMS:
        for index in range(ACCOUNTS):
            bench.connect(index, platform=platform)
    return bench


@pytest.mark.timeout(300)
def test_trouble_stays_where_it_is_and_the_next_run_recovers(connected: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _cause_trouble(connected, monkeypatch, fewest_numbers=2_000, fewest_of_a_platform=100)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("every_post")
def test_trouble_among_as_many_posts_as_usual_stays_where_it_is(
    connected: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cause_trouble(connected, monkeypatch, fewest_numbers=10_000, fewest_of_a_platform=500)


def _cause_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fewest_numbers: int, fewest_of_a_platform: int
) -> None:
    """Collect amid trouble and again after it, and compare more than so many numbers with the truth."""
    monkeypatch.setattr(client, "Http", partial(Http, timeout=(1.0, 1.0)))
    bench.simulator.set_clock(NOW)
    bench.simulator.set_faults(*TROUBLE)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(collect_all, bench)
        # The first event shows that the run has begun: now a metric is retired.
        bench.redis.xread({events_key("w"): "0"}, block=60_000)
        bench.simulator.set_faults(*TROUBLE, RETIRED)
        reports = run.result()
    assert sum(report.expected for report in reports) == len(PLATFORMS) * ACCOUNTS
    found = records(bench)
    assert len(found) == len(PLATFORMS) * ACCOUNTS
    reasons = Counter(record.get("reason", "collected") for record in found.values())
    assert reasons["collected"] > 2 * ACCOUNTS
    assert {one["message"] for one in found.values() if one.get("reason") == "internal_error"} == set()
    assert reasons.keys() <= {"collected", "needs_reauth", "rate_limited", "provider_error"}
    assert reasons["needs_reauth"] > 0
    assert reasons["rate_limited"] > 0
    dead = {a["_id"] for a in bench.store.accounts.find(states=["needs_reauth"])}
    assert dead == {account_id for account_id, record in found.items() if record.get("reason") == "needs_reauth"}
    healthy = {account_id for account_id, record in found.items() if record["state"] == "collected"}
    known: set[Any] = set()
    checked = check_truth(bench, healthy, known)
    # Where a limit is one of the app, the first one that is met pauses a whole platform, so it may have few numbers.
    assert checked.total() > fewest_numbers

    # The answer that denies a token may itself be lost. Then the next run finds it out with two calls: the one that
    # is denied, and one that confirms it or is refused a new token. Once the token is known to be invalid, no call is
    # made.
    wait_for_late_calls(bench)
    bench.simulator.client.delete("/_control/calls")
    bench.simulator.set_faults(RETIRED)
    monkeypatch.setattr(client, "Http", partial(Http, timeout=(5.0, 5.0)))
    bench.redis.flushall()  # the pauses are over
    again = collect_all(bench)
    assert sum(report.skipped for report in again) == len(dead)
    failed = {failure.account_id for report in again for failure in report.failures if failure.state == "failed"}
    still_dead = {a["_id"] for a in bench.store.accounts.find(states=["needs_reauth"])}
    assert failed == still_dead - dead
    assert len(failed) < len(dead)
    calls = bench.simulator.calls()["byAccount"]
    platform_ids = {a["_id"]: a["platformAccountId"] for a in bench.store.accounts.find(states=["needs_reauth"])}
    assert {account_id: calls[platform_ids[account_id]] for account_id in failed} == dict.fromkeys(failed, 2)
    assert not {account_id for account_id in dead if platform_ids[account_id] in calls}
    recovered = {account_id for account_id, record in records(bench).items() if record["state"] == "collected"}
    assert recovered | still_dead == set(found)
    checked += check_truth(bench, recovered, known)
    assert min(checked[platform] for platform in PLATFORMS) > fewest_of_a_platform, checked
