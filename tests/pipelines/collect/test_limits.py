"""Limits of a platform: of the whole app, and of one account."""

import pytest

from tests.pipelines.collect.conftest import Bench


@pytest.mark.usefixtures("every_post")
def test_app_limit_stops_the_accounts_that_follow(bench: Bench) -> None:
    for index in range(3):
        bench.connect(index)
    bench.simulator.set_faults({"kind": "app_limit", "times": 1})
    report = bench.having(collect_concurrency=1).collect()
    assert {failure.account_id for failure in report.failures} == {"a0", "a1", "a2"}
    # The other two accounts may each send a call before the answer is processed: its data is kept.
    assert report.failed >= 1
    assert len(bench.simulator.calls()["byAccount"]) <= 1
    assert {failure.reason for failure in report.failures} == {"rate_limited"}
    assert all("until 20" in failure.message for failure in report.failures)


def test_account_limit_stops_that_account_until_then(bench: Bench) -> None:
    account = bench.connect(0)
    bench.connect(1)
    limit = {"kind": "account_limit", "account": account["platformAccountId"], "times": 1, "seconds": 1800}
    bench.simulator.set_faults(limit)
    assert (bench.collect().failed, bench.record()["reason"]) == (1, "rate_limited")
    again = bench.collect()
    assert (again.ok, again.failed) == (1, 1)
