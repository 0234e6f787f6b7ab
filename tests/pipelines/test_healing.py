"""What comes late or was missed is made good by sensors alone: midnight, an old hour, five hours without a daemon."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.documents import Observation
from metrics.periods import DAY, HOUR
from pipelines.assets.raw import raw_asset
from pipelines.partitions import slot_key
from tests.pipelines.daemon import Daemon, set_clock
from tests.pipelines.deployment import Deployment, materialized

MIDNIGHT = datetime(2024, 7, 1, tzinfo=UTC)
"""A Monday and the first of a month: day, week and month end at once."""


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance) -> Daemon:
    return Daemon(deployment, instance)


def statuses(daemon: Daemon) -> dict[str, str]:
    """The status of the newest ended rollup of each period."""
    found = daemon.deployment.clients.store.rollups.accounts.find({"periodStart": {"$lt": MIDNIGHT}})
    return {row["period"]: row["status"] for row in found}


def test_slot_23_arrives_after_the_daily_run_and_day_week_and_month_become_complete(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.connect(0, connectedAt=MIDNIGHT - 3 * HOUR)
    for before in (2, 1):
        ended = MIDNIGHT - before * HOUR
        set_clock(monkeypatch, deployment, ended)
        daemon.tick("collect_hourly", ended)
    daemon.visit_until_quiet("late_data")
    set_clock(monkeypatch, deployment, MIDNIGHT)
    daemon.tick("aggregate_daily", MIDNIGHT)
    assert statuses(daemon)["daily"] == "partial"
    set_clock(monkeypatch, deployment, MIDNIGHT + timedelta(seconds=90))
    daemon.tick("collect_hourly", MIDNIGHT)
    daemon.visit_until_quiet("late_data", "missed_hours")
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
    # Far back snapshots are taken in this deployment: whoever imports history may do so.
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
    daemon.visit_until_quiet("late_data")
    daemon.runs.clear()

    key = slot_key(tuesday + 23 * HOUR)
    assert materialized(tolerant.materialize(raw_asset("instagram"), [key], instance))
    daemon.visit_until_quiet("late_data")
    assert daemon.runs == [
        ("aggregate_daily", "2024-06-11"),
        ("aggregate_daily", "2024-06-13"),
        ("aggregate_weekly", "2024-06-10"),
        ("aggregate_monthly", "2024-06-01"),
    ]
    assert store.marks.count() == {}


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
    daemon.visit_until_quiet("missed_hours", "late_data")
    collected = [partition for job, partition in daemon.runs if job == "collect_hourly"]
    assert collected == [f"2024-07-01-0{hour}:00" for hour in (5, 4, 3, 2, 1)]
    (metadata,) = materialized(newest, "raw_instagram").values()
    assert "not_recoverable" not in metadata
    records = {r["slot"].hour: r for h in range(1, 6) for r in daemon.deployment.clients.store.collections.of_slot(
        MIDNIGHT + h * HOUR)}  # fmt: skip
    assert [hour for hour, record in sorted(records.items()) if "notRecoverable" in record] == [1, 2, 3, 4]
    assert statuses(daemon)["daily"] == "complete"
    today = daemon.deployment.clients.store.rollups.accounts.find_one({"period": "daily", "periodStart": MIDNIGHT})
    assert today is not None
    assert today["coverage"] == {"expectedSlots": 6, "observedSlots": 2}
