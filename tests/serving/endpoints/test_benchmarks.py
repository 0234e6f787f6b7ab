"""`GET …/benchmarks`: the form of the answer, its filters and pages, whose it is, and what is refused."""

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import islice
from typing import Any

import httpx
import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from httpx_sse import connect_sse

from metrics.clock import utcnow
from metrics.periods import DAY, midnight
from metrics.redis.events import Announcer
from metrics.store import Store
from metrics.watching.lists import switch_platform
from serving.__main__ import Server
from tests.benchmarks import Published, Rival, store_rivals
from tests.serving.conftest import reading

PATH = "/analytics/workspace/w1/benchmarks"
TODAY = midnight(utcnow().date())
MONDAY = TODAY - (TODAY.weekday() + 14) * DAY
"""The beginning of a week that has ended."""
WEEK = {"startDate": f"{MONDAY:%Y-%m-%d}", "endDate": f"{MONDAY + 6 * DAY:%Y-%m-%d}"}


def full(start: int, step: int = 1) -> dict[int, int]:
    return {day: start + step * day for day in range(-1, 7)}


def group_of_seven() -> list[Rival]:
    """Six others and the own account, with one post each."""
    found = [
        Rival(f"rival{n}", full(1000 * n, n), [Published(1, {6: {"likes": 10 * n, "comments": n}})], since=-30)
        for n in range(1, 7)
    ]
    own = Rival("mine", full(3500, 7), [Published(2, {6: {"likes": 50, "comments": 5}})], own="a1", since=-30)
    return [*found, own]


@pytest.fixture
def rivals(seeded: Store) -> dict[str, str]:
    return store_rivals(seeded, "w1", group_of_seven(), MONDAY)


@pytest.fixture
def client(live: tuple[str, Server], rivals: dict[str, str], seeded: Store) -> Iterator[httpx.Client]:
    with reading(live[0], seeded) as opened:
        yield opened


def metric(group: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in group["metrics"] if one["metric"] == name)


def test_own_account_stands_among_the_others(client: httpx.Client) -> None:
    answer = client.get(PATH, params=WEEK)
    body = answer.json()
    (group,) = body["data"]
    assert (group["platform"], group["group"], group["status"]) == ("instagram", "coffee", "complete")
    assert (group["periodStart"], group["engagementParts"]) == (f"{MONDAY:%Y-%m-%dT%H:%M:%SZ}", ["likes", "comments"])
    followers, per_post = metric(group, "followers"), metric(group, "engagementPerPost")
    others = [1000 * n + 6 * n for n in range(1, 7)]
    quartiles = [followers[name] for name in ("p25", "median", "p75")]
    assert quartiles == pytest.approx(list(np.quantile(others, (0.25, 0.5, 0.75))))
    assert (followers["n"], followers["leftOut"]) == (6, [])
    assert followers["own"] == [
        {"key": "@mine", "accountId": "a1", "value": 3542, "percentileRank": 50, "gapToMedian": 3542 - 3521}
    ]
    assert (per_post["basis"], per_post["own"][0]["value"]) == ("measuredPosts", 55)
    assert metric(group, "followerGrowthRate")["basis"] == "followersBefore"
    mine = next(one for one in group["accounts"] if one.get("own"))
    assert mine["coverage"] == {"days": 7, "observedDays": 7}
    assert mine["numbers"]["postsByType"] == {"image": 1}
    assert mine["numbers"]["shareOfEngagement"] == pytest.approx(100 * 55 / (11 * 21 + 55))
    assert mine["unavailable"] == {"viewsPerPost": "no_observation"}
    assert metric(group, "viewsPerPost")["unavailable"] == "too_few"
    assert "shareOfEngagement" not in [one["metric"] for one in group["metrics"]]
    assert body["meta"]["period"] == "weekly"
    again = client.get(PATH, params=WEEK, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, client.get(PATH, params=WEEK).headers["x-cache"]) == (304, "hit")


