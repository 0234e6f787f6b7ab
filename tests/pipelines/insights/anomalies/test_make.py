"""Anomalies of days in a row: what is found, corrected, withdrawn and ended; what a person noted stays."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from metrics.documents import Observation
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from metrics.store.insights.hourly_nets import nets_id
from metrics.upkeep.erase import left_of
from pipelines.insights.anomalies import make as making
from pipelines.insights.anomalies.make import FoundReport, find
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.pipelines.insights.forecasts.test_make import connect

LAST = date(2026, 3, 31)
DAY_0 = midnight(LAST)
MORNING = DAY_0 + timedelta(hours=30)


def run(store: Store, day: datetime = DAY_0, now: datetime = MORNING, **options: Any) -> FoundReport:
    return find(store, day, now=now, run_id="r", **options)


def documents(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["anomalies"].find(query).sort("_id", 1))


def put_nets(store: Store, account_id: str, counts: Sequence[float | None], end: datetime, metric: str) -> None:
    """Store nets of the hours until `end`, a midnight; None is an hour without one."""
    for back in range(len(counts) // 24):
        day = end - (back + 1) * DAY
        of_day = counts[len(counts) - 24 * (back + 1) : len(counts) - 24 * back]
        store.hourly_nets.put(
            [
                {
                    "_id": nets_id(account_id, day), "workspaceId": "w", "accountId": account_id, "day": day,
                    "nets": {metric: list(of_day)}, "observed": list(range(24)),
                }
            ]
        )  # fmt: skip


def observe(store: Store, account_id: str, values: dict[datetime, int | None], level: int = 1000) -> None:
    """Store observations of an account and one post of it; None: the post's reading failed."""
    common: dict[str, Any] = {
        "workspace_id": "w", "account_id": account_id, "platform": "instagram", "run_id": "r", "api_version": "v",
    }  # fmt: skip
    rows = []
    for slot, likes in values.items():
        at = slot + HOUR
        rows.append(
            Observation(metric_type="account", slot=slot, collected_at=at, metrics={"followers": level}, **common)
        )
        if likes is not None:
            metrics = {"likes": likes, "comments": 0, "shares": 0, "saves": 0, "views": likes}
            rows.append(
                Observation(
                    metric_type="post", slot=slot, collected_at=at, metrics=metrics, post_id=f"{account_id}-p",
                    platform_post_id="1", content_type="image", **common,
                )
            )  # fmt: skip
    store.observations.append(rows)


def steady(hours: int, level: float = 60.0, seed: int = 1) -> list[float]:
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(hours) / 24)
    return [float(n) for n in np.random.default_rng(seed).poisson(level * season)]


def watch_hours(store: Store, today: Sequence[int], account_id: str = "a0") -> dict[datetime, int | None]:
    """Store eight weeks of nets before the day, and a log of the day in which a post gains these counts by hour."""
    connect(store, account_id)
    put_nets(store, account_id, steady(8 * 7 * 24), DAY_0, "totalViews")
    value, values = 10_000, dict[datetime, int | None]({DAY_0 - HOUR: 10_000})
    for hour, gain in enumerate(today):
        value += gain
        values[DAY_0 + hour * HOUR] = value
    observe(store, account_id, values)
    return values


USUAL = [int(n) for n in steady(24, seed=2)]
SPIKE = [*USUAL[:15], 900, 800, *USUAL[17:]]


def test_a_spike_opens_grows_and_ends(store: Store) -> None:
    watch_hours(store, SPIKE[:16])
    told: list[Any] = []

    def announce(workspace_id: str, changes: Any) -> None:
        told.extend((workspace_id, change, one["observed"], one["status"]) for change, one in changes)

    run(store, now=DAY_0 + timedelta(hours=16, minutes=25), announce=announce)
    (found,) = documents(store)
    assert (found["kind"], found["grain"], found["metric"], found["status"]) == ("spike", "hour", "totalViews", "open")
    assert (found["from"], found["to"]) == (DAY_0 + 15 * HOUR, DAY_0 + 16 * HOUR)
    assert found["lo"] < found["expected"] < found["hi"] < found["observed"] == 900
    assert found["severity"] >= 5
    assert found["evidence"]["posts"] == [{"postId": "a0-p", "value": 900, "share": pytest.approx(1.08, abs=0.1)}]
    assert len(found["evidence"]["history"]) == 48

    observe(store, "a0", {DAY_0 + 16 * HOUR: 10_000 + sum(SPIKE[:17])})
    run(store, now=DAY_0 + timedelta(hours=17, minutes=25), announce=announce)
    store.anomalies.change("w", found["_id"], {"note": "a celebrity"}, ())
    run(store, now=MORNING, announce=announce)
    (after,) = documents(store)
    assert (after["_id"], after["status"], after["note"]) == (found["_id"], "ended", "a celebrity")
    assert (after["observed"], after["to"]) == (1700, DAY_0 + 17 * HOUR)
    assert told == [
        ("w", "opened", 900, "open"), ("w", "updated", 1700, "open"), ("w", "closed", 1700, "ended"),
    ]  # fmt: skip
    assert run(store).changes.total() == 0, "the same numbers give the same anomalies"


