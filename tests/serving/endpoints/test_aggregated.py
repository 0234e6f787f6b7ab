"""Rollups with a selection of metrics, and with the totals of each platform or content type."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics.documents import AccountDocument, PostDocument
from metrics.periods import DAY, HOUR, PERIODS, midnight, period_start
from metrics.store import Store
from pipelines.rollup import roll
from tests.serving.conftest import NOW, account, post, post_observation
from tests.serving.endpoints.test_reads import rollup

AGGREGATED = "/analytics/workspace/w1/aggregated"


@pytest.fixture
def platforms(seeded: Store) -> Store:
    """Rollups of yesterday and the day before: `a1` and `a3` on Instagram, `a4` on LinkedIn."""
    on_linkedin: AccountDocument = {**account("a4", "w1"), "platform": "linkedin"}
    seeded.accounts.put([account("a3", "w1"), on_linkedin])
    rows: list[dict[str, Any]] = []
    for account_id, platform, engagement in (("a1", "instagram", 10), ("a3", "instagram", 5), ("a4", "linkedin", 70)):
        for day in (1, 2):
            row = rollup(day, engagement * day)
            row |= {"_id": f"{account_id}|{day}", "accountId": account_id, "platform": platform}
            rows.append(row)
    seeded.rollups.accounts.insert_many(rows)
    return seeded


def ask(client: httpx.Client, **query: str) -> dict[str, Any]:
    first, last = (f"{NOW - timedelta(days=days):%Y-%m-%d}" for days in (2, 1))
    period = {"period": "daily", "startDate": first, "endDate": last}
    answer = client.get(AGGREGATED, params={**period, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_groups_are_the_totals_of_each_platform(client: httpx.Client, platforms: Store) -> None:
    body = ask(client, groupBy="platform", compare="previous")
    shown = [(row["periodStart"], row["platform"], row["metrics"]["totalEngagement"]) for row in body["groups"]]
    days = [total["periodStart"] for total in body["totals"]]
    assert shown == [
        (days[0], "instagram", 30), (days[0], "linkedin", 140), (days[1], "instagram", 15), (days[1], "linkedin", 70),
    ]  # fmt: skip
    for platform in ("instagram", "linkedin"):
        alone = ask(client, platform=platform, compare="previous")["totals"]
        grouped = [row for row in body["groups"] if row["platform"] == platform]
        assert grouped == [{**row, "platform": platform} for row in alone], "as a request for the platform alone"


def test_coverage_is_that_of_the_rollups_whose_observations_are_no_longer_kept(
    client: httpx.Client, platforms: Store
) -> None:
    days = ask(client)
    observed = sum(row["coverage"]["observedSlots"] for row in days["data"])
    assert observed > 0
    assert days["meta"]["coverage"]["observedSlots"] == observed
    month = ask(client, period="monthly")
    assert month["meta"]["coverage"] == days["meta"]["coverage"]
    alone = ask(client, period="monthly", accountId="a4")
    of_account = [row["coverage"]["observedSlots"] for row in days["data"] if row["accountId"] == "a4"]
    assert alone["meta"]["coverage"]["observedSlots"] == sum(of_account)


def test_answer_without_group_by_has_no_groups(client: httpx.Client, platforms: Store) -> None:
    assert "groups" not in ask(client)


def test_fields_are_the_only_metrics(client: httpx.Client, platforms: Store) -> None:
    whole = ask(client, groupBy="platform", compare="previous")
    body = ask(client, fields="totalEngagement,reach", groupBy="platform", compare="previous")
    assert [row["aggregatedMetrics"] for row in body["data"]] == [
        {"totalEngagement": row["aggregatedMetrics"]["totalEngagement"]} for row in whole["data"]
    ]
    for part in ("totals", "groups"):
        for row, before in zip(body[part], whole[part], strict=True):
            assert row["metrics"] == {"totalEngagement": before["metrics"]["totalEngagement"]}
            assert row["unavailable"] == {"reach": "not_additive"}
            changes = before["comparison"]["changes"]
            assert row["comparison"]["changes"] == {n: c for n, c in changes.items() if n == "totalEngagement"}
            assert {**row, "metrics": 0, "unavailable": 0, "missing": 0, "comparison": 0} == {
                **before, "metrics": 0, "unavailable": 0, "missing": 0, "comparison": 0,
            }  # fmt: skip


@pytest.mark.parametrize("fields", ["likes", "totalLikes,", "", "totalLikes, reach"])
def test_unknown_field_is_refused_with_the_list(client: httpx.Client, fields: str) -> None:
    answer = client.get(AGGREGATED, params={"period": "daily", "fields": fields})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["parameter"]) == (400, "fields")
    assert "followers" in error["message"]
    assert "totalLikes" in error["message"]


def test_unknown_group_is_refused(client: httpx.Client) -> None:
    answer = client.get(AGGREGATED, params={"period": "daily", "groupBy": "weekday"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "must be one of platform, contentType")


@pytest.fixture
def rolled_posts(seeded: Store) -> str:
    """The day of `NOW`'s newest hour, rolled up: `p1` (image) and `p2` (video) of `a1`, and a reel of `a5`."""
    seeded.accounts.put([account("a5", "w1")])
    video: PostDocument = {**post("p2", "a1", "w1"), "contentType": "video"}
    reel: PostDocument = {**post("p5", "a5", "w1"), "contentType": "video", "metricType": "reel"}
    seeded.posts.put([video, reel])
    slot = NOW - HOUR
    of_reel = replace(
        post_observation(slot, "p5", likes=7, comments=0, shares=1, saves=2, views=100),
        account_id="a5", metric_type="reel", content_type="video",
    )  # fmt: skip
    of_video = replace(post_observation(slot, "p2", likes=5), content_type="video", collected_at=slot + 2 * HOUR)
    seeded.observations.append([of_reel, of_video])
    day = midnight(slot.date())
    for period in PERIODS:
        starts = [period_start(period, day - DAY), period_start(period, day)]
        roll(seeded, period, sorted(set(starts)), run_id="r", workspace_ids=["w1"])
    return f"{day:%Y-%m-%d}"


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly", "custom"])
def test_groups_are_the_totals_of_each_content_type(client: httpx.Client, rolled_posts: str, period: str) -> None:
    dates = {"period": period, "startDate": rolled_posts, "endDate": rolled_posts}
    body = ask(client, groupBy="contentType", **dates)
    (total,) = body["totals"]
    shown = {row["contentType"]: row for row in body["groups"]}
    assert list(shown) == ["image", "video"]
    assert {name: row["metrics"]["totalLikes"] for name, row in shown.items()} == {"image": 3, "video": 12}
    assert sum(row["metrics"]["totalLikes"] for row in shown.values()) == total["metrics"]["totalLikes"]
    video = shown["video"]
    assert (video["metrics"]["totalEngagement"], video["metrics"]["engagementRate"]) == (10, 10)
    assert video["metrics"]["postsMeasured"] == 1, "the engagement of `p2` is not known"
    assert (video["unavailable"]["totalImpressions"], video["unavailable"]["reach"]) == (
        "not_supported",
        "not_additive",
    )
    assert "followers" not in video["metrics"]
    assert {row["coverage"] == total["coverage"] and row["status"] == total["status"] for row in shown.values()} == {
        True
    }
    narrowed = ask(client, groupBy="contentType", fields="totalLikes", accountId="a5", **dates)
    assert [(row["contentType"], row["metrics"]) for row in narrowed["groups"]] == [("video", {"totalLikes": 7})]
    assert ask(client, groupBy="contentType", platform="twitter", **dates)["groups"] == []