def test_custom_months_and_metrics_are_chosen(client: httpx.Client) -> None:
    custom = client.get(PATH, params={**WEEK, "period": "custom", "metrics": "engagement,followers"}).json()["data"]
    weekly = client.get(PATH, params={**WEEK, "metrics": "engagement,followers"}).json()["data"]
    assert [one["metric"] for one in custom[0]["metrics"]] == ["engagement", "followers"]
    assert [{**one, "period": "", "periodLabel": ""} for one in custom] == [
        {**one, "period": "", "periodLabel": ""} for one in weekly
    ]
    months = client.get(PATH, params={**WEEK, "period": "monthly"}).json()["data"]
    assert [one["periodLabel"] for one in months] == sorted({f"{MONDAY + day * DAY:%Y-%m}" for day in (0, 6)})
    assert metric(months[0], "followers")["n"] == 0
    assert {one["reason"] for one in metric(months[0], "followers")["leftOut"]} == {"low_coverage"}


def test_groups_and_platforms_come_page_by_page(client: httpx.Client, seeded: Store) -> None:
    some = [Rival("tea1", full(10), group="tea"), Rival("alone", full(20), group=None)]
    store_rivals(seeded, "w1", [*some, Rival("bird", full(30), platform="twitter")], MONDAY)
    params: dict[str, Any] = {**WEEK, "limit": 1, "metrics": "followers"}
    found, cursor = [], None
    while True:
        body = client.get(PATH, params={**params, **({"cursor": cursor} if cursor else {})}).json()
        found += [(one["platform"], one.get("group")) for one in body["data"]]
        if (cursor := body["page"]["nextCursor"]) is None:
            break
    assert found == [("instagram", None), ("instagram", "coffee"), ("instagram", "tea"), ("twitter", "coffee")]
    tea = client.get(PATH, params={**WEEK, "group": "tea"}).json()["data"]
    assert [[one["key"] for one in group["accounts"]] for group in tea] == [["@tea1"]]
    birds = client.get(PATH, params={**WEEK, "platform": "twitter"}).json()["data"]
    assert [one["platform"] for one in birds] == ["twitter"]


@pytest.mark.parametrize(("params", "status", "message"), [
    ({"metrics": "reach"}, 400, "metrics: must be some of followers, followerGrowth"),
    ({"metrics": "followers,followers"}, 400, "metrics: must be some of"),
    ({"period": "daily"}, 400, "period: must be one of weekly, monthly, custom"),
    ({"group": "tea\n"}, 400, "group: no watched account is in the group tea"),
    ({"group": "coffee", "platform": "twitter"}, 400, "group: no watched account on X is in the group coffee"),
    ({"group": ""}, 400, "group: "),
    ({"platform": "myspace"}, 400, "platform: must be one of"),
    ({"startDate": "2026-02-30", "endDate": "2026-03-01"}, 400, "startDate: must be a date of the calendar"),
    ({"startDate": "2026-03-02"}, 400, "endDate: give both startDate and endDate"),
    ({"startDate": "2026-03-02", "endDate": "2026-03-01"}, 400, "endDate: must not be before startDate"),
    ({"startDate": "2024-03-02", "endDate": "2026-03-01"}, 400, "endDate: the range may have at most 400 days"),
    ({"cursor": "nonsense"}, 400, "cursor: send `page.nextCursor`"),
    ({"platform": "youtube"}, 422, "platform: the workspace switched YouTube off for watching"),
    ({"accountId": "a1"}, 400, "accountId: "),
])  # fmt: skip
def test_wrong_query_is_refused_in_one_line(
    client: httpx.Client, seeded: Store, params: dict[str, str], status: int, message: str
) -> None:
    switch_platform(seeded, "w1", "youtube", utcnow(), on=False)
    answer = client.get(PATH, params=params)
    assert answer.status_code == status
    error = answer.json()["errors"][0]
    assert message in f"{error['parameter']}: {error['message'].removeprefix(error['parameter'] + ': ')}"
    assert "\n" not in answer.json()["detail"]


