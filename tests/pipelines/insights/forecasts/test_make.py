"""Forecasts of days in a row: what was said stays, what comes due is judged, and erased accounts leave nothing."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from metrics.documents import AccountDocument
from metrics.periods import DAY, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace_settings import Days
from metrics.upkeep import limited, retention
from metrics.upkeep.erase import left_of
from pipelines.insights.forecasts import make as making
from pipelines.insights.forecasts.make import MakeReport, make
from tests.erasing import erased
from tests.pipelines.insights.forecasts.days import roll_days, weekly

LAST = date(2026, 3, 31)
DAY_0 = midnight(LAST)


def connect(store: Store, account_id: str, **fields: Any) -> None:
    account: AccountDocument = {
        "_id": account_id, "workspaceId": "w", "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": DAY_0 - 300 * DAY,
    }  # fmt: skip
    account.update(fields)  # type: ignore[typeddict-item]
    store.accounts.put([account])


def made(store: Store, day: datetime = DAY_0, late: timedelta = timedelta(hours=30)) -> MakeReport:
    return make(store, day, now=day + late, run_id="r")


def documents(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["forecasts"].find(query).sort("_id", 1))


@pytest.fixture
def filled(store: Store) -> Store:
    connect(store, "a0")
    connect(store, "a1")
    counts = weekly(130)
    followers = [10_000.0 + 7 * day + day % 5 for day in range(130)]
    roll_days(store, "a0", LAST, {"totalEngagement": counts, "followers": followers, "reach": counts[-40:]})
    roll_days(store, "a1", LAST, {"totalEngagement": weekly(20)})
    return store


def test_each_series_has_a_forecast_or_a_reason(filled: Store) -> None:
    report = made(filled)
    assert (report.workspaces, report.accounts, report.made, report.failed) == (1, 2, 3, 0)
    found = {(one["accountId"], one["metric"]): one for one in documents(filled)}
    assert len(found) == report.made + report.refused.total()
    assert len(found["a0", "totalEngagement"]["values"]) == 28
    assert len(found["a0", "reach"]["values"]) == 7, "forty days are too few for four weeks"
    assert found["a0", "reach"]["totals"] == found["a0", "followers"]["totals"] == [], "neither adds up over days"
    assert [one["days"] for one in found["a0", "totalEngagement"]["totals"]] == [7, 28]
    assert found["a1", "totalEngagement"]["unavailable"] == "too_short"
    assert found["a1", "followers"]["unavailable"] == "no_observation"
    assert found["a0", "followers"]["origin"] == LAST.isoformat()


def sums_of(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["workspace_forecasts"].find(query).sort("_id", 1))


def test_workspace_has_a_forecast_of_the_sum_over_accounts_that_have_one(filled: Store) -> None:
    connect(filled, "a2")
    roll_days(filled, "a2", LAST, {"totalEngagement": weekly(100, seed=2), "reach": weekly(100)})
    report = made(filled)
    found = {one["metric"]: one for one in sums_of(filled)}
    assert found.keys() == {"followers", "totalEngagement"}, "people who are counted once do not add up"
    assert report.sums == 2
    assert (found["totalEngagement"]["accountIds"], found["totalEngagement"]["leftOut"]) == (["a0", "a2"], ["a1"])
    assert found["totalEngagement"]["expected"] == 100, "the history begins where that of the shorter account does"
    assert found["followers"]["accountIds"] == ["a0"]
    (alone,) = documents(filled, accountId="a0", metric="followers")
    assert found["followers"]["values"] == alone["values"]
    each = [documents(filled, accountId=name, metric="totalEngagement")[0] for name in ("a0", "a2")]
    together = [sum(values) for values in zip(*[one["values"] for one in each], strict=True)]
    assert found["totalEngagement"]["values"] == pytest.approx(together, rel=0.1)
    # A sum errs less than its parts do, relative to its value.
    widths = [one["hi80"][0] / one["values"][0] for one in (*each, found["totalEngagement"])]
    assert widths[2] < max(widths[:2])


def test_sum_is_judged_by_the_sum_over_the_same_accounts(filled: Store) -> None:
    made(filled)
    roll_days(filled, "a0", LAST + DAY, {"totalEngagement": [200.0], "followers": [10_900.0]})
    made(filled, DAY_0 + DAY)
    (second,) = sums_of(filled, metric="totalEngagement", day=DAY_0 + DAY)
    assert second["due"]["points"] == 1
    connect(filled, "a2")
    roll_days(filled, "a2", LAST + 2 * DAY, {"totalEngagement": weekly(100, seed=2)})
    roll_days(filled, "a0", LAST + 2 * DAY, {"totalEngagement": [200.0]})
    made(filled, DAY_0 + 2 * DAY)
    (third,) = sums_of(filled, metric="totalEngagement", day=DAY_0 + 2 * DAY)
    assert third["accountIds"] == ["a0", "a2"]
    assert third["due"]["points"] == 0, "what was said of one account is not judged by the sum of two"


def test_sum_leaves_out_a_platform_whose_terms_keep_it_apart(filled: Store) -> None:
    connect(filled, "yt", platform="youtube")
    views = {"totalEngagement": weekly(100, seed=3), "totalViews": weekly(100, seed=4)}
    roll_days(filled, "yt", LAST, views, platform="youtube")
    made(filled)
    found = {one["metric"]: one for one in sums_of(filled)}
    assert found["totalEngagement"]["accountIds"] == ["a0"]
    assert set(found["totalEngagement"]["leftOut"]) == {"a1", "yt"}
    assert found["totalViews"]["accountIds"] == ["yt"], "only engagement mixes platforms"


def test_what_was_said_stays_when_days_change_or_follow(filled: Store) -> None:
    made(filled)
    before = documents(filled)
    filled.rollups.accounts.update_many({"accountId": "a0"}, {"$set": {"aggregatedMetrics.totalEngagement": 5}})
    assert made(filled, late=timedelta(hours=40)).kept == len(before)
    assert documents(filled) == before
    made(filled, DAY_0 + DAY)
    assert documents(filled, day=DAY_0) == before


def test_later_days_in_the_log_do_not_change_what_is_said_of_a_day(filled: Store) -> None:
    roll_days(filled, "a0", LAST + 5 * DAY, {"totalEngagement": [9_999.0] * 5, "followers": [1.0] * 5})
    made(filled)
    with_later = documents(filled)
    filled.db["forecasts"].delete_many({})
    filled.rollups.accounts.delete_many({"periodStart": {"$gt": DAY_0}})
    made(filled)
    assert documents(filled) == with_later


def test_days_that_come_due_are_judged_once_and_move_the_intervals(filled: Store) -> None:
    made(filled)
    (first,) = documents(filled, accountId="a0", metric="totalEngagement")
    roll_days(filled, "a0", LAST + DAY, {"totalEngagement": [first["values"][0] + 0.4 * first["scale"]]})
    report = made(filled, DAY_0 + DAY)
    (second,) = documents(filled, accountId="a0", metric="totalEngagement", day=DAY_0 + DAY)
    assert second["due"] == {
        "points": 1, "inside80": 1, "inside95": 1, "error": pytest.approx(0.4, abs=0.01),
        "expected": first["backtest"]["mase"],
    }  # fmt: skip
    assert report.due["points"] == 1
    assert second["misses"]["80"] > first["misses"]["80"] == 0.2
    # A day without a value is judged by nothing; the day after it by both forecasts, and both miss.
    made(filled, DAY_0 + 2 * DAY)
    roll_days(filled, "a0", LAST + 3 * DAY, {"totalEngagement": [1e6]})
    made(filled, DAY_0 + 3 * DAY)
    (fourth,) = documents(filled, accountId="a0", metric="totalEngagement", day=DAY_0 + 3 * DAY)
    assert (fourth["due"]["points"], fourth["due"]["inside95"]) == (3, 0)
    assert fourth["misses"]["80"] < second["misses"]["80"]
    sums = filled.forecasts.due(DAY_0, DAY_0 + 3 * DAY)
    assert (sums["points"], sums["inside80"]) == (4, 1)


def test_hindcasts_are_marked_and_judged_by_nothing(filled: Store) -> None:
    made(filled, late=10 * DAY)
    assert all(one["hindcast"] for one in documents(filled))
    roll_days(filled, "a0", LAST + DAY, {"totalEngagement": [200.0]})
    assert made(filled, DAY_0 + DAY).due["points"] == 0


def test_days_that_are_open_half_observed_or_of_another_definition_have_no_value(filled: Store) -> None:
    filled.rollups.accounts.update_many(
        {"accountId": "a0", "periodStart": {"$lt": DAY_0 - 40 * DAY}}, {"$set": {"definitionVersion": 1}}
    )
    filled.rollups.accounts.update_one({"accountId": "a0", "periodStart": DAY_0}, {"$set": {"status": "open"}})
    filled.rollups.accounts.update_one(
        {"accountId": "a0", "periodStart": DAY_0 - 3 * DAY}, {"$set": {"coverage.observedSlots": 12}}
    )
    made(filled)
    (counted,) = documents(filled, accountId="a0", metric="totalEngagement")
    (level,) = documents(filled, accountId="a0", metric="followers")
    assert counted["origin"] == level["origin"] == (LAST - DAY).isoformat()
    assert (counted["expected"], counted["observed"], level["observed"]) == (40, 39, 40)
    assert counted["caveats"] == ["newest_days_missing", "history_cut"]
    assert len(counted["values"]) == 7


def test_series_that_fails_does_not_affect_the_others(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = making.say

    def breaks(metric: Any, *rest: Any) -> Any:
        if metric.name == "followers":
            raise ZeroDivisionError
        return real(metric, *rest)

    monkeypatch.setattr(making, "say", breaks)
    report = made(filled)
    assert (report.failed, report.made) == (2, 2)


def test_erasure_and_retention_leave_nothing(filled: Store, redis_client: Redis, settings: Settings) -> None:
    made(filled)
    assert erased(filled, redis_client, "account", "a0")["forecasts"] > 0
    assert {one["accountId"] for one in documents(filled)} == {"a1"}
    assert sums_of(filled) == []
    filled.retention.set("w", Days(rollups=30))
    gone = retention.apply(filled, retention.Horizon.of(filled, settings, DAY_0 + 60 * DAY))
    assert gone["forecasts"] > 0
    assert documents(filled) == []
    connect(filled, "yt", platform="youtube", access="public")
    made(filled)
    said = len(documents(filled, accountId="yt"))
    assert limited.delete_expired(filled, DAY_0 + 60 * DAY)["forecasts"] == said > 0
    assert left_of(filled, "account", "yt") == {"accounts": 1}


def test_event_is_not_lost_if_the_run_dies_before_it_is_announced(filled: Store) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(filled, DAY_0, now=DAY_0 + timedelta(hours=30), run_id="r", announce=killed)
    said = documents(filled)
    refused = sum("unavailable" in one for one in said)
    assert said
    told: list[tuple[Any, ...]] = []

    def announce(*event: Any) -> None:
        told.append(event)

    make(filled, DAY_0 + DAY, now=DAY_0 + timedelta(hours=54), run_id="r", announce=announce)
    assert [(name, day) for name, day, *_ in told] == [("w", DAY_0), ("w", DAY_0 + DAY)]
    assert told[0][2:] == (len(said) - refused, refused)
    told.clear()
    make(filled, DAY_0 + 2 * DAY, now=DAY_0 + timedelta(hours=78), run_id="r", announce=announce)
    assert [day for _, day, *_ in told] == [DAY_0 + 2 * DAY], "nothing was left"


def test_a_run_that_dies_before_it_says_anything_announces_nothing(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(filled.forecasts, "add", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            made(filled)
    told: list[Any] = []
    make(filled, DAY_0 + DAY, now=DAY_0 + timedelta(hours=54), run_id="r", announce=lambda *one: told.append(one[1]))
    assert told == [DAY_0 + DAY]
    assert filled.announcements.pending("forecasts", ["w"]) == []


def test_mark_that_was_made_again_stays(store: Store) -> None:
    first = store.announcements.touch("forecasts", ["w"], DAY_0)
    (again,) = store.announcements.touch("forecasts", ["w"], DAY_0)
    store.announcements.settle(first)
    assert store.announcements.pending("forecasts", ["w", "other"]) == [again]
    assert store.announcements.pending("best_times", ["w"]) == []
    assert left_of(store, "workspace", "w") == {"announcement_marks": 1}
    store.announcements.settle([again])
    assert store.announcements.pending("forecasts", ["w"]) == []
