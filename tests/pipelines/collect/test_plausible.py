"""A reading in which every count is 0 at once is kept out: the platform's index is away, and nothing was lost."""

from typing import Any

import pytest

from metrics.documents import PLATFORMS, Platform
from metrics.periods import HOUR
from pipelines.collect.plausible import is_all_zero
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from tests.pipelines.collect.conftest import NOW, SLOT, Bench


def values(bench: Bench, slot: Any) -> dict[str, dict[str, float]]:
    """Return the metrics that were observed in a slot, by post; those of the account under an empty text."""
    return {row["metadata"].get("postId", ""): row["metrics"] for row in bench.rows(slot)}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_reading_of_zeros_alone_is_kept_out(bench: Bench, platform: Platform) -> None:
    account_id = bench.connect(platform=platform)["_id"]
    bench.collect(platform=platform)
    before = values(bench, SLOT)
    assert before[""]["followers"] >= 10
    bench.simulator.set_faults({"kind": "all_zeros"})
    report = bench.collect(SLOT + HOUR, NOW + HOUR, platform, every_post=True)
    assert (report.ok, report.failed) == (1, 0)
    rows = bench.rows(SLOT + HOUR)
    assert len(rows) >= 2
    assert not [row["metrics"] for row in rows if row["metrics"]], "no 0 is stored"
    assert {row["unavailable"]["followers"] for row in rows if "postId" not in row["metadata"]} == {"provider_error"}
    (problem,) = [one for one in bench.record(account_id, SLOT + HOUR)["problems"] if one["what"] == "counts"]
    assert problem["reason"] == "provider_error"
    assert "0 at once" in problem["message"]
    bench.simulator.set_faults()
    bench.collect(SLOT + 2 * HOUR, NOW + 2 * HOUR, platform)
    assert values(bench, SLOT + 2 * HOUR)[""]["followers"] > 0, "the first good reading counts again"


def test_zeros_of_an_account_that_never_had_more_are_true(bench: Bench) -> None:
    bench.connect()
    bench.simulator.set_faults({"kind": "all_zeros"})
    bench.collect()
    assert values(bench, SLOT)[""]["followers"] == 0
    bench.collect(SLOT + HOUR, NOW + HOUR)
    assert values(bench, SLOT + HOUR)[""]["followers"] == 0


def test_loss_of_all_followers_alone_is_stored(bench: Bench) -> None:
    """The posts still have their counts, so the index answers, and the level may be true."""
    bench.connect(platform="twitter")
    bench.collect(platform="twitter")
    bench.simulator.set_faults({"kind": "patch", "at": "data.public_metrics.followers_count", "value": 0})
    bench.collect(SLOT + HOUR, NOW + HOUR, "twitter")
    assert values(bench, SLOT + HOUR)[""]["followers"] == 0


def test_zeros_of_a_new_post_are_true_while_the_followers_cannot_be_read(bench: Bench) -> None:
    """Only the same counts are compared: followers that were known before are not in the reading."""
    account = bench.connect(platform="twitter")
    bench.collect(platform="twitter")
    post = Post("1812345678901234567", "post", "text", NOW)
    zeros = AccountReading(Reading(NOW), posts=[(post, Reading(NOW, {"likes": 0, "comments": 0}))])
    assert not is_all_zero(bench.store, account, zeros, SLOT + HOUR)
    with_level = AccountReading(Reading(NOW, {"followers": 0}), posts=zeros.posts)
    assert is_all_zero(bench.store, account, with_level, SLOT + HOUR)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_frozen_numbers_are_stored_as_they_are_told(bench: Bench, platform: Platform) -> None:
    """The truth goes on, so the reading alone shows nothing wrong: no count is missing, and none has fallen."""
    bench.connect(platform=platform)
    bench.simulator.set_clock(NOW)
    bench.simulator.set_faults({"kind": "frozen"})
    readings = []
    for hours in (0, 30):
        report = bench.collect(SLOT + hours * HOUR, NOW + hours * HOUR, platform, every_post=True)
        assert (report.ok, report.failed) == (1, 0)
        readings.append({row["metadata"].get("postId", ""): row["metrics"] for row in bench.rows(SLOT + hours * HOUR)})
    before, after = readings
    assert before[""]["followers"] == after[""]["followers"]
    again = {post for post in before if post and post in after and before[post]}
    assert again
    assert {post: after[post].get("likes") for post in again} == {post: before[post].get("likes") for post in again}