def test_another_tenant_sees_nothing_of_it(
    client: httpx.Client, seeded: Store, live: tuple[str, Server], announcer: Announcer
) -> None:
    assert client.get(PATH, params=WEEK).json()["data"]
    secret, _ = seeded.keys.create("other", ["w2"], ["read"])
    with httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {secret}"}) as other:
        theirs = "/analytics/workspace/w2/benchmarks"
        assert other.get(theirs, params=WEEK).json()["data"] == []
        unknown = [other.get(path, params=WEEK) for path in (PATH, "/analytics/workspace/w9/benchmarks")]
        assert {one.status_code for one in unknown} == {404}
        assert len({one.json()["detail"] for one in unknown}) == 1
        # The same accounts, watched by both: nothing of the one's labels and groups is in the answer of the other.
        store_rivals(seeded, "w2", [Rival("rival1", full(1), group="secret")], MONDAY)
        announcer.announce("w2")
        (group,) = other.get(theirs, params=WEEK).json()["data"]
        assert (group["group"], [one["key"] for one in group["accounts"]]) == ("secret", ["@rival1"])
        refused = other.get(theirs, params={**WEEK, "group": "coffee"})
        assert refused.status_code == 400
        of_series = {**WEEK, "scope": "benchmarks", "interval": "weekly", "metrics": "followers"}
        of_export = {**WEEK, "dataset": "benchmarks", "format": "ndjson"}
        for end, params in (("series", of_series), ("export", of_export)):
            assert other.get(f"/analytics/workspace/w1/{end}", params=params).status_code == 404
            found = other.get(f"/analytics/workspace/w2/{end}", params=params).text
            assert ("@rival1" in found, "@rival2" in found, "coffee" in found) == (True, False, False)
    assert client.get(PATH, params={**WEEK, "group": "secret"}).status_code == 400


def test_platform_that_is_off_is_left_out_and_named(client: httpx.Client, seeded: Store, announcer: Announcer) -> None:
    switch_platform(seeded, "w1", "instagram", utcnow(), on=False)
    announcer.announce("w1")
    body = client.get(PATH, params=WEEK).json()
    assert (body["data"], body["meta"]["platformsOff"]) == ([], ["instagram"])


def test_roll_up_of_public_rollups_is_announced(client: httpx.Client, seeded: Store, announcer: Announcer) -> None:
    before = client.get(PATH, params=WEEK)
    query = {"workspaceId": "w1", "events": "benchmark:updated", "lastEventId": "0-0"}
    with connect_sse(client, "GET", "/analytics/stream", params=query) as source:
        some = [Rival("late1", full(10)), Rival("late2", full(10)), Rival("bird", full(30), platform="twitter")]
        store_rivals(seeded, "w1", some, MONDAY, announce=announcer.announce_public_rollups)
        events = list(islice((event for event in source.iter_sse() if event.event != "ping"), 2))
    assert {event.event for event in events} == {"benchmark:updated"}
    weeks = {event.json()["platform"]: event.json() for event in events if event.json()["period"] == "weekly"}
    assert {name: week["accounts"] for name, week in weeks.items()} == {"instagram": 2, "twitter": 1}
    after = client.get(PATH, params=WEEK)
    assert (after.headers["x-cache"], after.headers["etag"] != before.headers["etag"]) == ("miss", True)
    assert len(after.json()["data"][0]["accounts"]) == 9


SERIES = "/analytics/workspace/w1/series"


def test_series_have_quartiles_and_every_account_by_week(client: httpx.Client) -> None:
    two_weeks = {**WEEK, "startDate": f"{MONDAY - DAY:%Y-%m-%d}"}
    params = {**two_weeks, "scope": "benchmarks", "interval": "weekly", "metrics": "engagement,shareOfEngagement"}
    body = client.get(SERIES, params=params).json()
    data = body["data"]
    assert (data["series"], len(data["periods"]), "coverage" in body["meta"]) == ([], 2, False)
    engagement, share = data["benchmarks"]
    assert (engagement["platform"], engagement["group"], engagement["n"]) == ("instagram", "coffee", [0, 6])
    assert (engagement["unavailable"], engagement["median"]) == ({"0": "too_few"}, [None, 38.5])
    mine = next(one for one in engagement["accounts"] if one.get("own") == "a1")
    assert (mine["values"], mine["percentileRank"]) == ([None, 55], [None, pytest.approx(100 * 4.5 / 6)])
    assert mine["leftOut"] == {"0": "low_coverage"}
    assert sum(one["values"][1] for one in share["accounts"]) == pytest.approx(100)
    assert "median" not in share
    custom = client.get(SERIES, params={**params, **WEEK, "interval": "custom"}).json()["data"]
    assert custom["benchmarks"][0]["median"] == [38.5]
    (group,) = client.get(PATH, params=WEEK).json()["data"]
    assert metric(group, "engagement")["median"] == engagement["median"][1]


