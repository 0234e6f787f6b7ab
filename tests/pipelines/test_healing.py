"""Sensors alone repair late and missed data: at midnight, for an old hour, after five hours without a daemon."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.documents import Observation
from metrics.periods import DAY, HOUR
from pipelines.assets.raw import raw_asset
from pipelines.partitions import slot_key
from simulator import truth
from tests.pipelines.daemon import Daemon, set_clock
from tests.pipelines.deployment import Deployment, materialized

MIDNIGHT = datetime(2024, 7, 1, tzinfo=UTC)
"""A Monday and the first of a month: day, week and month end at once."""


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance) -> Daemon:
    return Daemon(deployment, instance)


def statuses(daemon: Daemon) -> dict[str, str]:
    """The status of the newest ended rollup of each period."""
    ended = {"periodStart": {"$lt": MIDNIGHT}}
    found = daemon.deployment.clients.store.rollups.accounts.find(ended).sort("periodStart", 1)
    return {row["period"]: row["status"] for row in found}


def test_slot_23_arrives_after_the_daily_run_and_day_week_and_month_become_complete(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.connect(0, connectedAt=MIDNIGHT - 3 * HOUR)
    for before in (2, 1):
        ended = MIDNIGHT - before * HOUR
        set_clock(monkeypatch, deployment, ended)
        daemon.tick("collect_hourly", ended)
    daemon.evaluate_until_quiet("late_data")
    set_clock(monkeypatch, deployment, MIDNIGHT)
    daemon.tick("aggregate_daily", MIDNIGHT)
    assert statuses(daemon)["daily"] == "partial"
    set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(seconds=90))
    daemon.tick("collect_hourly", MIDNIGHT)
    daemon.evaluate_until_quiet("late_data", "missed_hours")
    assert statuses(daemon) == {"daily": "complete", "weekly": "complete", "monthly": "complete"}
    done = len(daemon.runs)
    daemon.tick("aggregate_weekly", MIDNIGHT + HOUR)
    daemon.tick("aggregate_monthly", MIDNIGHT + 2 * HOUR)
    assert daemon.runs[done:] == [("aggregate_weekly", "2024-06-24"), ("aggregate_monthly", "2024-06-01")]
    assert statuses(daemon) == {"daily": "complete", "weekly": "complete", "monthly": "complete"}


def followers(account: dict[str, Any], slot: datetime, number: int) -> Observation:
    return Observation(
        "w", account["_id"], "instagram", "account", slot, slot + HOUR, {"followers": number}, "r", "v25.0"
    )


def test_old_hour_collected_again_rolls_its_day_week_month_and_the_next_observed_day_once(
    deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This deployment's grace is long enough for snapshots of old hours, as for an import of history.
    tolerant = deployment.having(collect_grace_minutes=10**6)
    daemon = Daemon(tolerant, instance)
    tuesday = datetime(2024, 6, 11, tzinfo=UTC)
    account: Any = deployment.connect(0, connectedAt=tuesday - DAY)
    store = deployment.clients.store
    observed = [tuesday - DAY, tuesday, tuesday + 2 * DAY, tuesday + 9 * DAY]
    for number, day in enumerate(observed):
        store.observations.append([followers(account, day + 20 * HOUR, 100 + number)])
        store.marks.touch([("w", "daily", day)])
    set_clock(monkeypatch, deployment, MIDNIGHT)
    daemon.evaluate_until_quiet("late_data")
    daemon.runs.clear()

    key = slot_key(tuesday + 23 * HOUR)
    assert materialized(tolerant.materialize(raw_asset("instagram"), [key], instance))
    (run,) = daemon.evaluate("late_data")
    assert daemon.runs == [("aggregate_late", "")]
    assert run.success
    assert [
        (one.asset_key.to_user_string(), one.partition)
        for event in run.get_asset_materialization_events()
        if (one := event.step_materialization_data.materialization)
    ] == [
        ("daily_rollup", "2024-06-11"),
        ("daily_rollup", "2024-06-13"),
        ("weekly_rollup", "2024-06-10"),
        ("monthly_rollup", "2024-06-01"),
    ]
    assert store.marks.count() == {}
    assert daemon.evaluate("late_data") == []


def test_after_five_hours_without_a_daemon_the_newest_hour_is_collected_first_and_the_rest_is_said(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.connect(0, connectedAt=MIDNIGHT - HOUR)
    for hour in (0, 1):
        set_clock(monkeypatch, deployment, MIDNIGHT + hour * HOUR)
        daemon.tick("collect_hourly", MIDNIGHT + hour * HOUR)
    daemon.runs.clear()
    back = MIDNIGHT + 6 * HOUR
    set_clock(monkeypatch, deployment, back + HOUR / 3)
    (newest,) = daemon.tick("collect_hourly", back)
    daemon.evaluate_until_quiet("missed_hours", "late_data")
    collected = [partition for job, partition in daemon.runs if job == "collect_hourly"]
    assert collected == ["2024-07-01-05:00", "2024-07-01-01:00…2024-07-01-04:00"]
    (metadata,) = materialized(newest, "raw_instagram").values()
    assert "not_recoverable" not in metadata
    records = {r["slot"].hour: r for h in range(1, 6) for r in daemon.deployment.clients.store.collections.of_slot(
        MIDNIGHT + h * HOUR)}  # fmt: skip
    assert [hour for hour, record in sorted(records.items()) if "notRecoverable" in record] == [1, 2, 3, 4]
    assert statuses(daemon)["daily"] == "complete"
    today = daemon.deployment.clients.store.rollups.accounts.find_one({"period": "daily", "periodStart": MIDNIGHT})
    assert today is not None
    assert today["coverage"] == {"expectedSlots": 6, "observedSlots": 2}


def states(deployment: Deployment, slot: datetime) -> dict[str, str]:
    """The states of the accounts' records in an hour."""
    return {row["accountId"]: row["state"] for row in deployment.clients.store.collections.of_slot(slot)}


