"""Forecasts of hours, six by six: what was said stays, what comes due is judged, and erased accounts leave nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from metrics.catalog import DEFINITION_VERSION
from metrics.documents import Observation
from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace_settings import Days
from metrics.upkeep import limited, retention
from metrics.upkeep.erase import left_of
from pipelines.insights.anomalies.nets import derive_nets
from pipelines.insights.forecasts import make_hours as making
from pipelines.insights.forecasts.make import MakeReport
from pipelines.insights.forecasts.make_hours import make_hours, read_hourly
from tests.erasing import erased
from tests.pipelines.insights.forecasts.hours import growing, hourly, put_hours
from tests.pipelines.insights.forecasts.test_make import connect

END = datetime(2026, 3, 31, 6, tzinfo=UTC)
WEEKS_4 = 4 * 168


def made(store: Store, end: datetime = END, late: timedelta = timedelta(minutes=40)) -> MakeReport:
    return make_hours(store, end - WINDOW, now=end + late, run_id="r")


def documents(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["hourly_forecasts"].find(query).sort("_id", 1))


def sums_of(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["workspace_hourly_forecasts"].find(query).sort("_id", 1))


@pytest.fixture
def filled(store: Store) -> Store:
    connect(store, "a0")
    connect(store, "a1")
    put_hours(store, "a0", END, {"totalEngagement": hourly(WEEKS_4), "followers": growing(WEEKS_4)})
    put_hours(store, "a1", END, {"totalEngagement": hourly(100)})
    return store


def test_each_series_has_a_forecast_or_a_reason(filled: Store) -> None:
    report = made(filled)
    assert (report.workspaces, report.accounts, report.made, report.failed) == (1, 2, 2, 0)
    assert report.sums == 2
    assert report.summary().startswith(
        "2 forecasts of 2 accounts in 1 workspaces, and 2 of the sums of workspaces; refused: 1 no_observation, 1 too_"
    )
    found = {(one["accountId"], one["metric"]): one for one in documents(filled)}
    assert len(found) == 4
    counted, level = found["a0", "totalEngagement"], found["a0", "followers"]
    assert len(counted["values"]) == len(level["values"]) == 48
    assert ([one["days"] for one in counted["totals"]], level["totals"]) == ([24, 48], [])
    assert counted["origin"] == END - HOUR
    assert (counted["trainedFrom"], counted["expected"]) == (END - WEEKS_4 * HOUR, WEEKS_4)
    assert found["a1", "totalEngagement"]["unavailable"] == "too_short"
    assert found["a1", "followers"]["unavailable"] == "no_observation"


def test_workspace_has_a_forecast_of_the_sum_over_accounts_that_have_one(filled: Store) -> None:
    connect(filled, "a2")
    put_hours(filled, "a2", END, {"totalEngagement": hourly(WEEKS_4 - 24, seed=2)})
    report = made(filled)
    assert report.sums == 2
    found = {one["metric"]: one for one in sums_of(filled)}
    of_sum, level = found["totalEngagement"], found["followers"]
    assert (of_sum["accountIds"], of_sum["leftOut"], of_sum["window"]) == (["a0", "a2"], ["a1"], END - WINDOW)
    assert of_sum["expected"] == WEEKS_4 - 24, "the history begins where that of the shorter account does"
    assert level["accountIds"] == ["a0"]
    assert level["values"] == documents(filled, accountId="a0", metric="followers")[0]["values"]
    each = [documents(filled, accountId=name, metric="totalEngagement")[0] for name in ("a0", "a2")]
    together = [sum(values) for values in zip(*[one["values"] for one in each], strict=True)]
    assert of_sum["values"] == pytest.approx(together, rel=0.15)
    inside = [value + 0.1 for value in each[0]["values"][:6]]
    for name, values in (("a0", hourly(WEEKS_4)), ("a2", hourly(WEEKS_4 - 24, seed=2))):
        put_hours(filled, name, END + WINDOW, {"totalEngagement": [*values, *inside]})
    made(filled, END + WINDOW)
    (judged,) = sums_of(filled, metric="totalEngagement", window=END)
    assert judged["due"]["points"] == 6
    assert sums_of(filled, window=END - WINDOW) == [level, of_sum], "what was said stays"


def test_what_was_said_stays_and_later_hours_do_not_change_it(filled: Store) -> None:
    made(filled)
    before = documents(filled)
    filled.db["hourly_forecasts"].delete_many({})
    later = {"totalEngagement": [*hourly(WEEKS_4), *[9_999.0] * 24], "followers": [*growing(WEEKS_4), *[1.0] * 24]}
    put_hours(filled, "a0", END + DAY, later)
    made(filled)
    assert documents(filled) == before
    filled.db["hourly_nets"].delete_many({})
    assert made(filled, late=timedelta(hours=2)).kept == 4
    assert documents(filled) == before


def test_hours_that_come_due_are_judged_once_and_move_the_intervals(filled: Store) -> None:
    made(filled)
    (first,) = documents(filled, accountId="a0", metric="totalEngagement")
    inside = [value + 0.1 for value in first["values"][:6]]
    put_hours(filled, "a0", END + WINDOW, {"totalEngagement": [*hourly(WEEKS_4), *inside], "followers": []})
    report = made(filled, END + WINDOW)
    (second,) = documents(filled, accountId="a0", metric="totalEngagement", window=END)
    assert (second["due"]["points"], second["due"]["inside80"], second["due"]["inside95"]) == (6, 6, 6)
    assert report.due["points"] == second["due"]["points"]
    assert second["misses"]["80"] == pytest.approx(0.2 + 0.02 * 0.2), "the hours of a run are one step"
    sums = filled.hourly_forecasts.due(END - DAY, END)
    assert sums["points"] == second["due"]["points"]


def test_hindcasts_are_marked_and_judged_by_nothing(filled: Store) -> None:
    made(filled, late=timedelta(hours=13))
    assert all(one["hindcast"] for one in documents(filled))
    put_hours(filled, "a0", END + WINDOW, {"totalEngagement": [*hourly(WEEKS_4), *[100.0] * 6]})
    assert made(filled, END + WINDOW).due["points"] == 0


def test_days_of_another_definition_are_left_out(filled: Store) -> None:
    old = {"day": {"$lt": END - 10 * DAY}}
    filled.db["hourly_nets"].update_many({}, {"$set": {"definitionVersion": DEFINITION_VERSION}})
    filled.db["hourly_nets"].update_many(old, {"$set": {"definitionVersion": DEFINITION_VERSION - 1}})
    made(filled)
    (found,) = documents(filled, accountId="a0", metric="followers")
    assert found["unavailable"] == "definition_changed"
    filled.db["hourly_nets"].update_many(old, {"$unset": {"definitionVersion": 1}})
    assert not read_hourly(filled, ["a0"], END)["a0", "followers"].cut, "an older version did not say its definition"


def test_series_that_fails_does_not_affect_the_others(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = making.say_hours

    def breaks(series: Any, earlier: Any, end: Any, smoothed: Any, *rest: Any) -> Any:
        if series is not None and smoothed is None:
            raise ZeroDivisionError
        return real(series, earlier, end, smoothed, *rest)

    monkeypatch.setattr(making, "say_hours", breaks)
    report = made(filled)
    assert (report.failed, report.made) == (2, 1)


def test_levels_and_their_definition_are_derived_from_the_log(store: Store) -> None:
    connect(store, "a0")
    day = END.replace(hour=0)

    store.observations.append(
        Observation(
            metric_type="account", slot=day + hour * HOUR, collected_at=day + (hour + 1) * HOUR,
            metrics={"followers": followers}, workspace_id="w", account_id="a0", platform="instagram", run_id="r",
            api_version="v",
        )
        for hour, followers in ((1, 500), (2, 503), (5, 520))
    )  # fmt: skip
    calendar = store.calendars.of(["w"])["w"].current
    (found,) = derive_nets(store, "w", ["a0"], day, calendar, day + DAY)
    assert found["followers"] == [None, 500, 503, None, None, 520, *[None] * 18], "also after a gap, unlike a gain"
    assert found["nets"]["followers"] == [None, None, 3, *[None] * 21]
    assert found["definitionVersion"] == DEFINITION_VERSION


def test_erasure_and_retention_leave_nothing(filled: Store, redis_client: Redis, settings: Settings) -> None:
    made(filled)
    assert erased(filled, redis_client, "account", "a0")["hourly_forecasts"] == 2
    assert {one["accountId"] for one in documents(filled)} == {"a1"}
    assert sums_of(filled) == []
    filled.retention.set("w", Days(rollups=30))
    assert retention.apply(filled, retention.Horizon.of(filled, settings, END + 60 * DAY))["hourly_forecasts"] == 2
    assert documents(filled) == []
    connect(filled, "yt", platform="youtube", access="public")
    made(filled)
    said = len(documents(filled, accountId="yt"))
    assert limited.delete_expired(filled, END + 60 * DAY)["hourly_forecasts"] == said > 0
    assert left_of(filled, "account", "yt") == {"accounts": 1}


def test_event_is_not_lost_if_the_run_dies_before_it_is_announced(filled: Store) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_hours(filled, END - WINDOW, now=END + HOUR, run_id="r", announce=killed)
    told: list[tuple[Any, ...]] = []

    def announce(*event: Any) -> None:
        told.append(event)

    make_hours(filled, END, now=END + 7 * HOUR, run_id="r", announce=announce)
    assert [(workspace_id, window) for workspace_id, window, *_ in told] == [("w", END - WINDOW), ("w", END)]
    assert told[0][2:] == (2, 2)
    assert filled.announcements.pending("hourly_forecasts", ["w"]) == []
