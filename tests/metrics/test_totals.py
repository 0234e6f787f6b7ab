"""Totals of a workspace and comparisons."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import AggregatedDocument
from metrics.totals import compare, workspace_totals


def of(account: str, status: str = "complete", **metrics: Any) -> AggregatedDocument:
    coverage = {"expectedSlots": 24, "observedSlots": 20}
    row = {"accountId": account, "aggregatedMetrics": metrics, "coverage": coverage, "status": status}
    return cast("AggregatedDocument", row)


def rated(account: str, engagement: int, basis: int, name: str = "views") -> AggregatedDocument:
    parts = {"engagement": engagement, "basis": basis}
    return of(account, engagementRateParts=parts, engagementRateBasis=name, engagementRate=100 * engagement / basis)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=5))
def test_counts_are_summed(nets: list[int]) -> None:
    totals = workspace_totals([of(str(i), totalLikes=net) for i, net in enumerate(nets)])
    assert totals["metrics"]["totalLikes"] == sum(nets)


def test_posts_are_summed_by_type() -> None:
    documents = [of("a", postCountByType={"image": 2}), of("b", postCountByType={"image": 1, "video": 4}), of("c")]
    assert workspace_totals(documents)["metrics"]["postCountByType"] == {"image": 3, "video": 4}
    assert "postCountByType" not in workspace_totals([of("c")])["metrics"]


def test_total_that_no_account_has_is_absent_not_zero() -> None:
    assert "totalClicks" not in workspace_totals([of("a", totalLikes=0)])["metrics"]


def test_rates_are_pooled_not_averaged() -> None:
    totals = workspace_totals([rated("a", 1, 10), rated("b", 0, 990)])
    assert totals["metrics"]["engagementRate"] == pytest.approx(0.1)


def test_rates_over_several_bases_name_them() -> None:
    totals = workspace_totals([rated("a", 1, 10), rated("b", 1, 10, "impressions")])
    assert totals["metrics"]["engagementRateBasis"] == "impressions+views"


def test_followers_are_summed_if_every_account_has_them() -> None:
    documents = [of("a", followers=10, followerGrowth=-1), of("b", followers=5, followerGrowth=2)]
    totals = workspace_totals(documents, ["a", "b"])
    assert (totals["metrics"]["followers"], totals["metrics"]["followerGrowth"]) == (15, 1)
    assert totals["missing"] == {}


def test_missing_followers_are_named() -> None:
    totals = workspace_totals([of("a", followers=10, followerGrowth=1), of("b")], ["a", "b", "c"])
    assert totals["missing"] == {"followers": ["b", "c"]}
    assert "followers" not in totals["metrics"]
    assert totals["unavailable"]["followers"] == "no_observation"


def test_unique_people_are_never_summed() -> None:
    totals = workspace_totals([of("a", reach=5), of("b", reach=7)])
    assert "reach" not in totals["metrics"]
    assert totals["unavailable"]["reach"] == "not_additive"


@pytest.mark.parametrize(
    ("states", "status"), [(["complete", "partial"], "partial"), (["partial", "open"], "open"), ([], None)]
)
def test_status_is_the_least_of_all(states: list[str], status: str | None) -> None:
    totals = workspace_totals([of(str(i), state) for i, state in enumerate(states)])
    assert totals["status"] == status
    assert totals["coverage"] == {"expectedSlots": 24 * len(states), "observedSlots": 20 * len(states)}


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_comparison_is_relative_to_the_size_of_the_previous(now: int, before: int) -> None:
    found = compare({"totalLikes": now}, {"totalLikes": before}, current_status="complete", previous_status="complete")
    change = found["changes"]["totalLikes"]
    assert change["delta"] == now - before
    assert ("deltaPercent" in change) == (before != 0)
    if before:
        assert change["deltaPercent"] * abs(before) == pytest.approx(100 * (now - before))


def test_comparison_with_nothing_before_has_no_delta() -> None:
    found = compare({"totalLikes": 3}, {}, current_status="complete", previous_status=None)
    assert found == {"comparable": False, "changes": {"totalLikes": {"current": 3}}}


@pytest.mark.parametrize("status", ["open", "partial", None])
def test_comparison_with_what_is_not_complete_is_not_comparable(status: str | None) -> None:
    assert not compare({}, {}, current_status="complete", previous_status=status)["comparable"]
    assert not compare({}, {}, current_status=status, previous_status="complete")["comparable"]
