"""`GET …/series` over HTTP: columns, totals, comparisons, bounds, cache, and the periods that `aggregated` shares."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from metrics.clock import isoformat, utcnow
from metrics.documents import AccountDocument
from metrics.periods import DAY, HOUR, PERIODS, midnight, period_start
from metrics.redis.events import Announcer
from metrics.store import Store
from pipelines.rollup import roll
from tests.serving.conftest import NOW, account, observation
from tests.serving.endpoints.test_aggregated import rolled_posts
from tests.serving.endpoints.test_expected import FIRST, TODAY, Workspace

__all__ = ["rolled_posts"]
SERIES = "/analytics/workspace/w1/series"
LAST = TODAY - DAY


@pytest.fixture
def w1(client: httpx.Client, seeded: Store, announcer: Announcer) -> Workspace:
    return Workspace(seeded, client, announcer)


def ask(client: httpx.Client, first: datetime | None = None, last: datetime | None = None, **query: str) -> Any:
    dates = {"startDate": f"{first:%Y-%m-%d}", "endDate": f"{last:%Y-%m-%d}"} if first and last else {}
    answer = client.get(SERIES, params={"metrics": "followers", **dates, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: httpx.Client, **query: str) -> tuple[str, str]:
    answer = client.get(SERIES, params={"metrics": "followers", **query})
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    return error["parameter"], error["message"]


def test_values_are_in_columns_and_unknown_ones_are_null(client: httpx.Client, w1: Workspace) -> None:
    w1.observe("a1", FIRST, FIRST + 2 * DAY, followers=100)
    w1.observe("a1", FIRST + 3 * DAY, FIRST + 4 * DAY, followers=130)
    body = ask(client, FIRST - DAY, FIRST + 3 * DAY, metrics="followers,followerGrowth,reach")
    data = body["data"]
    assert [period["label"] for period in data["periods"]] == [
        f"{FIRST + n * DAY:%Y-%m-%d}" for n in (-1, 0, 1, 2, 3)
    ]  # fmt: skip
    level, growth, reach = data["series"]
    assert level["values"] == [None, 100, 100, None, 130]
    assert level["status"] == [None, "complete", "complete", "partial", "complete"]
    assert level["unavailable"] == {"0": "no_observation", "3": "no_observation"}
    assert level["missing"] == {"3": ["a1"]}
    assert (level["total"], level["unit"], level["group"]) == (130, "people", {})
    assert (growth["values"], growth["total"]) == ([None, 0, 0, None, 30], 30)
    assert "total" not in reach
    assert (reach["totalUnavailable"], reach["values"]) == ("not_additive", [None] * 5)
    assert data["range"]["label"] == f"{FIRST - DAY:%Y-%m-%d}/{FIRST + 3 * DAY:%Y-%m-%d}"
    assert body["meta"]["coverage"] == {"expectedSlots": 96, "observedSlots": 72}
    assert body["meta"]["calendar"]["timeZone"] == "UTC"


@pytest.mark.parametrize(
    "interval", ["daily", "weekly", "monthly", "quarterly", "fiscal-quarter", "rolling-7", "custom"]
)
def test_values_are_the_totals_of_aggregated(client: httpx.Client, w1: Workspace, interval: str) -> None:
    w1.connect("a3", FIRST + 5 * DAY)
    w1.observe("a1", FIRST, TODAY, followers=100)
    w1.observe("a3", FIRST + 5 * DAY, TODAY, followers=7)
    (found,) = ask(client, FIRST, LAST, interval=interval)["data"]["series"]
    rows = {row["periodStart"]: row for row in w1.ask(interval, FIRST, LAST)["totals"]}
    periods = ask(client, FIRST, LAST, interval=interval)["data"]["periods"]
    assert found["values"] == [rows[p["start"]]["metrics"].get("followers") for p in periods if p["start"] in rows]
    assert found["status"] == [rows[p["start"]]["status"] for p in periods if p["start"] in rows]
    documents = w1.ask(interval, FIRST, LAST)["data"]
    assert {document["period"] for document in documents} == {interval}
    assert found["total"] == 107


def test_groups_by_account_have_unique_people_of_their_own(client: httpx.Client, seeded: Store, w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY)
    w1.roll_up("daily")
    w1.store.rollups.accounts.update_many({"period": "daily"}, {"$set": {"aggregatedMetrics.reach": 55}})
    w1.connect("a3", FIRST)
    body = ask(client, LAST, LAST, metrics="reach,followers", groupBy="platform,account")
    shown = {(s["metric"], s["group"]["account"]): s["values"] for s in body["data"]["series"]}
    assert shown == {
        ("reach", "a1"): [55], ("followers", "a1"): [100], ("reach", "a3"): [None], ("followers", "a3"): [None],
    }  # fmt: skip
    assert {s["group"]["platform"] for s in body["data"]["series"]} == {"instagram"}


def test_posts_are_divided_by_content_and_metric_type(client: httpx.Client, rolled_posts: str) -> None:
    day = datetime.fromisoformat(f"{rolled_posts}T00:00Z")
    names = "totalLikes,postCount,followers"
    found = ask(client, day, day, metrics=names, groupBy="contentType,metricType")["data"]["series"]
    likes = {tuple(s["group"].values()): s["values"][0] for s in found if s["metric"] == "totalLikes"}
    assert likes == {("image", "post"): 3, ("video", "post"): 5, ("video", "reel"): 7}
    levels = [s for s in found if s["metric"] == "followers"]
    assert {s["unavailable"]["0"] for s in levels} == {s["totalUnavailable"] for s in levels} == {"not_supported"}
    (videos,) = ask(client, day, day, metrics="totalLikes", contentType="video")["data"]["series"]
    assert (videos["values"], videos["group"], videos["total"]) == ([12], {}, 12)
    reels = ask(client, day, day, metrics="totalLikes", contentType="video", groupBy="metricType")["data"]["series"]
    assert [(s["group"], s["values"]) for s in reels] == [
        ({"metricType": "post"}, [5]), ({"metricType": "reel"}, [7]),
    ]  # fmt: skip
    (none,) = ask(client, day, day, metrics="totalLikes", contentType="document")["data"]["series"]
    assert (none["values"], none["unavailable"]) == ([None], {"0": "not_supported"})


def test_groups_come_with_the_series_over_all_of_them(client: httpx.Client, rolled_posts: str) -> None:
    day = datetime.fromisoformat(f"{rolled_posts}T00:00Z")
    names = "totalLikes,engagementRate"
    for by in ("platform", "account", "contentType", "metricType", "contentType,metricType"):
        data = ask(client, day, day, metrics=names, groupBy=by, compare="previous")["data"]
        assert data["overall"] == ask(client, day, day, metrics=names, compare="previous")["data"]["series"]
    videos = ask(client, day, day, metrics=names, groupBy="contentType", contentType="video")["data"]
    assert [s["values"] for s in videos["overall"]] == [[12], [10]]
    assert videos["overall"][1]["parts"] == {"over": [10], "under": [100]}
    assert videos["overall"][1]["basis"] == "views"
    assert "overall" not in ask(client, day, day, groupBy="metricType", contentType="video")["data"]


def test_hours_have_nets_of_counters_and_levels(client: httpx.Client, seeded: Store, rolled_posts: str) -> None:
    """`seeded` observed the account in three hours, and the posts in the last of them."""
    first = midnight((NOW - 3 * HOUR).date())
    for period in PERIODS:
        days = {first, midnight((NOW - HOUR).date())}
        roll(seeded, period, sorted({period_start(period, d) for d in days}), run_id="r", workspace_ids=["w1"])
    body = ask(client, first, NOW, interval="hourly", metrics="followers,followerGrowth,totalLikes", accountId="a1")
    by_hour = {
        s["metric"]: {p["start"]: v for p, v in zip(body["data"]["periods"], s["values"], strict=True)}
        for s in body["data"]["series"]
    }
    hours = [isoformat(NOW - n * HOUR) for n in (3, 2, 1)]
    assert [by_hour["followers"][hour] for hour in hours] == [100, 101, 102]
    assert [by_hour["followerGrowth"][hour] for hour in hours][1:] == [1, 1]
    # Both posts were published after their account was connected, so they began at 0.
    assert [by_hour["totalLikes"][hour] for hour in hours] == [None, None, 8]
    assert "open" not in [s for one in body["data"]["series"] for s in one["status"][:-1]]


def test_hours_of_an_account_without_followers_are_unknown(client: httpx.Client, w1: Workspace) -> None:
    """Another level was observed, so that the hours count as observed."""
    w1.store.observations.append([observation(LAST + n * HOUR, following=5 + n) for n in range(24)])
    roll(w1.store, "daily", [LAST], run_id="r", workspace_ids=["w1"])
    level, growth = ask(client, LAST, LAST, interval="hourly", metrics="followers,followerGrowth")["data"]["series"]
    assert level["values"] == growth["values"] == [None] * 24
    assert level["status"] == ["partial"] * 24


def test_hours_are_compared_and_totalled_like_days(client: httpx.Client, w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY - DAY, followers=100)
    w1.observe("a1", TODAY - DAY, TODAY, followers=110)
    hourly, daily = (
        ask(client, LAST, LAST, interval=interval, compare="previous")["data"]["series"][0]
        for interval in ("hourly", "daily")
    )
    assert hourly["values"] == [110] * 24
    assert (hourly["total"], hourly["comparison"]) == (daily["total"], daily["comparison"])


def test_comparison_is_over_the_accounts_of_both_ranges(client: httpx.Client, w1: Workspace) -> None:
    w1.connect("a3", TODAY - 3 * DAY)
    w1.observe("a1", FIRST, TODAY - 2 * DAY, followers=100)
    w1.observe("a1", TODAY - 2 * DAY, TODAY, followers=150)
    w1.observe("a3", TODAY - 3 * DAY, TODAY, followers=7)
    (found,) = ask(client, TODAY - 2 * DAY, LAST, compare="previous")["data"]["series"]
    said = found["comparison"]
    assert found["total"] == 157
    assert said["change"] == {"current": 150, "previous": 100, "delta": 50, "deltaPercent": 50.0}
    assert (said["comparable"], said["leftOut"]) == (False, [{"accountId": "a3", "reason": "connected_within"}])
    assert (said["current"]["days"], said["previous"]["days"], said["compare"]) == (2, 2, "previous")
    whole = w1.ask("custom", TODAY - 2 * DAY, LAST, compare="previous")["totals"][0]["comparison"]
    assert said["change"] == whole["changes"]["followers"]
    assert {key: said[key] for key in said.keys() - {"change"}} == {
        key: whole[key] for key in whole.keys() - {"changes"}
    }
    groups = ask(client, TODAY - 2 * DAY, LAST, compare="previous", groupBy="account")["data"]["series"]
    assert [s["comparison"].get("change", {}).get("delta") for s in groups] == [50, None]


def test_weeks_are_totalled_and_compared_over_whole_weeks(client: httpx.Client, w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY)
    monday = period_start("weekly", TODAY - 7 * DAY)
    data = ask(client, monday + DAY, monday + 2 * DAY, interval="weekly", compare="previous")["data"]
    assert data["range"]["start"] == isoformat(monday)
    assert data["range"]["end"] == isoformat(monday + 7 * DAY)
    assert data["series"][0]["comparison"]["current"]["days"] == 7
    year, week, _ = monday.isocalendar()
    assert [period["label"] for period in data["periods"]] == [f"{year}-W{week:02}"]


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ({"metrics": "likes"}, "metrics", "there is no metric likes; did you mean totalLikes?"),
        ({"metrics": "folowers"}, "metrics", "did you mean followers"),
        ({"metrics": "zzzzzz"}, "metrics", "the names are accountClicks"),
        ({"metrics": "postCountByType"}, "metrics", "did you mean postCount"),
        ({"metrics": ",".join(f"m{n}" for n in range(21))}, "metrics", "must be 1 to 20 names"),
        ({"metrics": "followers,followers"}, "metrics", "each metric only once"),
        ({"metrics": ""}, "metrics", "must be 1 to 20 names"),
        ({"metrics": "reach", "interval": "hourly"}, "metrics", "has no values per hour; these have: totalLikes"),
        ({"interval": "minutely"}, "interval", "must be one of hourly, daily"),
        ({"groupBy": "platform,weekday"}, "groupBy", "must be some of platform, account, contentType, metricType"),
        ({"groupBy": "platform,platform"}, "groupBy", "each once"),
        ({"startDate": "2026-01-01", "endDate": "2026-02-01", "interval": "hourly"}, "endDate", "at most 31 days"),
        ({"startDate": "2025-01-01", "endDate": "2026-02-05"}, "endDate", "at most 400 periods"),
        ({"startDate": "2025-01-01", "endDate": "2026-02-05", "interval": "rolling-7"}, "endDate", "400 periods"),
        ({"startDate": "2016-01-01", "endDate": "2026-02-05", "interval": "weekly"}, "endDate", "at most 400 periods"),
        ({"startDate": "2025-01-01", "endDate": "2026-02-05", "interval": "custom"}, "endDate", "at most 400 days"),
        ({"startDate": "2026-01-02", "endDate": "2026-01-01"}, "endDate", "must not be before startDate"),
        ({"compare": "next"}, "compare", "must be one of previous"),
    ],
)  # fmt: skip
def test_what_is_not_accepted_is_refused_with_the_bound(
    client: httpx.Client, query: dict[str, str], parameter: str, message: str
) -> None:
    said = refused(client, **query)
    assert said[0] == parameter
    assert message in said[1]


def test_ranges_up_to_the_bound_are_answered(client: httpx.Client) -> None:
    years = ask(client, datetime(2000, 1, 1), datetime(2099, 12, 31), interval="yearly")["data"]
    assert len(years["periods"]) == utcnow().year - 1999
    days = ask(client, datetime(2025, 1, 1), datetime(2026, 2, 4))["data"]
    assert len(days["periods"]) == 400
    assert len(ask(client, LAST - 30 * DAY, LAST, interval="hourly")["data"]["periods"]) == 31 * 24


def test_too_many_values_are_refused_with_the_bound(client: httpx.Client, seeded: Store) -> None:
    seeded.accounts.put([{**account(f"b{n}", "w1"), "connectedAt": NOW - 500 * DAY} for n in range(60)])
    last = (NOW - DAY).date()
    names = "followers,followerGrowth,totalLikes,totalComments,totalShares,totalSaves,totalViews,totalEngagement,reach"
    query = {"startDate": f"{last - timedelta(days=399)}", "endDate": f"{last}", "groupBy": "account", "metrics": names}
    assert refused(client, **query) == (
        "groupBy",
        (
            "an answer may have at most 200,000 values (metrics x groups x periods), not 219,600; "
            "give fewer metrics or days, or fewer fields in groupBy"
        ),
    )


def test_ranges_of_the_future_have_no_periods(client: httpx.Client) -> None:
    day = TODAY + 5 * DAY
    data = ask(client, day, day, compare="previous")["data"]
    assert (data["periods"], data["series"][0]["values"]) == ([], [])
    assert data["series"][0]["totalUnavailable"] == "no_observation"


def test_answers_are_cached_until_the_data_change(client: httpx.Client, w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY)
    query = {"metrics": "followers", "startDate": f"{FIRST:%Y-%m-%d}", "endDate": f"{LAST:%Y-%m-%d}"}
    first = client.get(SERIES, params=query)
    again = client.get(SERIES, params=query)
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("miss", "hit")
    assert again.content == first.content
    unchanged = client.get(SERIES, params=query, headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    w1.observe("a1", LAST, TODAY, followers=200)
    changed = client.get(SERIES, params=query, headers={"If-None-Match": first.headers["etag"]})
    assert changed.json()["data"]["series"][0]["values"][-1] == 200
    invalidated = client.post("/analytics/workspace/w1/cache/invalidate", params={"pattern": "series:*"})
    assert invalidated.json() == {"invalidated": 2}, "of the data before and after the change"


def test_another_tenants_workspace_does_not_exist(client: httpx.Client) -> None:
    answer = client.get("/analytics/workspace/w2/series", params={"metrics": "followers"})
    unknown = client.get("/analytics/workspace/nobody/series", params={"metrics": "followers"})
    assert answer.status_code == unknown.status_code == 404
    assert answer.json()["detail"] == unknown.json()["detail"]


def test_platforms_without_a_consent_are_left_out_of_engagement(client: httpx.Client, w1: Workspace) -> None:
    video: AccountDocument = {**account("yt", "w1"), "platform": "youtube", "connectedAt": FIRST}
    w1.store.accounts.put([video])
    for platform, account_id in (("instagram", "a1"), ("youtube", "yt")):
        w1.store.rollups.accounts.insert_one(
            {
                "_id": f"{account_id}|x", "workspaceId": "w1", "accountId": account_id, "platform": platform,
                "period": "daily", "periodStart": LAST, "periodEnd": TODAY,
                "aggregatedMetrics": {"totalEngagement": 10, "totalLikes": 4}, "unavailable": {},
                "coverage": {"expectedSlots": 24, "observedSlots": 24}, "status": "complete", "definitionVersion": 2,
                "computedAt": TODAY, "runId": "r",
            }
        )  # fmt: skip
    engagement, likes = ask(client, LAST, LAST, metrics="totalEngagement,totalLikes")["data"]["series"]
    assert (engagement["values"], engagement["withheld"]) == ([10], ["youtube"])
    assert likes["values"] == [8]
    assert "withheld" not in likes
    groups = ask(client, LAST, LAST, metrics="totalEngagement", groupBy="platform")["data"]["series"]
    assert [s["values"] for s in groups] == [[10], [10]]


def test_workspaces_tell_their_accounts_calendar_and_newest_hour(client: httpx.Client, seeded: Store) -> None:
    seeded.accounts.put([{**account("a3", "w1"), "state": "paused"}, {**account("a4", "w1")}])
    assert client.get("/analytics/workspaces").json()["data"] == [
        {
            "workspaceId": "w1", "accounts": {"active": 2, "paused": 1}, "newestSlot": isoformat(NOW - HOUR),
            "calendar": {
                "timeZone": "UTC", "weekStart": "monday", "fiscalYearStart": "01-01", "fiscalPattern": "months",
                "version": 0,
            },
        }
    ]  # fmt: skip


def test_aggregated_answers_rolling_periods_that_end_with_each_day(w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY)
    rows = w1.ask("rolling-7", LAST - DAY, LAST, compare="previous")["totals"]
    assert [(row["periodStart"], row["periodEnd"]) for row in rows] == [
        (isoformat(TODAY - 8 * DAY), isoformat(TODAY - DAY)), (isoformat(TODAY - 7 * DAY), isoformat(TODAY)),
    ]  # fmt: skip
    assert rows[1]["comparison"]["previous"]["end"] == isoformat(TODAY - 7 * DAY)