def test_groups_by_content_type_do_not_depend_on_the_page(client: httpx.Client, rolled_posts: str) -> None:
    dates = {"startDate": rolled_posts, "endDate": rolled_posts, "groupBy": "contentType"}
    assert ask(client, limit="1", **dates)["groups"] == ask(client, **dates)["groups"]


def test_groups_by_content_type_are_compared_like_totals(client: httpx.Client, platforms: Store) -> None:
    """The account that has posts of the type is compared, also where the period before has none of the type."""
    platforms.rollups.accounts.update_many(
        {"accountId": "a3"}, {"$set": {"aggregatedMetrics.postCountByType": {"image": 2}, "coverage.observedSlots": 20}}
    )
    platforms.rollups.accounts.update_one(
        {"_id": "a1|1"}, {"$set": {"aggregatedMetrics.postCountByType": {"image": 5, "video": 1}}}
    )
    groups = ask(client, groupBy="contentType", compare="previous")["groups"]
    assert [(row["contentType"], row["metrics"]["postCount"]) for row in groups] == [
        ("image", 2), ("video", 0), ("image", 7), ("video", 1),
    ]  # fmt: skip
    newest = groups[2]["comparison"]
    assert {"accountId": "a3", "reason": "partial"} in newest["leftOut"]
    assert newest["changes"]["postCount"] == {"current": 5, "previous": 0, "delta": 5}


@pytest.fixture
def with_youtube(platforms: Store) -> Store:
    """A further account, on YouTube, with an engagement of 100 and 200."""
    on_youtube: AccountDocument = {**account("a5", "w1"), "platform": "youtube"}
    platforms.accounts.put([on_youtube])
    rows = [{**rollup(day, 100 * day), "_id": f"a5|{day}", "accountId": "a5", "platform": "youtube"} for day in (1, 2)]
    platforms.rollups.accounts.insert_many(rows)
    return platforms


