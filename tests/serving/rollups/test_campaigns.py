"""A law: the totals of a campaign are brute-force sums over the days, the accounts and the posts that it has."""

from datetime import date
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.calendars.workspace import UTC_WORKSPACE
from metrics.campaigns.changes import MAX_DAYS
from metrics.campaigns.chosen import chosen
from metrics.store import Store
from serving.endpoints.rollups.campaigns import of_campaign
from serving.endpoints.rollups.selection import Selection
from serving.endpoints.rollups.totals import totals
from tests.examples import tried
from tests.metrics.definitions.reference import Campaign, World
from tests.metrics.definitions.test_law import DAY, DAYS, START, fill, worlds

NOW = START + DAY * (DAYS + MAX_DAYS)
NAMES = {"likes": "totalLikes", "shares": "totalShares", "views": "totalViews", "impressions": "totalImpressions"}


def brute_force(world: World, campaign: Campaign, expected: set[str]) -> dict[str, int]:
    """Return the sum of each metric that any day of a post of the campaign has."""
    found: dict[str, int] = {}
    for day in world.rollups:
        if day["metricType"] == "account" or day["accountId"] not in expected:
            continue
        if campaign.has(day["accountId"], day["subjectId"], day["periodStart"]):
            for metric, name in NAMES.items():
                if metric in day["metrics"]:
                    found[name] = found.get(name, 0) + day["metrics"][metric]["net"]
    return found


@given(st.data())
@settings(tried(15, nightly=400), phases=(Phase.explicit, Phase.generate))
def test_totals_of_a_campaign_are_brute_force_sums(store: Store, data: st.DataObject) -> None:
    world = data.draw(worlds())
    accounts = fill(store.db, world)
    (document,) = store.campaigns.all("w", ["c0"])
    campaign = chosen(store, document, UTC_WORKSPACE.current)
    days = date.fromisoformat(document["startDate"]), date.fromisoformat(document["endDate"])
    selection = Selection(
        "custom", *days, UTC_WORKSPACE, {"workspaceId": "w"}, of_campaign(accounts, campaign), NOW, campaign=campaign
    )
    found: Any = next(totals(selection, {}, selection.rollups(store), selection.part), None)
    of = world.campaigns["c0"]
    # Totals are over the accounts that were expected in the range.
    expected = {one.account_id for one in accounts if one.expected(*of.span)}
    metrics = found["metrics"] if found else {}
    assert {name: metrics[name] for name in NAMES.values() if name in metrics} == brute_force(world, of, expected)
    if found and of.posts is not None:
        published = [post for post in world.posts if of.has(post["accountId"], post["_id"], post["publishedAt"])]
        observed = {day["accountId"] for day in world.rollups if of.span[0] <= day["periodStart"] < of.span[1]}
        mine = [post for post in published if post["accountId"] in observed & expected]
        assert metrics.get("postCount", 0) == len(mine)
        assert "followers" not in metrics
