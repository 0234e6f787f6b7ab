"""Totals of a workspace: the accounts that count, the missing ones, and the numbers."""

from datetime import datetime
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.catalog import RATE_BASIS
from metrics.documents import PLATFORMS, AggregatedDocument
from metrics.expected import Connection
from tests.metrics.accounts import BASE, DAY, HOUR, account, accounts, hours

WEEK = 7 * DAY
NOW = BASE + 300 * DAY
OWN = {  # metrics that platforms offer of an account itself, as in docs/metrics.md and the catalog
    "instagram": {"followers", "followerGrowth", "accountViews", "accountInteractions", "profileViews", "websiteClicks",
                  "newFollowers"},
    "facebook": {"followers", "followerGrowth", "accountViews", "accountInteractions", "profileViews", "newFollowers"},
    "twitter": {"followers", "followerGrowth", "accountImpressions"},
    "linkedin": {"followers", "followerGrowth", "accountImpressions", "profileViews", "netFollowers"},
    "tiktok": {"followers", "followerGrowth", "accountViews", "accountLikes", "accountComments", "accountShares",
               "profileViews", "websiteClicks", "newFollowers", "lostFollowers"},
    "youtube": {"followers", "followerGrowth", "accountViews", "accountEngagedViews", "accountWatchTime",
                "accountThumbnailImpressions",
                "accountLikes", "accountComments", "accountShares", "newFollowers", "lostFollowers"},
    "pinterest": {"followers", "followerGrowth", "accountImpressions", "accountInteractions", "accountSaves",
                  "accountClicks", "linkClicks"},
    "threads": {"followers", "followerGrowth", "accountInteractions", "profileViews", "linkClicks"},
    "bluesky": {"followers", "followerGrowth"},
}  # fmt: skip
for names in OWN.values():
    names.add("avgFollowers")
OF_POSTS = {
    "instagram": {"totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement", "totalViews"},
    "facebook": {"totalLikes", "totalComments", "totalShares", "totalEngagement", "totalViews", "totalVideoViews",
                 "totalClicks"},
    "twitter": {"totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement", "totalImpressions",
                "totalVideoViews", "totalClicks"},
    "linkedin": {"totalLikes", "totalComments", "totalShares", "totalEngagement", "totalImpressions", "totalClicks"},
    "tiktok": {"totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement", "totalViews",
               "totalVideoViews"},
    "youtube": {"totalLikes", "totalComments", "totalEngagement", "totalViews"},
    "pinterest": {"totalLikes", "totalComments", "totalSaves", "totalEngagement", "totalImpressions", "totalVideoViews",
                  "totalClicks"},
    "threads": {"totalLikes", "totalComments", "totalShares", "totalEngagement", "totalViews"},
    "bluesky": {"totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement"},
}  # fmt: skip
COUNTS = {"postCount", "deletedPostCount", "postsMeasured"}
RATES = {"engagementRate", "postCountByType"}
NAMES = {*COUNTS, *RATES}.union(*OWN.values(), *OF_POSTS.values())
_values = st.integers(-(2**53), 2**53)


@st.composite
def documents(draw: st.DrawFn, owners: list[dict[str, Any]], start: datetime, end: datetime) -> dict[str, Any]:
    """Draw the documents of a period for some accounts, with some of the metrics of their platforms."""
    found = {}
    for one in owners:
        if draw(st.integers(0, 3)) == 0:
            continue
        offered = sorted(OWN[one["platform"]] | OF_POSTS[one["platform"]])
        metrics: dict[str, Any] = {name: draw(_values) for name in draw(st.sets(st.sampled_from(offered)))}
        metrics |= {name: draw(st.integers(0, 9)) for name in COUNTS} | {"postCountByType": {"image": 1}}
        if basis := draw(st.sampled_from([0, 0, 10, 990])):
            metrics["engagementRateParts"] = {"engagement": draw(st.integers(-5, 50)), "basis": basis}
        metrics["engagementRateBasis"] = RATE_BASIS[one["platform"]]
        expected = len(hours(one, start, end))
        found[one["_id"]] = rollup(one["_id"], one["platform"], expected, draw(st.integers(0, expected)), **metrics)
    return found


def rollup(
    account_id: str,
    platform: str = "instagram",
    expected: int = 24,
    observed: int = 24,
    status: str = "",
    **metrics: Any,
) -> AggregatedDocument:
    row = {
        "accountId": account_id,
        "platform": platform,
        "aggregatedMetrics": metrics,
        "coverage": {"expectedSlots": expected, "observedSlots": observed},
        "status": status or ("partial" if observed < expected else "complete"),
    }
    return cast("AggregatedDocument", row)