def test_a_past_day_that_is_judged_again_leaves_later_anomalies_alone(store: Store) -> None:
    watch_hours(store, SPIKE)
    now = DAY_0 + timedelta(hours=17, minutes=25)
    run(store, now=now)
    before = documents(store)
    assert [one["status"] for one in before] == ["open"]
    for back in (3, 2, 1):
        assert run(store, DAY_0 - back * DAY, now).changes.total() == 0
    assert documents(store) == before


def test_what_was_withdrawn_is_not_opened_again_on_the_next_day(store: Store) -> None:
    watch_hours(store, SPIKE)
    run(store)
    (found,) = documents(store)
    store.db["anomalies"].update_one({"_id": found["_id"]}, {"$set": {"status": "withdrawn"}})
    run(store, DAY_0 + DAY, DAY_0 + timedelta(hours=27, minutes=25))
    assert [one["status"] for one in documents(store)] == ["withdrawn"]


def test_usual_hours_give_nothing(store: Store) -> None:
    watch_hours(store, USUAL)
    report = run(store)
    assert documents(store) == []
    assert report.watched == 1
    assert report.refused["no_observation"] >= 2


def test_late_data_withdraws_an_anomaly(store: Store) -> None:
    watch_hours(store, SPIKE)
    run(store)
    (found,) = documents(store)
    store.db["metrics"].delete_many({"metadata.postId": "a0-p"})
    value, corrected = 10_000, dict[datetime, int | None]({DAY_0 - HOUR: 10_000})
    for hour, gain in enumerate(USUAL):
        value += gain
        corrected[DAY_0 + hour * HOUR] = value
    observe(store, "a0", corrected)
    told: list[Any] = []
    run(store, announce=lambda _, changes: told.extend(changes))
    (after,) = documents(store)
    assert (after["_id"], after["status"]) == (found["_id"], "withdrawn")
    assert [change for change, _ in told] == ["closed"]


@pytest.mark.parametrize("gap", [1, 6, 12])
def test_the_gain_of_a_gap_is_no_anomaly(store: Store, gap: int) -> None:
    values = watch_hours(store, USUAL)
    store.db["metrics"].delete_many({"metadata.accountId": "a0"})
    for hour in range(6, 6 + gap):
        del values[DAY_0 + hour * HOUR]
    observe(store, "a0", values)
    run(store)
    assert documents(store) == []
    nets = store.hourly_nets.between(["a0"], DAY_0, DAY_0 + DAY)[0]
    unknown = [hour for hour, value in enumerate(nets["nets"]["totalViews"]) if value is None]
    assert unknown == list(range(6, 7 + gap)), "the hours of the gap, and the one that has their gain"
    assert nets["observed"] == [hour for hour in range(24) if not 6 <= hour < 6 + gap]


