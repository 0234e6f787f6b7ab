"""A used daily quota of the app: the calls that it counts wait, and everything else goes on."""

import pytest

from metrics.periods import HOUR
from tests.pipelines.collect.conftest import NOW, SLOT, Bench


@pytest.mark.usefixtures("every_post")
def test_used_quota_of_one_kind_of_call_leaves_the_others(bench: Bench) -> None:
    account = bench.connect(8, platform="youtube")
    bench.collect(platform="youtube")
    bench.simulator.set_faults({"kind": "app_limit", "path": "channels"})
    report = bench.collect(SLOT + HOUR, NOW + HOUR, platform="youtube")
    assert (report.ok, report.failed) == (1, 0)
    assert {failure.reason for failure in report.failures} == {"rate_limited"}
    rows = bench.rows(SLOT + HOUR, accountId=account["_id"])
    assert any("postId" in row["metadata"] and "views" in row["metrics"] for row in rows)
    assert bench.redis.keys("tm:{youtube}:paused*") == [], "no other call waits"
    # The quota counts as used for all workers, so that no further call is spent on it.
    before = bench.simulator.calls()["byKind"].get("channels", 0)
    bench.simulator.set_faults()
    again = bench.collect(SLOT + HOUR, NOW + HOUR, platform="youtube")
    assert {failure.reason for failure in again.failures} == {"rate_limited"}
    assert bench.simulator.calls()["byKind"].get("channels", 0) == before


def test_quota_of_the_settings_is_not_exceeded(bench: Bench) -> None:
    for index in range(4):
        bench.connect(index, platform="youtube")
    poor = bench.having(youtube_general_units_per_day=3)
    report = poor.collect(platform="youtube")
    counted = bench.simulator.calls()["byKind"]
    assert counted.get("channels", 0) + counted.get("playlistItems", 0) + counted.get("videos", 0) == 3
    assert report.failed + report.ok == 4
    assert report.failures
    assert {failure.reason for failure in report.failures} == {"rate_limited"}


def test_accounts_of_a_run_are_read_in_common_calls(bench: Bench) -> None:
    for index in range(12):
        bench.connect(index, platform="youtube")
    assert bench.collect(platform="youtube").ok == 12
    before = dict(bench.simulator.calls()["byKind"])
    assert bench.collect(SLOT + HOUR, NOW + HOUR, platform="youtube").ok == 12
    after = bench.simulator.calls()["byKind"]
    # Twelve channels fit into one call; a few more are sent if threads come late.
    assert 1 <= after["channels"] - before["channels"] <= 6