def totals(
    owners: list[dict[str, Any]], found: dict[str, Any], start: datetime, end: datetime, now: datetime = NOW
) -> Any:
    return workspace_totals(PeriodRollups(start, end, found), [Connection.of(one) for one in owners], now)


def reference(owners: list[dict[str, Any]], found: dict[str, Any], start: datetime, end: datetime) -> Any:
    """Return the totals of an ended period, computed by brute force."""
    expected = [one for one in owners if hours(one, start, end)]
    if not expected:
        return None
    metrics: dict[str, Any] = {}
    missing: dict[str, list[str]] = {}
    unavailable = dict.fromkeys(("reach", "minFollowers", "maxFollowers"), "not_additive")
    for name in NAMES - RATES:
        values = {
            one["_id"]: found[one["_id"]]["aggregatedMetrics"].get(name) for one in expected if one["_id"] in found
        }
        known = [value for value in values.values() if value is not None]
        if known:
            metrics[name] = sum(known)
        lacking = [
            one["_id"] for one in expected
            if name in COUNTS | OWN[one["platform"]] | OF_POSTS[one["platform"]]
            and (one["_id"] not in found or (known and name in OWN[one["platform"]] and values[one["_id"]] is None))
        ]  # fmt: skip
        if lacking:
            missing[name] = lacking
    parts = [
        (row["engagementRateParts"], row["engagementRateBasis"])
        for row in (found[one["_id"]]["aggregatedMetrics"] for one in expected if one["_id"] in found)
        if "engagementRateParts" in row
    ]
    if any(basis != "followers" for _, basis in parts) and any(basis == "followers" for _, basis in parts):
        parts = [(one, basis) for one, basis in parts if basis != "followers"]
        missing["engagementRate"] = [
            one["_id"] for one in expected
            if one["platform"] == "bluesky"
            and "engagementRateParts" in found.get(one["_id"], {}).get("aggregatedMetrics", {})
        ]  # fmt: skip
    if parts:
        over, under = sum(p["engagement"] for p, _ in parts), sum(p["basis"] for p, _ in parts)
        metrics |= {
            "engagementRate": 100 * over / under,
            "engagementRateBasis": "+".join(sorted({b for _, b in parts})),
            "engagementRateParts": {"engagement": over, "basis": under},
        }
    silent = [one["_id"] for one in expected if one["_id"] not in found]
    if len(silent) < len(expected):
        metrics["postCountByType"] = {"image": len(expected) - len(silent)}
    if silent:
        missing |= {name: sorted([*missing.get(name, []), *silent]) for name in RATES}
    for name in NAMES - metrics.keys():
        offered = any(name in COUNTS | RATES | OWN[one["platform"]] | OF_POSTS[one["platform"]] for one in expected)
        unavailable[name] = "no_observation" if offered else "not_supported"
    rows = [found[one["_id"]] for one in expected if one["_id"] in found]
    whole = not missing.get("followers") and all(row["status"] == "complete" for row in rows)
    return {
        "periodStart": start, "periodEnd": end, "metrics": metrics, "unavailable": unavailable, "missing": missing,
        "coverage": {
            "expectedSlots": sum(len(hours(one, start, end)) for one in expected),
            "observedSlots": sum(row["coverage"]["observedSlots"] for row in rows),
        },
        "status": "complete" if whole else "partial", "accounts": len(rows), "expectedAccounts": len(expected),
    }  # fmt: skip


@given(accounts(), st.data(), st.integers(-2, 15), st.sampled_from([DAY, WEEK]))
def test_totals_equal_the_reference(owners: list[dict[str, Any]], data: st.DataObject, first: int, length: Any) -> None:
    start, end = BASE + first * DAY, BASE + first * DAY + length
    found = data.draw(documents(owners, start, end))
    assert totals(owners, found, start, end) == reference(owners, found, start, end)


@given(accounts(), st.data(), st.integers(-2, 15), st.sampled_from([DAY, WEEK]))
def test_account_that_is_not_expected_changes_no_byte_of_a_total(
    owners: list[dict[str, Any]], data: st.DataObject, first: int, length: Any
) -> None:
    start, end = BASE + first * DAY, BASE + first * DAY + length
    found = data.draw(documents(owners, start, end))
    rest = [one for one in owners if hours(one, start, end)]
    left = {one["_id"]: found[one["_id"]] for one in rest if one["_id"] in found}
    assert orjson.dumps(totals(owners, found, start, end)) == orjson.dumps(totals(rest, left, start, end))


A, B = (account(name, "instagram", [BASE - DAY]) for name in "ab")
DAY_ONE = (BASE, BASE + DAY)