def test_a_day_of_a_whole_platform_is_one_anomaly_and_mutes_the_others(store: Store) -> None:
    """Six of eight accounts in two workspaces fall on one day: each workspace has a record, which mutes the others."""
    for number in range(8):
        connect(store, f"a{number}", workspaceId=f"w{number % 2}")
        counts = weekly(80, seed=number + 1, level=800)
        if number < 6:
            counts[-1] /= 4
        roll_days(store, f"a{number}", LAST, {"totalEngagement": counts}, f"w{number % 2}")
    told: list[Any] = []
    report = run(store, announce=lambda name, changes: told.extend((name, change) for change, _ in changes))
    assert report.kinds["platform"] == 2
    parents = documents(store, kind="platform")
    assert [one["workspaceId"] for one in sorted(parents, key=lambda one: one["workspaceId"])] == ["w0", "w1"]
    for parent in parents:
        assert parent["evidence"] == {"share": 0.75}
        assert "accountId" not in parent
        assert not {"w0", "w1"} - {parent["workspaceId"]} & set(str(parent["evidence"]))
    children = documents(store, scope="account", grain="day")
    assert len(children) == 6
    by_workspace = {one["workspaceId"]: one["_id"] for one in parents}
    assert all(one["mutedBy"] == by_workspace[one["workspaceId"]] for one in children)
    assert run(store).changes.total() == 0
    roll = {"accountId": {"$in": ["a0", "a1", "a2"]}, "periodStart": DAY_0}
    store.rollups.accounts.update_many(roll, {"$set": {"aggregatedMetrics.totalEngagement": 1120}})
    run(store)
    assert {one["status"] for one in documents(store, kind="platform")} == {"withdrawn"}
    assert {one["accountId"]: one["status"] for one in documents(store, grain="day", scope="account")} == {
        **dict.fromkeys(("a0", "a1", "a2"), "withdrawn"), **dict.fromkeys(("a3", "a4", "a5"), "open"),
    }  # fmt: skip
    assert not documents(store, mutedBy={"$exists": True}, status="open")


def test_days_below_what_is_usual_are_a_drop_then_a_shift(store: Store) -> None:
    connect(store, "a0")
    counts = [*weekly(77, level=800), *(n / 3 for n in weekly(3, level=800, seed=4))]
    roll_days(store, "a0", LAST, {"totalEngagement": counts})
    for back in (2, 1, 0):
        run(store, DAY_0 - back * DAY, MORNING - back * DAY)
    (found,) = documents(store)
    assert (found["kind"], found["direction"], found["from"]) == ("shift", "down", DAY_0 - 2 * DAY)
    assert (found["to"], found["status"]) == (DAY_0 + DAY, "open")
    run(store, DAY_0, MORNING + 3 * DAY)
    assert documents(store)[0]["status"] == "ended"


@pytest.mark.parametrize(
    ("change", "cause", "metric"),
    [
        ({"totalEngagement": 0.0, "totalViews": 0.0, "followers": 1078.0}, "frozen", None),
        ({"totalEngagement": None}, "metric_vanished", "totalEngagement"),
    ],
)
def test_what_the_collection_explains_is_no_anomaly_of_the_audience(
    store: Store, change: dict[str, float | None], cause: str, metric: str | None
) -> None:
    connect(store, "a0")
    followers = [1000.0 + n for n in range(80)]
    values = {"totalEngagement": weekly(80), "totalViews": weekly(80, seed=9), "followers": followers}
    roll_days(store, "a0", LAST, values)
    fields = {f"aggregatedMetrics.{name}": value for name, value in change.items() if value is not None}
    gone = {f"aggregatedMetrics.{name}": "" for name, value in change.items() if value is None}
    row = {"accountId": "a0", "periodStart": DAY_0}
    store.rollups.accounts.update_one(row, {"$set": {**fields, "runId": "changed"}, "$unset": gone or {"x": ""}})
    run(store)
    (found,) = documents(store)
    assert (found["kind"], found["evidence"]["cause"], found.get("metric")) == ("collection", cause, metric)


def test_fewer_observed_accounts_are_an_anomaly_of_the_collection(store: Store) -> None:
    for number in range(3):
        connect(store, f"a{number}")
        roll_days(store, f"a{number}", LAST, {"totalEngagement": weekly(40)})
    row = {"accountId": {"$in": ["a0", "a1"]}, "periodStart": DAY_0}
    store.rollups.accounts.update_many(row, {"$set": {"coverage.observedSlots": 4}})
    run(store)
    (found,) = documents(store)
    assert (found["kind"], found["scope"], found["platform"]) == ("collection", "platform", "instagram")
    assert (found["observed"], found["expected"]) == (pytest.approx(32 / 72, abs=1e-3), 1.0)
    store.rollups.accounts.update_many(row, {"$set": {"coverage.observedSlots": 24}})
    run(store)
    assert documents(store)[0]["status"] == "withdrawn", "the hours were collected later"


def test_an_erased_account_leaves_nothing_and_refusals_are_stored(store: Store) -> None:
    connect(store, "a0")
    roll_days(store, "a0", LAST, {"totalEngagement": weekly(10)})
    run(store)
    (watched,) = store.watched.of("w")
    reasons = {one["metric"]: one.get("unavailable") for one in watched["day"]}
    assert reasons["totalEngagement"] == "too_short"
    assert {one["unavailable"] for one in watched["hour"]} == {"no_observation"}
    assert left_of(store, "account", "a0")["watched_series"] == 1
    assert left_of(store, "account", "a0")["hourly_nets"] == 1