def collected(daemon: Daemon) -> list[str]:
    """The partitions of the collecting runs, in order."""
    return [partition for job, partition in daemon.runs if job == "collect_hourly"]


def test_hour_that_was_collected_by_half_is_completed_for_the_accounts_without_a_record_alone(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(4):
        deployment.connect(index, connectedAt=MIDNIGHT - 3 * HOUR)
    slot, end = MIDNIGHT - HOUR, MIDNIGHT
    for before in (2, 1, 0):
        set_clock(monkeypatch, deployment, MIDNIGHT - before * HOUR + timedelta(minutes=1))
        if before:
            daemon.tick("collect_hourly", MIDNIGHT - before * HOUR)
    # The state after «Terminate»: one account of four has a record.
    deployment.clients.collector().collect("instagram", slot, run_id="cut", account_ids=["a0"])
    deployment.simulator.client.delete("/_control/calls")
    daemon.runs.clear()
    set_clock(monkeypatch, deployment, end + timedelta(minutes=20))
    (result,) = daemon.evaluate("missed_hours")
    assert collected(daemon) == ["2024-06-30-23:00"]
    assert states(deployment, slot) == dict.fromkeys(("a0", "a1", "a2", "a3"), "collected")
    asked = deployment.simulator.calls()["byAccount"].keys()
    assert asked == {deployment.clients.store.accounts.get(f"a{n}")["platformAccountId"] for n in (1, 2, 3)}
    (metadata,) = materialized(result, "raw_instagram").values()
    assert (metadata["accounts_ok"], metadata["accounts_of_this_run"], metadata["complete_percent"]) == (4, 3, 100)
    assert daemon.evaluate("missed_hours") == []


@pytest.mark.parametrize(
    ("trouble", "latest"),
    # The limit ends about when the first round begins, so possibly only the second round succeeds.
    [({"kind": "error"}, 7), ({"kind": "account_limit", "seconds": 300}, 17), ({"kind": "cut"}, 7)],
    ids=["outage", "limit", "cut"],
)
def test_what_fails_at_the_full_hour_is_read_within_the_grace(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any], latest: int
) -> None:
    for index in range(3):
        deployment.connect(index, connectedAt=MIDNIGHT - HOUR)
    slot = MIDNIGHT - HOUR
    set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(seconds=2))
    deployment.simulator.set_faults(trouble)
    daemon.tick("collect_hourly", MIDNIGHT)
    assert set(states(deployment, slot).values()) == {"failed"}
    deployment.simulator.set_faults()
    for minute in range(3, 60):
        set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(minutes=minute))
        daemon.evaluate("retry_failed")
        daemon.evaluate("missed_hours")
        if set(states(deployment, slot).values()) == {"collected"}:
            break
    assert 5 <= minute <= latest
    assert set(collected(daemon)) == {"2024-06-30-23:00"}
    store = deployment.clients.store
    rows = store.db["metrics"].find({"timestamp": slot, "metadata.metricType": "account"})
    found = {row["metadata"]["accountId"]: row["metrics"]["followers"] for row in rows if "followers" in row["metrics"]}
    world = deployment.simulator.world
    assert found == {
        f"a{n}": truth.account_value(
            world, world.account("instagram", n), "followers_count", MIDNIGHT + timedelta(minutes=minute)
        )
        for n in range(3)
    }


