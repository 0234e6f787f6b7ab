"""Comparisons are only over accounts that both periods have completely."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.aggregation.comparison import compare_account, compare_totals
from metrics.aggregation.totals import PeriodRollups
from metrics.expected import Connection
from tests.metrics.accounts import BASE, DAY, HOUR, account, accounts, hours
from tests.metrics.aggregation.test_totals import NOW, documents, rollup

WEEK = 7 * DAY
BEFORE, NOW_ = (BASE, BASE + WEEK), (BASE + WEEK, BASE + 2 * WEEK)


def compare(owners: list[dict[str, Any]], before: dict[str, Any], current: dict[str, Any], now: Any = NOW) -> Any:
    sides = PeriodRollups(*NOW_, current), PeriodRollups(*BEFORE, before)
    found = compare_totals(*sides, [Connection.of(one) for one in owners], now)
    for one in owners:  # the comparison of an account alone leaves it out for the same reason
        own = compare_account(*sides, Connection.of(one), now)
        reasons = [left for left in found["leftOut"] if left["accountId"] == one["_id"]]
        if reasons:
            assert (own["leftOut"], own["changes"], own["comparable"]) == (reasons, {}, False)
    return found


def both(account_id: str, before: int, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {account_id: rollup(account_id, totalLikes=before)}, {account_id: rollup(account_id, totalLikes=now)}


OLD = account("old", "instagram", [BASE - DAY])


def test_account_connected_half_way_of_the_period_before_is_left_out_and_named() -> None:
    """Otherwise four accounts that were connected within the previous week showed a rise of 721.9 %."""
    young = [account(f"young{n}", "instagram", [BASE + 5 * DAY + HOUR / 3]) for n in range(4)]
    before = {one["_id"]: rollup(one["_id"], expected=48, observed=48, totalEngagement=310) for one in young}
    current = {one["_id"]: rollup(one["_id"], expected=168, observed=168, totalEngagement=2544) for one in young}
    found = compare(young, before, current)
    assert found == {
        "comparable": False,
        "changes": {},
        "leftOut": [{"accountId": one["_id"], "reason": "connected_within"} for one in young],
    }


def test_the_other_accounts_are_compared_without_it() -> None:
    before, current = both("old", 100, 110)
    before["young"], current["young"] = rollup("young", totalLikes=1), rollup("young", totalLikes=900)
    found = compare([OLD, account("young", "instagram", [BASE + DAY])], before, current)
    assert found["changes"] == {"totalLikes": {"current": 110, "previous": 100, "delta": 10, "deltaPercent": 10.0}}
    assert (found["comparable"], len(found["leftOut"])) == (False, 1)


@pytest.mark.parametrize(
    ("instants", "reason"),
    [
        ([BASE], None),
        ([BASE + HOUR], "connected_within"),
        ([BASE + WEEK - HOUR], "connected_within"),
        ([BASE + WEEK], "not_expected"),
        ([BASE + WEEK + HOUR], "connected_within"),
        ([BASE - DAY, BASE + WEEK - HOUR], "disconnected_within"),
        ([BASE - DAY, BASE + WEEK], "not_expected"),
        ([BASE - DAY, BASE + WEEK + HOUR], "disconnected_within"),
        ([BASE - DAY, BASE + 2 * WEEK], None),
        ([BASE - DAY, BASE + DAY, BASE + 2 * DAY], "connected_within"),
    ],
)
def test_reason_says_when_an_account_came_or_went(instants: list[Any], reason: str | None) -> None:
    found = compare([account("a", "instagram", instants)], *both("a", 5, 6))
    assert found["leftOut"] == ([{"accountId": "a", "reason": reason}] if reason else [])
    assert found["comparable"] == (reason is None) == bool(found["changes"])


@pytest.mark.parametrize("instants", [[BASE - WEEK, BASE - DAY], [BASE + 2 * WEEK]])
def test_account_that_is_expected_in_neither_period_does_not_matter(instants: list[Any]) -> None:
    found = compare([OLD, account("other", "twitter", instants)], *both("old", 5, 6))
    assert (found["comparable"], found["leftOut"]) == (True, [])


def test_account_that_was_not_observed_is_left_out() -> None:
    before, current = both("old", 5, 6)
    assert compare([OLD], before, {})["leftOut"] == [{"accountId": "old", "reason": "no_observation"}]
    assert compare([OLD], {}, current)["leftOut"] == [{"accountId": "old", "reason": "no_observation"}]
    partial = {"old": rollup("old", observed=23, totalLikes=5)}
    assert compare([OLD], partial, current)["leftOut"] == [{"accountId": "old", "reason": "partial"}]


@pytest.mark.parametrize("side", [0, 1])
def test_open_period_is_not_comparable_but_has_changes(side: int) -> None:
    sides = both("old", 5, 6)
    sides[side]["old"]["status"] = "open"
    found = compare([OLD], *sides)
    assert (found["comparable"], found["leftOut"], found["changes"]["totalLikes"]["delta"]) == (False, [], 1)
    assert not compare([OLD], *both("old", 5, 6), now=NOW_[1] - HOUR)["comparable"]


def test_number_that_a_compared_account_lacks_has_no_delta() -> None:
    """Absent metrics of an account itself are unknown; absent sums over posts mean that there were no posts."""
    other = account("other", "instagram", [BASE - DAY])
    before = {"old": rollup("old", profileViews=8, totalLikes=1), "other": rollup("other", profileViews=9)}
    current = {"old": rollup("old", profileViews=9, totalLikes=1), "other": rollup("other", totalLikes=2)}
    changes = compare([OLD, other], before, current)["changes"]
    assert changes["profileViews"] == {"previous": 17}
    assert changes["totalLikes"] == {"current": 3, "previous": 1, "delta": 2, "deltaPercent": 200.0}


def test_rates_are_pooled_over_the_compared_accounts() -> None:
    parts: list[dict[str, Any]] = [
        {"engagementRateParts": {"engagement": e, "basis": b}, "engagementRateBasis": "views"}
        for e, b in ((1, 10), (3, 10))
    ]
    changes = compare([OLD], {"old": rollup("old", **parts[0])}, {"old": rollup("old", **parts[1])})["changes"]
    assert changes["engagementRate"] == {"current": 30.0, "previous": 10.0, "delta": 20.0, "deltaPercent": 200.0}


def test_rate_over_followers_is_not_compared_with_a_rate_over_views() -> None:
    """In the earlier period only the account with a rate over followers had posts with a known basis."""
    other = account("other", "instagram", [BASE - DAY])
    over_followers: dict[str, Any] = {
        "engagementRateParts": {"engagement": 5, "basis": 1000}, "engagementRateBasis": "followers"
    }  # fmt: skip
    over_views: dict[str, Any] = {"engagementRateParts": {"engagement": 3, "basis": 10}, "engagementRateBasis": "views"}
    before = {"old": rollup("old", **over_followers), "other": rollup("other", totalLikes=1)}
    current = {"old": rollup("old", **over_followers), "other": rollup("other", totalLikes=2, **over_views)}
    changes = compare([OLD, other], before, current)["changes"]
    assert "engagementRate" not in changes
    assert changes["totalLikes"]["delta"] == 1
    assert compare([OLD, other], before, before)["changes"]["engagementRate"]["delta"] == 0


def test_reach_of_an_account_is_compared_in_its_own_document_alone() -> None:
    sides = (
        PeriodRollups(*NOW_, {"old": rollup("old", reach=6)}),
        PeriodRollups(*BEFORE, {"old": rollup("old", reach=5)}),
    )
    assert compare_account(*sides, Connection.of(OLD), NOW)["changes"]["reach"]["delta"] == 1
    assert "reach" not in compare_totals(*sides, [Connection.of(OLD)], NOW)["changes"]


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_comparison_is_relative_to_the_size_of_the_previous(now: int, before: int) -> None:
    change = compare([OLD], *both("old", before, now))["changes"]["totalLikes"]
    assert change["delta"] == now - before
    assert ("deltaPercent" in change) == (before != 0)
    if before:
        assert change["deltaPercent"] * abs(before) == pytest.approx(100 * (now - before))


@given(accounts(), st.data())
def test_changes_are_those_of_the_accounts_that_were_there_and_observed_all_the_time(
    owners: list[dict[str, Any]], data: st.DataObject
) -> None:
    before, current = data.draw(documents(owners, *BEFORE)), data.draw(documents(owners, *NOW_))
    found = compare(owners, before, current)
    concerned = [one for one in owners if hours(one, BASE, BASE + 2 * WEEK)]
    whole = [
        one["_id"] for one in concerned
        if len(hours(one, BASE, BASE + 2 * WEEK)) == 2 * 168
        and all(one["_id"] in side and side[one["_id"]]["status"] == "complete" for side in (before, current))
    ]  # fmt: skip
    assert sorted(left["accountId"] for left in found["leftOut"]) == [
        one["_id"] for one in concerned if one["_id"] not in whole
    ]
    assert found["comparable"] == (len(whole) == len(concerned))
    for name in ("totalLikes", "postCount"):
        values = [[side[one]["aggregatedMetrics"].get(name) for one in whole] for side in (before, current)]
        sums = [
            sum(v for v in known if v is not None) if any(v is not None for v in known) else None for known in values
        ]
        change = found["changes"].get(name, {})
        assert [change.get("previous"), change.get("current")] == sums