def test_the_budget_of_a_workspace_decides_how_much_is_an_alarm(store: Store) -> None:
    assert store.anomalies.budget("w") == 0.25
    store.anomalies.set_budget("w", 2.0)
    assert store.anomalies.budget("w") == 2.0
    store.anomalies.set_budget("w", None)
    assert store.anomalies.budget("w") == 0.25


def test_followers_told_in_tens_from_now_on_are_an_anomaly_of_the_collection(store: Store) -> None:
    connect(store, "a0")
    followers = [*(1000.0 + n for n in range(73)), *(1100.0 + 10 * n for n in range(7))]
    roll_days(store, "a0", LAST, {"followers": followers})
    run(store)
    (found,) = documents(store)
    assert (found["kind"], found["metric"], found["evidence"]["cause"]) == ("collection", "followers", "rounded")


@pytest.mark.parametrize(("lifetime", "causes"), [(10_000, ["lifetime_fell"]), (1_000_000, [])])
def test_views_that_fall_are_an_anomaly_of_the_collection(store: Store, lifetime: int, causes: list[str]) -> None:
    connect(store, "a0")
    roll_days(store, "a0", LAST, {"totalViews": [*weekly(79), -500.0]})
    store.rollups.subjects.insert_one(
        {
            "_id": "p", "subjectId": "p", "accountId": "a0", "workspaceId": "w", "period": "daily",
            "periodStart": DAY_0, "calendarVersion": 0, "metrics": {"views": {"open": lifetime}},
        }
    )  # fmt: skip
    run(store)
    found = [one["evidence"]["cause"] for one in documents(store, kind="collection")]
    assert found == causes


def killed(*_: Any) -> None:
    """Stand for a process that dies when it is about to announce."""
    raise KeyboardInterrupt


def test_an_event_is_not_lost_if_the_run_dies_before_it_is_announced(store: Store) -> None:
    watch_hours(store, SPIKE[:16])
    told: list[Any] = []

    def announce(workspace_id: str, changes: Any) -> None:
        told.extend((workspace_id, change, one["observed"], one["status"]) for change, one in changes)

    with pytest.raises(KeyboardInterrupt):
        run(store, now=DAY_0 + timedelta(hours=16, minutes=25), announce=killed)
    assert [one["status"] for one in documents(store)] == ["open"], "it died after it had written"
    # The next run changes the anomaly, and dies again: the first event was announced before, as it was then.
    observe(store, "a0", {DAY_0 + 16 * HOUR: 10_000 + sum(SPIKE[:17])})

    def announce_once(workspace_id: str, changes: Any) -> None:
        if told:
            raise KeyboardInterrupt
        announce(workspace_id, changes)

    with pytest.raises(KeyboardInterrupt):
        run(store, now=DAY_0 + timedelta(hours=17, minutes=25), announce=announce_once)
    assert told == [("w", "opened", 900, "open")]
    run(store, now=MORNING, announce=announce)
    assert told[1:] == [("w", "updated", 1700, "open"), ("w", "closed", 1700, "ended")]
    run(store, announce=killed)
    assert not documents(store, untold={"$exists": True}), "nothing is left to announce"


def test_an_event_of_a_whole_platform_is_not_lost_either(store: Store) -> None:
    for number in range(6):
        connect(store, f"a{number}")
        counts = weekly(80, seed=number + 1, level=800)
        counts[-1] /= 4
        roll_days(store, f"a{number}", LAST, {"totalEngagement": counts})

    def kill_at_the_platform(_: str, changes: Any) -> None:
        if any(one["kind"] == "platform" for _, one in changes):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, announce=kill_at_the_platform)
    told: list[tuple[str, str]] = []
    run(store, announce=lambda _, changes: told.extend((change, one["kind"]) for change, one in changes))
    assert sorted(told) == [("opened", "platform"), *[("updated", "drop")] * 6]


def test_an_account_that_was_erased_meanwhile_is_not_announced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_hours(store, SPIKE)
    monkeypatch.setattr(making, "take_back", lambda store, _ids: store.db["anomalies"].delete_many({}))
    told: list[Any] = []
    run(store, announce=lambda *_: told.append(1))
    assert told == []
