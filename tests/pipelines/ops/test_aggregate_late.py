"""One run rolls up all marked days, weeks and months; a period that fails is retried, and delays no other."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import Observation
from metrics.periods import DAY, HOUR, midnight, period_start
from pipelines.assets import rollups
from pipelines.ops import aggregate_late
from pipelines.partitions import ROLLUPS, period_key
from pipelines.rollup import RollReport, roll
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(aggregate_late, "RETRIES", dg.RetryPolicy(max_retries=1))
    return Daemon(deployment, instance)


def observe(deployment: Deployment, day: datetime, workspace_id: str = "w", account_id: str = "a0") -> None:
    observation = Observation(
        workspace_id, account_id, "instagram", "account", day, day + HOUR, {"followers": 9}, "r", "v1"
    )
    append_and_mark(deployment.clients.store, [Entry(workspace_id, [observation])])


def observe_two_days(deployment: Deployment) -> tuple[datetime, datetime]:
    """Observe an account on a day of another month and today; return both days."""
    deployment.connect(0)
    today = midnight(deployment.hour.date())
    days = today - 40 * DAY, today
    for day in days:
        observe(deployment, day)
    return days


def rolled(result: dg.ExecuteInProcessResult) -> list[tuple[str, str | None, int]]:
    """The partitions that a run materialised, in order, each with its number of workspaces."""
    found = [e.step_materialization_data.materialization for e in result.get_asset_materialization_events()]
    return [
        (one.asset_key.to_user_string(), one.partition, int(one.metadata["workspaces"].value))  # type: ignore[arg-type]
        for one in found
    ]


def partitions(*days: datetime, workspaces: int = 1) -> list[tuple[str, str | None, int]]:
    """The days, and after them their weeks and months."""
    return [
        (f"{period}_rollup", period_key(start), workspaces)
        for period in ROLLUPS
        for start in (days if period == "daily" else sorted({period_start(period, day) for day in days}))
    ]


def test_one_run_rolls_the_day_its_week_and_its_month_for_the_workspaces_concerned(
    daemon: Daemon, deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0)
    deployment.connect(1, workspaceId="other")
    today = midnight(deployment.hour.date())
    observe(deployment, today)
    (result,) = daemon.evaluate("late_data")
    assert daemon.runs == [("aggregate_late", "")]
    assert rolled(result) == partitions(today)
    for period, definition in ROLLUPS.items():
        key, partition = dg.AssetKey(f"{period}_rollup"), period_key(period_start(period, today))
        assert partition in instance.get_materialized_partitions(key)
        assert partition in definition.get_partition_keys()
        check = dg.AssetCheckKey(key, "completeness")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
        assert record.evaluation is not None
        assert record.evaluation.metadata["accounts"].value == 1
        assert asyncio.run(record.targets_latest_materialization(LoadingContextForTest(instance)))
    assert daemon.evaluate("late_data") == []


def failed(instance: dg.DagsterInstance, asset: str) -> set[str]:
    """The partitions of an asset that Dagster shows as failed."""
    key = dg.AssetKey(asset)
    period: Any = asset.removesuffix("_rollup")
    shown = instance.get_status_by_partition(key, ROLLUPS[period].get_partition_keys(), ROLLUPS[period])
    return {one for one, status in (shown or {}).items() if status is AssetPartitionStatus.FAILED}


def roll_that_fails_at(bad: datetime) -> Callable[..., RollReport]:
    """Return the function `roll`, except that it fails for the period that starts at `bad`."""

    def breaks(store: Any, period: Any, starts: Any, **options: Any) -> RollReport:
        if starts == [bad]:
            raise RuntimeError("no such day")
        return roll(store, period, starts, **options)

    return breaks


def test_period_that_fails_is_red_in_dagster_until_it_is_rolled(
    daemon: Daemon, deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _ = observe_two_days(deployment)
    with monkeypatch.context() as patch:
        patch.setattr(rollups, "roll", roll_that_fails_at(bad))
        daemon.evaluate("late_data")
    assert failed(instance, "daily_rollup") == {period_key(bad)}
    assert failed(instance, "weekly_rollup") == failed(instance, "monthly_rollup") == set()
    daemon.evaluate("late_data")
    assert failed(instance, "daily_rollup") == set()


def test_period_that_fails_keeps_no_other_back_and_is_tried_again_after_a_wait(
    daemon: Daemon, deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, today = observe_two_days(deployment)
    with monkeypatch.context() as patch:
        patch.setattr(rollups, "roll", roll_that_fails_at(bad))
        (result,) = daemon.evaluate("late_data")
        assert not result.success
        for asset, partition, _ in partitions(today):
            assert instance.get_materialized_partitions(dg.AssetKey(asset)) == {partition}
        # Alone, it is other work (another run key) than with the others: it is tried once more, and then waits.
        (alone,) = daemon.evaluate("late_data")
        assert not alone.success
        assert daemon.evaluate("late_data") == []
    assert [mark.start for mark in deployment.clients.store.marks.pending("daily")] == [bad]
    with monkeypatch.context() as patch:
        later = datetime.now(today.tzinfo) + timedelta(minutes=5)
        for module in ("sensors.late_data", "ops.aggregate_late"):
            patch.setattr(f"pipelines.{module}.utcnow", lambda: later)
        (again,) = daemon.evaluate("late_data")
    assert rolled(again) == partitions(bad)


def test_run_that_has_worked_long_enough_leaves_the_rest_to_the_next_one(
    daemon: Daemon, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.connect(0)
    today = midnight(deployment.hour.date())
    days = [today - n * DAY for n in range(3)]
    for day in days:
        observe(deployment, day)
    seconds = iter(range(0, 10_000, 250))
    monkeypatch.setattr(aggregate_late, "monotonic", lambda: float(next(seconds)))
    first, second = daemon.evaluate("late_data"), daemon.evaluate("late_data")
    assert rolled(first[0]) == partitions(*days[:2])[:2]
    assert rolled(second[0])[0] == partitions(days[2])[0]
