"""Airbyte's connectors, unchanged but for where their calls go: check, discover, and every stream is the truth."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.documents import Platform
from simulator import truth
from simulator.world import SimAccount, SimPost
from tests.clients.airbyte import Connector, Records
from tests.clients.apart import APART
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

# A connector starts three times, in some seconds each.
pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]
FIRST_DAY = date(2026, 11, 9)
MIDNIGHT = NOW.replace(hour=0, minute=0)


def read_all(here: Simulator, connector: Connector, now: datetime, streams: set[str]) -> Records:
    """Check, discover and read a connector whose streams are these; return its records."""
    here.set_clock(now)
    assert connector.check() == "SUCCEEDED"
    discovered = connector.discover()
    assert {stream["name"] for stream in discovered} == streams
    return connector.read(discovered)


def account_of(here: Simulator, platform: Platform) -> tuple[SimAccount, str, str]:
    account = here.world.account(platform, 0)
    return account, account.token, account.platform_account_id


def by_post(rows: Iterable[dict[str, Any]], posts: list[SimPost]) -> list[tuple[dict[str, Any], SimPost]]:
    """Return each row with its post, of all of these posts and no others."""
    of = {row["id"]: row for row in rows}
    assert set(of) == {post.platform_post_id for post in posts}
    return [(of[post.platform_post_id], post) for post in posts]


def test_instagram(simulator: Simulator, tmp_path: Path) -> None:
    account, token, account_id = account_of(simulator, "instagram")
    # A window of its begins at 00:00 UTC, in the evening of the Pacific day before.
    config = {"access_token": token, "start_date": f"{FIRST_DAY + timedelta(days=1)}T00:00:00Z"}
    connector = Connector("airbyte-instagram", "source_instagram.run:run", config, simulator.url, NOW, tmp_path)
    streams = {"Api", "users", "media", "media_insights", "stories", "story_insights", "user_insights",
               "user_lifetime_insights"}  # fmt: skip
    records = read_all(simulator, connector, NOW, streams)
    assert set(records) == streams

    assert [row["account"]["business_account_id"] for row in records["Api"]] == [account_id]
    (user,) = records["users"]
    for name in ("followers_count", "follows_count", "media_count"):
        assert near(simulator, account, name, user[name])

    media = by_post(records["media"], living(simulator, "instagram", "post", "reel"))
    for row, post in media:
        assert near(simulator, post, "like_count", row["like_count"])
        assert near(simulator, post, "comments_count", row["comments_count"])
        # A call of its own for each part of an album.
        parts = [part["media_type"] for part in row.get("children", [])]
        assert parts == (["IMAGE", "IMAGE"] if post.content_type == "carousel" else [])
    asked = {"post": {"reach", "saved"}, "reel": {"reach", "likes", "ig_reels_avg_watch_time"}}
    insights = by_post(records["media_insights"], [post for _, post in media])
    stories = by_post(records["story_insights"], living(simulator, "instagram", "story"))
    assert len(records["stories"]) == len(stories) == 1
    for row, post in (*insights, *stories):
        numbers = {name: value for name, value in row.items() if type(value) is int}
        assert asked.get(post.metric_type, {"replies"}) <= numbers.keys()
        assert all(near(simulator, post, name, value) for name, value in numbers.items())

    days = {date.fromisoformat(row["date"][:10]) - timedelta(days=1): row for row in records["user_insights"]}
    assert sorted(days) == [FIRST_DAY + timedelta(days=n) for n in range(8)]
    for day, row in days.items():
        assert row["follower_count"] == truth.day_value(simulator.world, account, "follower_count", day)
        for name, length in (("reach", 1), ("reach_week", 7), ("reach_days_28", 28)):
            assert row[name] == truth.period_value(simulator.world, account, "reach", day, length)
        # Counted two days later.
        assert len(row["online_followers"]) == (24 if day < date(2026, 11, 15) else 0)

    demographics = {row["breakdown"]: row["value"] for row in records["user_lifetime_insights"]}
    assert set(demographics) == {"city", "country", "age,gender"}
    # Six of ten are Germans, of the 97 % of whom something is known.
    assert demographics["country"]["DE"] == pytest.approx(user["followers_count"] * 0.97 * 0.6, abs=1)


def test_facebook_pages(simulator: Simulator, tmp_path: Path) -> None:
    account, token, account_id = account_of(simulator, "facebook")
    connector = Connector(
        "airbyte-pages", "source_facebook_pages.run:run", {"access_token": token, "page_id": account_id},
        simulator.url, NOW, tmp_path,
    )  # fmt: skip
    streams = {"page", "page_insights", "post", "post_insights"}
    records = read_all(simulator, connector, NOW, streams)
    assert set(records) == streams

    (page,) = records["page"]
    for name in ("fan_count", "followers_count", "talking_about_count"):
        assert near(simulator, account, name, page[name])
    posts = living(simulator, "facebook", "post")
    for row, post in by_post(records["post"], posts):
        # Absent where nobody shared it.
        assert near(simulator, post, "shares", row.get("shares", {"count": 0})["count"])
    told = {tuple(row["id"].split("/insights/")): row["values"][0]["value"] for row in records["post_insights"]}
    assert len(told) == 5 * len(posts)
    for post in posts:
        for name in ("post_media_view", "post_total_media_view_unique", "post_clicks"):
            assert near(simulator, post, name, told[post.platform_post_id, f"{name}/lifetime"])
        for name, field in (("post_clicks_by_type", "post_clicks"), ("post_reactions_by_type_total", "reactions")):
            assert near(simulator, post, field, sum(told[post.platform_post_id, f"{name}/lifetime"].values()))

    # Without a period, in each period that a metric has; without days, the last two.
    for row in records["page_insights"]:
        for value in row["values"]:
            day = date.fromisoformat(value["end_time"][:10]) - timedelta(days=1)
            assert day in (date(2026, 11, 15), date(2026, 11, 16))
            if type(value["value"]) is int:
                length = truth.PERIODS[row["period"]]
                assert value["value"] == truth.period_value(simulator.world, account, row["name"], day, length)
    periods = {(row["name"], row["period"]) for row in records["page_insights"]}
    assert len(periods) == len(records["page_insights"]) == 4 * 3 + 1


def linkedin_pages(here: Simulator, folder: Path, manifest: Path) -> Connector:
    """Return the connector of LinkedIn's pages by a manifest, at a midnight.

    Its two streams by day ask until the same time of day two days ago, and intervals of days begin and end at midnight.
    """
    _, token, account_id = account_of(here, "linkedin")
    config = {
        "credentials": {"auth_method": "access_token", "access_token": token}, "org_id": account_id,
        "start_date": f"{FIRST_DAY}T00:00:00Z",
    }  # fmt: skip
    entry, more = "airbyte_cdk.cli.source_declarative_manifest:run", ("--manifest-path", manifest)
    return Connector("airbyte-pages", entry, config, here.url, MIDNIGHT, folder, more)


def published_manifest() -> Path:
    """Return the manifest that the package of LinkedIn's connector has."""
    found = list(APART.glob("airbyte-pages/lib/*/site-packages/source_linkedin_pages/manifest.yaml"))
    return found[0] if found else pytest.skip("airbyte-pages is not installed: `make clients` does it")


