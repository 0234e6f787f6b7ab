"""The asset `export_warehouse` and the sensor `warehouse_changed`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from metrics.documents import Observation
from metrics.periods import DAY
from metrics.store.workspace.warehouses import WarehouseDocument
from pipelines.assets import ROLLUPS
from pipelines.assets.warehouse import export_warehouse
from pipelines.checks.warehouse_checks import NAME
from pipelines.partitions import period_key
from pipelines.runs.tags import WAREHOUSE
from pipelines.sensors.warehouse_changed import warehouse_changed
from tests.pipelines.deployment import Deployment, check_of, check_passed, materialized

TODAY = datetime(2026, 1, 15, tzinfo=UTC)
KEY = "2026-01-15"


def observe(deployment: Deployment, followers: int, day: datetime = TODAY) -> None:
    account = deployment.connect(0, connectedAt=TODAY - 5 * DAY)
    slot = day + timedelta(hours=5)
    clients = deployment.clients
    clients.store.observations.append(
        [Observation("w", account["_id"], "instagram", "account", slot, slot, {"followers": followers}, "r", "v")]
    )
    clients.store.marks.touch([("w", "daily", day)])
    assert deployment.materialize(ROLLUPS[0], [period_key(day)]).success


def add(deployment: Deployment, path: Path, name: str = "main") -> None:
    warehouse: WarehouseDocument = {
        "_id": name, "kind": "duckdb", "options": {"path": str(path)}, "createdAt": TODAY, "createdBy": "test",
    }  # fmt: skip
    deployment.clients.store.warehouses.put(warehouse)


def requested(deployment: Deployment, instance: dg.DagsterInstance) -> list[Any]:
    with dg.build_sensor_context(instance=instance, resources={"tidemark": deployment.resource}) as context:
        return list(warehouse_changed(context))  # type: ignore[arg-type]


def followers(path: Path) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT date, followers FROM fct_account_day ORDER BY date").fetchall()


def test_changed_day_is_asked_for_loaded_and_asked_for_no_more(
    deployment: Deployment, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    path = tmp_path / "w.duckdb"
    add(deployment, path)
    for number in (10, 30):
        observe(deployment, number)
        (request,) = requested(deployment, instance)
        assert request.partition_key == KEY
        result = deployment.materialize(export_warehouse, [KEY], instance, **request.tags)
        assert result.success
        assert check_passed(result, NAME)
        assert materialized(result)[KEY]["rows_fct_account_day"] == 1
        assert isinstance(requested(deployment, instance)[0], dg.SkipReason)
        assert followers(path) == [(TODAY.date(), number)]


def test_a_warehouse_that_cannot_be_used_holds_none_of_the_others(
    deployment: Deployment, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    path, broken = tmp_path / "w.duckdb", tmp_path / "broken.duckdb"
    broken.write_text("no database" * 2000)
    add(deployment, broken, "broken")
    add(deployment, path, "whole")
    observe(deployment, 10)
    asked = {one.tags[WAREHOUSE]: one for one in requested(deployment, instance)}
    assert set(asked) == {"broken", "whole"}
    result = deployment.materialize(export_warehouse, [KEY], instance, **asked["broken"].tags)
    assert not result.success
    assert deployment.materialize(export_warehouse, [KEY], instance, **asked["whole"].tags).success
    assert followers(path) == [(TODAY.date(), 10)]
    (failure,) = result.get_step_failure_events()
    assert "broken.duckdb" in str(failure.step_failure_data.user_failure_data.description)  # type: ignore[union-attr]
    last = {one["_id"]: one.get("last", {}) for one in deployment.clients.store.warehouses.all()}
    assert "broken.duckdb" in last["broken"]["error"]
    assert "error" not in last["whole"]
    # The failed run is repeated later, and what it could not load waits for it.
    assert isinstance(requested(deployment, instance)[0], dg.SkipReason)
    broken.unlink()
    assert deployment.materialize(export_warehouse, [KEY], instance, **asked["broken"].tags).success
    assert followers(broken) == [(TODAY.date(), 10)]


def test_a_run_by_hand_loads_the_others_when_one_fails(deployment: Deployment, tmp_path: Path) -> None:
    path, broken = tmp_path / "w.duckdb", tmp_path / "broken.duckdb"
    broken.write_text("no database" * 2000)
    add(deployment, broken, "a-broken")
    add(deployment, path, "b-whole")
    observe(deployment, 10)
    assert not deployment.materialize(export_warehouse, [KEY]).success
    assert followers(path) == [(TODAY.date(), 10)]


def test_a_run_by_hand_loads_days_that_are_not_marked(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    observe(deployment, 9, TODAY - DAY)
    observe(deployment, 10)
    add(deployment, path)
    result = deployment.materialize(export_warehouse, ["2026-01-14", KEY])
    assert result.success
    assert {key: found["rows_fct_observation"] for key, found in materialized(result).items()} == {
        "2026-01-14": 1,
        KEY: 1,
    }
    assert len(followers(path)) == 2


def test_no_warehouse_skips_with_a_word(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    (skipped,) = requested(deployment, instance)
    assert "tidemark warehouse add" in skipped.skip_message
    result = deployment.materialize(export_warehouse, [KEY], instance)
    assert result.success
    assert any("there are no warehouses" in event.user_message for event in instance.all_logs(result.run_id))


def test_the_check_tells_what_differs(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(deployment, tmp_path / "w.duckdb")
    observe(deployment, 10)
    from pipelines.assets import warehouse

    def altered(loader: Any, loaded: Any) -> list[str]:
        loader._destination._execute("UPDATE fct_account_day SET followers = 11")
        return original(loader, loaded)

    original = warehouse._differences
    monkeypatch.setattr(warehouse, "_differences", altered)
    result = deployment.materialize(export_warehouse, [KEY])
    found = check_of(result, NAME)
    assert not found.passed
    assert "main: fct_account_day of w on 2026-01-15" in str(found.description)
