"""The asset `export_parquet` and the sensor `export_changed`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from metrics.documents import Observation
from metrics.periods import DAY
from metrics.store.rollup.export_marks import ExportMark
from pipelines.assets import ROLLUPS
from pipelines.assets.export import export_parquet
from pipelines.partitions import period_key
from pipelines.resources import Clients
from pipelines.runs.tags import EXPORT
from pipelines.sensors.changed_days import SETTLED, days_to_request
from pipelines.sensors.export_changed import export_changed
from tests.pipelines.deployment import Deployment, materialized

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TODAY = datetime(2026, 1, 15, tzinfo=UTC)


def mark(day: datetime, token: str = "1", workspace: str = "w") -> ExportMark:
    return ExportMark(f"{workspace}|{day:%Y-%m-%d}", workspace, day, token)


@pytest.fixture
def exporting(deployment: Deployment, tmp_path: Path) -> Deployment:
    c = deployment.clients
    there = c.settings.model_copy(update={"export_url": f"file://{tmp_path}/exports"})
    return Deployment(Clients(there, c.store, c.redis, c.announcer), deployment.simulator)


def observe(deployment: Deployment, day: datetime, followers: int) -> None:
    account = deployment.connect(0)
    slot = day + timedelta(hours=5)
    clients = deployment.clients
    clients.store.observations.append(
        [Observation("w", account["_id"], "instagram", "account", slot, slot, {"followers": followers}, "r", "v")]
    )
    clients.store.marks.touch([("w", "daily", day)])


def test_days_that_ended_are_exported_in_rows_of_days() -> None:
    marks = [mark(TODAY - DAY * n) for n in (5, 3, 2, 0)]
    found = days_to_request("export", marks, [], NOON)
    assert [(e.first, e.last) for e in found] == [(TODAY - DAY * 5,) * 2, (TODAY - DAY * 3, TODAY - DAY * 2)]


def test_day_waits_for_its_last_hour_and_for_its_roll() -> None:
    yesterday = mark(TODAY - DAY)
    assert days_to_request("export", [yesterday], [], TODAY + SETTLED - timedelta(seconds=1)) == []
    assert days_to_request("export", [yesterday], [TODAY - DAY], NOON) == []
    assert len(days_to_request("export", [yesterday], [], TODAY + SETTLED)) == 1


def test_run_key_changes_with_the_marks_alone() -> None:
    one, again, more = (days_to_request("export", [mark(TODAY - DAY, t)], [], NOON)[0].run_key for t in "112")
    assert one == again != more


def test_unset_folder_skips_with_a_word(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    result = deployment.materialize(export_parquet, [period_key(TODAY)], instance)
    assert result.success
    assert materialized(result) == {}
    assert any("TIDEMARK_EXPORT_URL is not set" in e.user_message for e in instance.all_logs(result.run_id))


def test_range_is_one_run_with_the_rows_of_each_day(exporting: Deployment) -> None:
    observe(exporting, TODAY - DAY, 10)
    observe(exporting, TODAY, 20)
    found = materialized(exporting.materialize(export_parquet, [period_key(TODAY - DAY), period_key(TODAY)]))
    assert {key: metadata["rows_metrics"] for key, metadata in found.items()} == {"2026-01-14": 1, "2026-01-15": 1}


def test_account_whose_data_are_kept_for_some_days_only_is_in_no_file(exporting: Deployment) -> None:
    """A channel that was connected without a token: files stay, so they must not have its numbers."""
    observe(exporting, TODAY, 20)
    account = exporting.connect(1, platform="youtube", access="public")
    slot = TODAY + timedelta(hours=5)
    said = Observation("w", account["_id"], "youtube", "account", slot, slot, {"followers": 7}, "r", "v")
    exporting.clients.store.observations.append([said])
    found = materialized(exporting.materialize(export_parquet, [period_key(TODAY)]))
    assert {key: metadata["rows_metrics"] for key, metadata in found.items()} == {"2026-01-15": 1}


def test_changed_day_is_asked_for_exported_and_asked_for_no_more(
    exporting: Deployment, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    def asked() -> list[dg.RunRequest]:
        with dg.build_sensor_context(instance=instance, resources={"tidemark": exporting.resource}) as context:
            return [one for one in export_changed(context) if isinstance(one, dg.RunRequest)]  # type: ignore[union-attr]

    for followers in (10, 30):
        observe(exporting, TODAY, followers)
        assert exporting.materialize(ROLLUPS[0], [period_key(TODAY)]).success
        (request,) = asked()
        assert request.partition_key == "2026-01-15"
        exporting.materialize(export_parquet, ["2026-01-15"], instance, **{EXPORT: request.tags[EXPORT]})
        assert asked() == []
    glob = f"{tmp_path}/exports/dataset=aggregated/**/*.parquet"
    assert duckdb.execute(f"SELECT followers FROM read_parquet('{glob}')").fetchall() == [(30,)]