@pytest.mark.parametrize(("params", "message"), [
    ({"interval": "daily"}, "interval: with `scope=benchmarks`, it must be one of weekly, monthly, custom"),
    ({"metrics": "totalLikes"}, "metrics: with `scope=benchmarks`, they must be some of followers"),
    ({"metrics": "postsByType"}, "metrics: with `scope=benchmarks`, they must be some of followers"),
    ({"groupBy": "platform"}, "groupBy: `scope=benchmarks` does not have it"),
    ({"accountId": "a1"}, "accountId: `scope=benchmarks` does not have it"),
    ({"compare": "previous"}, "compare: `scope=benchmarks` does not have it"),
    ({"group": "none"}, "group: no watched account is in the group none"),
    ({"scope": "accounts", "group": "coffee", "metrics": "followers"}, "group: only `scope=benchmarks` has groups"),
    ({"platform": "youtube"}, "platform: the workspace switched YouTube off for watching"),
    ({"scope": "others"}, "scope: must be one of accounts, benchmarks"),
    ({"startDate": "2000-01-01", "endDate": "2026-01-01"}, "endDate: a series may have at most 400 periods"),
])  # fmt: skip
def test_wrong_series_is_refused_in_one_line(
    client: httpx.Client, seeded: Store, params: dict[str, str], message: str
) -> None:
    switch_platform(seeded, "w1", "youtube", utcnow(), on=False)
    answer = client.get(SERIES, params={"scope": "benchmarks", "interval": "weekly", "metrics": "followers", **params})
    assert answer.status_code == (422 if "platform" in params else 400)
    error = answer.json()["errors"][0]
    assert message in f"{error['parameter']}: {error['message'].removeprefix(error['parameter'] + ': ')}"


EXPORT = "/analytics/workspace/w1/export"


def test_export_has_the_same_numbers_in_every_format(client: httpx.Client) -> None:
    (group,) = client.get(PATH, params=WEEK).json()["data"]
    files = {
        form: client.get(EXPORT, params={**WEEK, "dataset": "benchmarks", "format": form}).content
        for form in ("csv", "ndjson", "parquet")
    }
    lines = [orjson.loads(line) for line in files["ndjson"].splitlines()]
    cells = list(csv.DictReader(StringIO(files["csv"].decode())))
    rows = pq.read_table(BytesIO(files["parquet"])).to_pylist()
    assert len(lines) == len(cells) == len(rows) == len(group["accounts"]) + 4
    for account, line, cell, row in zip(group["accounts"], lines, cells, rows, strict=False):
        key = account["key"]
        # A spreadsheet would run a text that begins with @.
        assert (line["kind"], line["key"], cell["key"], row["key"]) == ("account", key, f"'{key}", key)
        for name in ("followers", "engagementPerPost", "shareOfEngagement"):
            assert line[name] == float(cell[name]) == row[name] == account["numbers"][name]
        assert line["postsByType"] == orjson.loads(row["postsByType"]) == account["numbers"]["postsByType"]
    median = next(row for row in rows if row["kind"] == "median")
    assert (median["followers"], median["viewsPerPost"]) == (metric(group, "followers")["median"], None)
    assert orjson.loads(median["unavailable"]) == {"viewsPerPost": "too_few"}
    months = client.get(EXPORT, params={**WEEK, "dataset": "benchmarks", "format": "ndjson", "period": "monthly"})
    assert {orjson.loads(line)["period"] for line in months.content.splitlines()} == {"monthly"}


@pytest.mark.parametrize(("params", "message"), [
    ({"dataset": "metrics", "period": "weekly"}, "period: only the dataset benchmarks has one"),
    ({"dataset": "benchmarks", "period": "daily"}, "period: must be one of weekly, monthly, custom"),
    ({"dataset": "benchmarks", "include": "own_rate"}, "include: the dataset benchmarks has no metrics of your own"),
])  # fmt: skip
def test_wrong_export_is_refused_in_one_line(client: httpx.Client, params: dict[str, str], message: str) -> None:
    answer = client.get(EXPORT, params={"format": "csv", **params})
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert message in f"{error['parameter']}: {error['message'].removeprefix(error['parameter'] + ': ')}"
