"""Metrics of a workspace's own wherever names of metrics are: series, aggregated, exports, comparisons and versions."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

import httpx
import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from redis import Redis

from metrics.definitions.changes import NewDefinition, define, retire
from metrics.periods import DAY, HOUR, midnight
from metrics.redis.events import Announcer
from metrics.store import Store
from serving.__main__ import Server
from tests.examples import tried
from tests.metrics.definitions.reference import Cut, answer
from tests.metrics.definitions.test_law import DAYS, START, accepted, fill, formulas, worlds
from tests.serving.conformance import check
from tests.serving.conftest import NOW

PATH = "/analytics/workspace/w1"
RATE, SUM = "percent(saves, views)", "likes + 2 * saves"
TODAY = midnight(NOW.date())
FIRST, LAST = TODAY - 3 * DAY, TODAY - DAY


def own(store: Store, workspace_id: str = "w1", **expressions: str) -> None:
    wanted = [NewDefinition(name, name, expression) for name, expression in expressions.items()]
    define(store, workspace_id, wanted, NOW)


@pytest.fixture
def days(seeded: Store, redis_client: Redis) -> Store:
    """Three days of `a1` and of `a3`, which has one post, and was connected on the second day."""
    since = TODAY - 9 * DAY
    for name, connected in (("a1", since), ("a3", FIRST + DAY)):
        seeded.accounts.put([{
            "_id": name, "workspaceId": "w1", "platform": "instagram", "platformAccountId": name, "handle": name,
            "state": "active", "connectedAt": connected,
        }])  # fmt: skip
    put(seeded, "a1", "p1", "image", 0, likes=10, saves=2, views=100)
    put(seeded, "a1", "p1", "image", 1, likes=20, saves=4, views=100)
    put(seeded, "a1", "p1", "image", 2, likes=30, saves=9, views=100)
    put(seeded, "a1", "p2", "video", 2, likes=5, saves=1)
    put(seeded, "a3", "p3", "video", 2, likes=7, saves=3, views=300)
    own(seeded, save_rate=RATE, loved=SUM)
    Announcer(redis_client).announce("w1")
    return seeded


def put(
    store: Store, account: str, post: str, content: str, day: int, *, platform: str = "instagram", **nets: int
) -> None:
    """Store the rollups of a post and of its account for a day."""
    start = FIRST + day * DAY
    entries = {name: {"open": 0, "close": net, "net": net, "samples": 1} for name, net in nets.items()}
    common: Any = {
        "workspaceId": "w1", "accountId": account, "platform": platform, "period": "daily", "periodStart": start,
        "periodEnd": start + DAY,
    }  # fmt: skip
    store.rollups.subjects.insert_one({
        **common, "observedSlots": 24, "_id": f"{post}|{day}", "subjectId": post, "postId": post, "metricType": "post",
        "contentType": content, "metrics": entries,
    })  # fmt: skip
    read = {"_id": f"{account}|read|{day}", "subjectId": account, "metricType": "account", "observedSlots": 24}
    level = {"open": 5, "close": 5, "net": 0, "min": 5, "max": 5, "sum": 120, "samples": 24}
    rollup = {**common, **read, "metrics": {"following": level}}
    store.rollups.subjects.replace_one({"_id": read["_id"]}, rollup, upsert=True)
    of_account = {
        **common, "_id": f"{account}|daily|{day}", "aggregatedMetrics": {"followers": 10}, "unavailable": {},
        "coverage": {"expectedSlots": 24, "observedSlots": 24}, "status": "complete", "definitionVersion": 1,
        "computedAt": start, "runId": "r", "periodLabel": f"{start:%Y-%m-%d}", "calendarVersion": 0,
    }  # fmt: skip
    store.rollups.accounts.replace_one({"_id": of_account["_id"]}, of_account, upsert=True)


def ask(client: httpx.Client, path: str, first: datetime = FIRST, last: datetime = LAST, **query: Any) -> Any:
    dates = {"startDate": f"{first:%Y-%m-%d}", "endDate": f"{last:%Y-%m-%d}"}
    found = client.get(f"{PATH}/{path}", params={**dates, **query})
    assert found.status_code == 200, found.text
    return found.json()


def test_series_adds_first_and_divides_last(client: httpx.Client, days: Store) -> None:
    body = ask(client, "series", metrics="save_rate,totalLikes,loved")
    rate, likes, loved = body["data"]["series"]
    assert rate["values"] == [2.0, 4.0, 3.0]
    assert rate["parts"] == {"over": [2, 4, 12], "under": [100, 100, 400], "measured": [1, 1, 2]}
    assert (rate["total"], rate["unit"]) == (3.0, "percent")
    assert rate["totalParts"] == {"over": 18, "under": 600, "measured": 2}
    assert likes["metric"] == "totalLikes"
    assert (loved["values"], loved["total"]) == ([14, 28, 68], 110)
    assert loved["parts"] == {"over": [14, 28, 68], "measured": [1, 1, 3]}
    assert body["meta"]["definitions"] == {"loved": 1, "save_rate": 1}
    (whole,) = ask(client, "series", metrics="save_rate", interval="custom")["data"]["series"]
    assert (whole["values"], whole["total"]) == ([3.0], 3.0)


@pytest.mark.parametrize(
    ("group_by", "totals"),
    [
        ("account", {"a1": (15, 300), "a3": (3, 300)}),
        ("contentType", {"image": (15, 300), "video": (3, 300)}),
        ("metricType", {"post": (18, 600)}),
    ],
)
def test_groups_are_evaluated_for_themselves(
    client: httpx.Client, days: Store, group_by: str, totals: dict[str, tuple[int, int]]
) -> None:
    data = ask(client, "series", metrics="save_rate", groupBy=group_by)["data"]
    found = {one["group"][group_by]: one["totalParts"] for one in data["series"]}
    assert {name: (parts["over"], parts["under"]) for name, parts in found.items()} == totals
    assert data["overall"][0]["total"] == 3.0
    (narrow,) = ask(client, "series", metrics="save_rate", accountId="a3", contentType="video")["data"]["series"]
    assert (narrow["total"], narrow["unavailable"]) == (1.0, {"0": "no_observation", "1": "no_observation"})


def test_reasons_stand_beside_absent_values(client: httpx.Client, days: Store) -> None:
    own(days, by_clicks="likes / clicks", tweets="likes{platform=twitter}", level="percent(likes, followers)")
    found = ask(client, "series", metrics="by_clicks,tweets,level", groupBy="contentType")["data"]
    reasons = {(one["metric"], one["group"]["contentType"]): one["totalUnavailable"] for one in found["series"]}
    assert reasons["by_clicks", "image"] == reasons["tweets", "image"] == "not_supported"
    assert reasons["level", "image"] == "no_observation"
    body = ask(client, "aggregated", period="daily", include="tweets")
    assert {one["unavailable"]["tweets"] for one in body["data"]} == {"not_supported"}


def test_aggregated_has_documents_and_totals_with_their_parts(client: httpx.Client, days: Store) -> None:
    body = ask(client, "aggregated", period="daily", include="save_rate", groupBy="contentType", fields="followers")
    assert [(one["accountId"], one["aggregatedMetrics"]) for one in body["data"]] == [
        ("a1", {"followers": 10, "save_rate": 2.0}), ("a1", {"followers": 10, "save_rate": 4.0}),
        ("a1", {"followers": 10, "save_rate": 9.0}), ("a3", {"followers": 10, "save_rate": 1.0}),
    ]  # fmt: skip
    assert [one["metrics"]["save_rate"] for one in body["totals"]] == [2.0, 4.0, 3.0]
    assert body["totals"][2]["parts"] == {"save_rate": {"over": 12, "under": 400, "measured": 2}}
    last = {one["contentType"]: one["metrics"].get("save_rate") for one in body["groups"] if one["parts"]}
    assert last == {"image": 9.0, "video": 1.0}
    assert body["meta"]["definitions"] == {"save_rate": 1}
    whole = ask(client, "aggregated", period="custom", include="save_rate")
    assert {one["accountId"]: one["aggregatedMetrics"]["save_rate"] for one in whole["data"]} == {"a1": 5.0, "a3": 1.0}
    assert "parts" not in ask(client, "aggregated", period="daily")["data"][0]


def test_document_of_a_former_calendar_has_the_value_of_its_period(client: httpx.Client, days: Store) -> None:
    earlier = {"$set": {"periodEnd": FIRST + DAY - HOUR}}
    days.rollups.accounts.update_one({"accountId": "a1", "periodStart": FIRST}, earlier)
    (document,) = ask(client, "aggregated", FIRST, FIRST, period="daily", include="save_rate")["data"]
    assert document["aggregatedMetrics"]["save_rate"] == 2.0


def test_comparisons_are_over_the_accounts_of_both_sides(client: httpx.Client, days: Store) -> None:
    (third,) = ask(client, "aggregated", LAST, LAST, period="daily", include="loved", compare="previous")["totals"]
    assert third["metrics"]["loved"] == 68
    assert third["comparison"]["leftOut"] == [{"accountId": "a3", "reason": "no_observation"}]
    assert third["comparison"]["changes"]["loved"] == {
        "current": 55, "previous": 28, "delta": 27, "deltaPercent": pytest.approx(96.43, abs=0.01)
    }  # fmt: skip
    (series,) = ask(client, "series", LAST, LAST, metrics="loved", compare="previous")["data"]["series"]
    assert series["comparison"]["change"] == third["comparison"]["changes"]["loved"]
    body = ask(client, "aggregated", LAST, LAST, period="daily", include="save_rate", compare="previous")
    rates = {one["accountId"]: one["comparison"]["changes"].get("save_rate") for one in body["data"]}
    assert (rates["a1"]["delta"], rates["a3"]) == (5.0, None)


def test_platform_that_may_not_be_mixed_is_left_out_and_named(client: httpx.Client, days: Store) -> None:
    days.accounts.put([{
        "_id": "tube", "workspaceId": "w1", "platform": "youtube", "platformAccountId": "tube", "handle": "tube",
        "state": "active", "connectedAt": FIRST,
    }])  # fmt: skip
    put(days, "tube", "p4", "video", 2, platform="youtube", likes=1000)
    own(days, liked="likes", of_instagram="likes{platform=instagram}")
    data = ask(client, "series", metrics="liked,of_instagram", groupBy="platform")["data"]
    assert {one["group"]["platform"]: one.get("total") for one in data["series"] if one["metric"] == "liked"} == {
        "instagram": 72, "youtube": 1000,
    }  # fmt: skip
    liked, of_instagram = data["overall"]
    assert (liked["total"], liked["withheld"]) == (72, ["youtube"])
    assert (of_instagram["total"], "withheld" in of_instagram) == (72, False)


def test_old_versions_are_read_with_at(client: httpx.Client, days: Store, redis_client: Redis) -> None:
    own(days, save_rate="percent(saves, likes)")
    Announcer(redis_client).announce("w1")
    at = {version: ask(client, "series", metrics="save_rate", at=version) for version in (1, 2)}
    assert [at[n]["data"]["series"][0]["totalParts"]["under"] for n in (1, 2)] == [600, 72]
    assert [at[n]["meta"]["definitions"] for n in (1, 2)] == [{"save_rate": 1}, {"save_rate": 2}]
    retire(days, "w1", "save_rate", NOW)
    Announcer(redis_client).announce("w1")
    assert ask(client, "aggregated", period="custom", include="save_rate", at=1)["totals"][0]["parts"]
    for path, query, parameter, words in (
        ("series", {"metrics": "save_rate"}, "metrics", "save_rate was retired; read one of its versions"),
        ("series", {"metrics": "save_rate", "at": "3"}, "at", "save_rate has no version 3: it has 1 to 2"),
        ("series", {"metrics": "followers", "at": "1"}, "at", "metrics names 0"),
        ("series", {"metrics": "save_rate,loved", "at": "1"}, "at", "metrics names 2"),
        ("series", {"metrics": "loved", "interval": "hourly"}, "metrics", "loved has no values per hour"),
        ("series", {"metrics": "loved", "interval": "rolling-90", "startDate": "2026-01-01", "endDate": "2026-03-15"},
         "interval", "at most 66 periods of rolling-90"),
        ("aggregated", {"period": "rolling-90", "include": "loved", "startDate": "2026-01-01", "endDate": "2026-03-15"},
         "period", "at most 66 periods of rolling-90"),
        ("series", {"metrics": "lovd"}, "metrics", "did you mean loved?"),
        ("aggregated", {"period": "daily", "include": "lovd"}, "include", "did you mean loved?"),
        ("aggregated", {"period": "daily", "include": "followers"}, "include", "there is no metric followers"),
        ("export", {"dataset": "metrics", "format": "csv", "include": "loved"}, "include", "dataset metrics has no"),
        ("export", {"dataset": "aggregated", "format": "csv", "include": "x"}, "include", "there is no metric x"),
    ):  # fmt: skip
        refused = client.get(f"{PATH}/{path}", params=query)
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["parameter"]) == (400, parameter)
        assert words in error["message"]


def test_exports_have_a_column_for_each_own_metric(client: httpx.Client, days: Store) -> None:
    read = ask(client, "aggregated", period="daily", include="loved,save_rate")["data"]
    told = {(one["accountId"], one["periodStart"]): one for one in read}

    def file(form: str) -> httpx.Response:
        dates = {"startDate": f"{FIRST:%Y-%m-%d}", "endDate": f"{LAST:%Y-%m-%d}"}
        query = {"dataset": "aggregated", "format": form, "include": "loved,save_rate", **dates}
        return client.get(f"{PATH}/export", params=query)

    rows = list(csv.DictReader(io.StringIO(file("csv").text, newline="")))
    lines = [orjson.loads(line) for line in file("ndjson").text.splitlines()]
    table = pq.read_table(io.BytesIO(file("parquet").content)).to_pylist()
    assert len(rows) == len(lines) == len(table) == len(read) == 4
    assert list(rows[0])[-3:] == ["loved", "save_rate", "parts"]
    for row, line, record in zip(rows, lines, table, strict=True):
        shown = told[row["accountId"], row["periodStart"]]
        values = {name: shown["aggregatedMetrics"][name] for name in ("loved", "save_rate")}
        assert {name: float(row[name]) for name in values} == values == {name: record[name] for name in values}
        assert orjson.loads(row["parts"]) == line["parts"] == shown["parts"] == orjson.loads(record["parts"])


def test_levels_have_means_and_extremes_in_series(client: httpx.Client, days: Store) -> None:
    levels = {"open": 90, "close": 110, "net": 20, "min": 80, "max": 120, "sum": 2400, "samples": 24}
    for name, scale in (("a1", 1), ("a3", 2)):
        days.rollups.subjects.insert_one({
            "_id": f"{name}|level", "workspaceId": "w1", "accountId": name, "platform": "instagram", "period": "daily",
            "periodStart": LAST, "periodEnd": TODAY, "observedSlots": 24, "subjectId": name, "metricType": "account",
            "metrics": {"followers": {key: number * scale for key, number in levels.items()} | {"samples": 24}},
        })  # fmt: skip
    query = {"metrics": "minFollowers,maxFollowers,avgFollowers", "interval": "custom"}
    lowest, highest, mean = ask(client, "series", LAST, LAST, **query)["data"]["series"]
    assert (mean["total"], mean["unit"]) == (300, "people")
    assert lowest["totalUnavailable"] == highest["totalUnavailable"] == "not_additive"
    alone = ask(client, "series", LAST, LAST, accountId="a3", **query)["data"]["series"]
    assert [one["total"] for one in alone] == [160, 240, 200]


@pytest.fixture
def owner(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    key, _ = seeded.keys.create("k", ["w"], ["read"])
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=live[0], headers=headers, timeout=30, event_hooks={"response": [check]}) as opened:
        yield opened


@given(st.data())
@settings(
    tried(8, nightly=200),
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_answers_are_the_formula_of_brute_force_sums(
    owner: httpx.Client, seeded: Store, redis_client: Redis, data: st.DataObject
) -> None:
    """Law 6 through HTTP: series and aggregated, by day and over the range, for the workspace and for each account."""
    world = data.draw(worlds(shifts=(0,)))
    formula = data.draw(formulas(world))
    assume(accepted(formula, world) is not None)
    seeded.db["accounts"].delete_many({"workspaceId": "w"})
    fill(seeded.db, world)
    accounts: list[Any] = [
        {**one, "platformAccountId": one["_id"], "handle": one["_id"], "state": "active"} for one in world.accounts
    ]
    seeded.accounts.put(accounts)
    own(seeded, "w", tried=formula.text())
    Announcer(redis_client).announce("w")
    dates = {"startDate": f"{START:%Y-%m-%d}", "endDate": f"{START + (DAYS - 1) * DAY:%Y-%m-%d}"}
    spans = [(START + n * DAY, START + (n + 1) * DAY) for n in range(DAYS)]
    whole = (START, START + DAYS * DAY)

    def wanted(span: tuple[datetime, datetime], cut: Cut) -> Any:
        found = answer(world, formula, span, cut).value
        return None if found is None else pytest.approx(float(Fraction(found)), rel=1e-12)

    path = "/analytics/workspace/w"
    query = {"metrics": "tried", "groupBy": "account", **dates}
    body = owner.get(f"{path}/series", params=query).json()["data"]
    for one in (*body["series"], *body["overall"]):
        cut = Cut(account=one["group"].get("account"))
        assert one["values"] == [wanted(span, cut) for span in spans], (formula.text(), one)
        assert one.get("total") == wanted(whole, cut), (formula.text(), one)
    merged = owner.get(f"{path}/aggregated", params={"period": "custom", "include": "tried", **dates}).json()
    for one in merged["data"]:
        assert one["aggregatedMetrics"].get("tried") == wanted(whole, Cut(account=one["accountId"])), formula.text()
    for one in merged["totals"]:
        assert one["metrics"].get("tried") == wanted(whole, Cut()), formula.text()