def test_youtube_is_left_out_of_mixed_engagement_without_a_consent(client: httpx.Client, with_youtube: Store) -> None:
    body = ask(client, groupBy="platform", compare="previous")
    assert [total["metrics"]["totalEngagement"] for total in body["totals"]] == [170, 85]
    for total in body["totals"]:
        assert total["withheld"] == {
            "metrics": ["engagementRate", "totalEngagement"], "platforms": ["youtube"], "reason": "terms",
        }  # fmt: skip
        assert "a5" not in total["missing"].get("totalEngagement", [])
    change = body["totals"][1]["comparison"]["changes"].get("totalEngagement", {})
    assert change.get("current", 85) == 85
    # Numbers of the platform alone stay whole.
    alone = ask(client, platform="youtube")["totals"]
    assert [total["metrics"]["totalEngagement"] for total in alone] == [200, 100]
    assert all("withheld" not in total for total in alone)
    of_youtube = [row for row in body["groups"] if row["platform"] == "youtube"]
    assert [row["metrics"]["totalEngagement"] for row in of_youtube] == [200, 100]
    assert {row["aggregatedMetrics"]["totalEngagement"] for row in body["data"] if row["accountId"] == "a5"} == {
        100,
        200,
    }


def test_with_a_consent_youtube_takes_part(client: httpx.Client, with_youtube: Store) -> None:
    with_youtube.consents.set("w1", "youtube", given=True)
    body = ask(client)
    assert [total["metrics"]["totalEngagement"] for total in body["totals"]] == [370, 185]
    assert all("withheld" not in total for total in body["totals"])
    assert with_youtube.consents.all() == {"w1": frozenset(["youtube"])}
    with_youtube.consents.set("w1", "youtube", given=False)
    assert with_youtube.consents.lacking("w1") == {"youtube"}
    assert with_youtube.consents.all() == {}


def test_total_of_youtube_without_other_numbers_names_the_terms(client: httpx.Client, with_youtube: Store) -> None:
    with_youtube.rollups.accounts.delete_many({"platform": {"$ne": "youtube"}})
    for total in ask(client)["totals"]:
        assert "totalEngagement" not in total["metrics"]
        assert total["unavailable"]["totalEngagement"] == "terms"


@pytest.fixture
def with_pinterest(platforms: Store) -> Store:
    """A further account, on Pinterest, of which nothing is stored."""
    on_pinterest: AccountDocument = {**account("a6", "w1"), "platform": "pinterest"}
    platforms.accounts.put([on_pinterest])
    return platforms


def test_totals_of_a_platform_that_is_not_stored_name_the_terms(client: httpx.Client, with_pinterest: Store) -> None:
    alone = ask(client, platform="pinterest")
    assert alone["data"] == []
    for total in alone["totals"]:
        assert total["metrics"] == {}
        assert {total["unavailable"][name] for name in ("totalImpressions", "followers", "accountSaves")} == {"terms"}
        assert total["unavailable"]["totalShares"] == "not_supported"
        assert total["missing"]["totalImpressions"] == ["a6"]
    mixed = ask(client)["totals"]
    assert {total["unavailable"]["accountSaves"] for total in mixed} == {"terms"}
    assert [total["metrics"]["totalEngagement"] for total in mixed] == [170, 85]
    assert {row["unavailable"]["accountSaves"] for row in ask(client, groupBy="platform")["groups"]
            if row["platform"] == "pinterest"} == {"terms"}  # fmt: skip


def test_totals_before_what_the_terms_allow_to_keep_name_the_terms(client: httpx.Client, platforms: Store) -> None:
    """A channel that was connected without a token: its older periods are deleted, and its newer ones are not."""
    long_ago = {"connectedAt": NOW - 100 * DAY, "platform": "youtube", "access": "public"}
    platforms.accounts.put([{**account("a7", "w1"), **long_ago}])  # type: ignore[typeddict-item]
    days = [f"{NOW - ago * DAY:%Y-%m-%d}" for ago in (40, 20)]
    totals = [ask(client, platform="youtube", startDate=day, endDate=day)["totals"][0] for day in days]
    assert [total["unavailable"]["followers"] for total in totals] == ["terms", "no_observation"]
    (told,) = (one for one in client.get("/analytics/workspace/w1/accounts").json()["data"] if one["accountId"] == "a7")
    assert (told["access"], told["keptDays"]) == ("public", 30)


def test_with_a_consent_numbers_are_only_not_observed(client: httpx.Client, with_pinterest: Store) -> None:
    with_pinterest.consents.set("w1", "pinterest", given=True)
    assert with_pinterest.db["workspace_settings"].find_one({"_id": "w1"}) == {
        "_id": "w1", "consents": {"pinterest": True},
    }  # fmt: skip
    for total in ask(client, platform="pinterest")["totals"]:
        assert total["unavailable"]["totalImpressions"] == "no_observation"