def test_account_that_waits_for_a_person_is_not_asked_again_within_the_grace(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.connect(0, connectedAt=MIDNIGHT - HOUR)
    deployment.connect(1, connectedAt=MIDNIGHT - HOUR)
    set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(seconds=2))
    account = deployment.clients.store.accounts.get("a1")["platformAccountId"]
    deployment.simulator.set_faults({"kind": "expired_token", "account": account})
    daemon.tick("collect_hourly", MIDNIGHT)
    daemon.runs.clear()
    for minute in (6, 16, 41):
        set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(minutes=minute))
        daemon.evaluate("retry_failed")
        daemon.evaluate("missed_hours")
    assert daemon.runs == []


def test_outage_that_lasts_costs_few_calls_and_its_hour_tells_the_reason(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(60):
        deployment.connect(index, connectedAt=MIDNIGHT - HOUR)
    set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(seconds=2))
    deployment.simulator.set_faults({"kind": "error"})
    deployment.simulator.client.delete("/_control/calls")
    daemon.tick("collect_hourly", MIDNIGHT)
    first = sum(deployment.simulator.calls()["byAccount"].values())
    for minute in range(3, 60, 4):
        set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(minutes=minute))
        daemon.evaluate("retry_failed")
        daemon.evaluate("missed_hours")
    assert collected(daemon) == ["2024-06-30-23:00"] * 4
    calls = sum(deployment.simulator.calls()["byAccount"].values())
    assert calls <= 4 * first
    records = deployment.clients.store.collections.of_slot(MIDNIGHT - HOUR)
    assert {(one["state"], one.get("reason")) for one in records} == {("failed", "provider_error")}
    assert sum("not requested" in one.get("message", "") for one in records) >= 20


def test_backfilled_hour_of_accounts_that_were_connected_later_says_that_it_brought_nothing(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0, connectedAt=MIDNIGHT - 30 * HOUR)
    set_clock(monkeypatch, deployment, MIDNIGHT - 9 * HOUR + timedelta(minutes=1))
    daemon.tick("collect_hourly", MIDNIGHT - 9 * HOUR)
    for index in range(1, 5):
        deployment.connect(index, connectedAt=MIDNIGHT - 2 * HOUR)
    set_clock(monkeypatch, deployment, MIDNIGHT)
    observed, empty = slot_key(MIDNIGHT - 10 * HOUR), slot_key(MIDNIGHT - 11 * HOUR)
    for key, percent in ((observed, 100), (empty, 0)):
        result = deployment.materialize(raw_asset("instagram"), [key], instance)
        (metadata,) = materialized(result).values()
        assert (metadata["accounts_expected"], metadata["complete_percent"]) == (1, percent)
        assert (metadata["dagster/partition_row_count"] > 0) == bool(percent)
        assert metadata["accounts_of_this_run"] == 5