def test_linkedin_pages_as_published_asks_for_a_version_that_is_shut_down(simulator: Simulator, tmp_path: Path) -> None:
    simulator.set_clock(MIDNIGHT)
    assert "426" in linkedin_pages(simulator, tmp_path, published_manifest()).check()


def test_linkedin_pages(simulator: Simulator, tmp_path: Path) -> None:
    account, _, account_id = account_of(simulator, "linkedin")
    # With a version of the API that is not shut down, as later ones of the connector ask for.
    text = published_manifest().read_text()
    assert text.count('Linkedin-Version: "202403"') == 6
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(text.replace('Linkedin-Version: "202403"', 'Linkedin-Version: "202608"'))
    connector = linkedin_pages(simulator, tmp_path, manifest)
    streams = {"organization_lookup", "follower_statistics", "follower_statistics_time_bound", "share_statistics",
               "share_statistics_time_bound", "total_follower_count"}  # fmt: skip
    records = read_all(simulator, connector, MIDNIGHT, streams)
    assert set(records) == streams

    assert [row["id"] for row in records["organization_lookup"]] == [int(account_id)]
    (size,) = records["total_follower_count"]
    assert near(simulator, account, "firstDegreeSize", size["firstDegreeSize"], MIDNIGHT)
    (facets,) = records["follower_statistics"]
    counted = [each["followerCounts"]["organicFollowerCount"] for each in facets["followerCountsByFunction"]]
    assert 0 < sum(counted) < size["firstDegreeSize"]
    (shares,) = records["share_statistics"]
    posts = [p for p in simulator.world.posts(account, MIDNIGHT - timedelta(days=365), MIDNIGHT) if p.visible(MIDNIGHT)]
    for name in ("impressionCount", "clickCount", "commentCount", "shareCount"):
        early, late = (
            sum(truth.post_value(simulator.world, post, name, at) for post in posts)
            for at in (MIDNIGHT, MIDNIGHT + timedelta(minutes=3))
        )
        assert early <= shares["totalShareStatistics"][name] <= late, name

    for stream, place, names in (
        ("follower_statistics_time_bound", "followerGains", ("organicFollowerGain", "paidFollowerGain")),
        ("share_statistics_time_bound", "totalShareStatistics", ("impressionCount", "likeCount", "clickCount")),
    ):
        days = {datetime.fromtimestamp(row["timeRangeStart"] / 1000, UTC).date(): row for row in records[stream]}
        assert sorted(days) == [FIRST_DAY + timedelta(days=n) for n in range(6)]
        for day, row in days.items():
            for name in names:
                assert row[place][name] == truth.day_value(simulator.world, account, name, day)