def test_followers_are_those_of_the_accounts_that_have_a_level_and_the_others_are_named() -> None:
    found = {"a": rollup("a", followers=10, followerGrowth=1), "b": rollup("b", totalLikes=1)}
    total = totals([A, B, account("c", "twitter", [BASE])], found, *DAY_ONE)
    assert total["metrics"]["followers"] == 10
    assert total["missing"]["followers"] == ["b", "c"]
    assert total["missing"]["totalImpressions"] == ["c"], "Instagram does not offer impressions"
    assert total["status"] == "partial"
    assert (total["accounts"], total["expectedAccounts"]) == (2, 3)


def test_account_without_a_document_makes_a_total_partial_and_its_hours_count() -> None:
    total = totals([A, B], {"a": rollup("a", followers=1, followerGrowth=0)}, *DAY_ONE)
    assert (total["status"], total["coverage"]) == ("partial", {"expectedSlots": 48, "observedSlots": 24})


def test_period_in_which_nobody_is_expected_has_no_total() -> None:
    assert totals([account("a", "instagram", [BASE + DAY])], {"a": rollup("a", followers=9)}, *DAY_ONE) is None


def test_account_disconnected_yesterday_is_not_in_the_total_of_today() -> None:
    gone = account("b", "instagram", [BASE - DAY, BASE - HOUR])
    total = totals([A, gone], {"a": rollup("a", followers=10, followerGrowth=0)}, *DAY_ONE)
    assert (total["metrics"]["followers"], total["missing"], total["status"]) == (10, {}, "complete")


def test_total_that_no_account_has_is_absent_not_zero() -> None:
    total = totals([A], {"a": rollup("a", totalLikes=0)}, *DAY_ONE)
    assert total["metrics"]["totalLikes"] == 0
    assert "totalViews" not in total["metrics"]
    assert total["unavailable"]["totalViews"] == "no_observation"
    assert total["unavailable"]["totalImpressions"] == "not_supported"


def test_additive_metrics_of_accounts_are_summed_or_unavailable() -> None:
    found = {"a": rollup("a", profileViews=3, accountViews=70), "b": rollup("b", profileViews=4)}
    total = totals([A, B], found, *DAY_ONE)
    assert (total["metrics"]["profileViews"], total["metrics"]["accountViews"]) == (7, 70)
    assert total["missing"]["accountViews"] == ["b"]
    every = {"accountViews", "accountImpressions", "accountInteractions", "profileViews", "websiteClicks",
             "newFollowers", "netFollowers"}  # fmt: skip
    assert every <= total["metrics"].keys() | total["unavailable"].keys()


def test_unique_people_are_never_summed() -> None:
    total = totals([A, B], {"a": rollup("a", reach=5), "b": rollup("b", reach=7)}, *DAY_ONE)
    assert "reach" not in total["metrics"]
    assert total["unavailable"]["reach"] == "not_additive"


def test_posts_are_summed_by_type() -> None:
    found = {"a": rollup("a", postCountByType={"image": 2}), "b": rollup("b", postCountByType={"image": 1, "video": 4})}
    assert totals([A, B], found, *DAY_ONE)["metrics"]["postCountByType"] == {"image": 3, "video": 4}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_period_that_has_not_ended_is_open(platform: str) -> None:
    one = account("a", platform, [BASE])
    total = totals([one], {}, *DAY_ONE, now=BASE + 3 * HOUR + HOUR / 2)
    assert (total["status"], total["coverage"]["expectedSlots"]) == ("open", 3)
    stale = {"a": rollup("a", platform, 3, 3, "open", followers=1, followerGrowth=0)}
    assert totals([one], stale, *DAY_ONE)["status"] == "open", "rolled before its end, and not since"


def test_rate_over_followers_is_not_pooled_with_a_rate_over_views() -> None:
    """Engagement over followers and engagement over views are two ratios: each account pairs with its own basis."""
    owners = [account(f"a{n}", "instagram", [BASE - DAY]) for n in range(3)]

    def rated(account_id: str, basis: str, engagement: int, amount: int) -> AggregatedDocument:
        parts = {"engagement": engagement, "basis": amount}
        return rollup(account_id, engagementRateParts=parts, engagementRateBasis=basis)

    over_followers = {"a0": rated("a0", "followers", 5, 1000), "a1": rated("a1", "followers", 1, 200)}
    found = totals(owners[:2], over_followers, BASE, BASE + DAY)
    assert found["metrics"]["engagementRate"] == 100 * 6 / 1200
    assert found["metrics"]["engagementRateBasis"] == "followers"
    assert "engagementRate" not in found["missing"]
    mixed = totals(owners, {**over_followers, "a2": rated("a2", "views", 3, 100)}, BASE, BASE + DAY)
    assert (mixed["metrics"]["engagementRate"], mixed["metrics"]["engagementRateBasis"]) == (3.0, "views")
    assert mixed["missing"]["engagementRate"] == ["a0", "a1"]
