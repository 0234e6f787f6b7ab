"""Old rows of Dagster's storage are deleted, and their disk space is given back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from metrics.periods import midnight
from metrics.settings import load_settings
from pipelines.jobs import first_partitions, purge_history
from pipelines.partitions import period_key
from pipelines.runs.storage import prune, shrink, storage_bytes
from tests.pipelines.deployment import Deployment
from tests.postgres import postgres
from tidemark.stack.ports import HOST

HOURS = dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00")
KEY = dg.AssetKey("raw")
KEYS = [f"2024-03-01-{hour:02}:00" for hour in range(4)]


@dg.asset(partitions_def=HOURS, check_specs=[dg.AssetCheckSpec("whole", asset="raw")])
def raw() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="whole")])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as opened:
        yield opened


def report(instance: dg.DagsterInstance, key: str, text: str = "") -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=key, description=text))


def backfill(backfill_id: str, status: BulkActionStatus) -> PartitionBackfill:
    return PartitionBackfill(
        backfill_id=backfill_id,
        status=status,
        from_failure=False,
        tags={"by": "hand"},
        backfill_timestamp=datetime.now(UTC).timestamp(),
        asset_selection=[KEY],
    )


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def file(instance: dg.DagsterInstance, name: str) -> Path:
    return Path(instance.root_directory) / "history" / "runs" / name


def count(path: Path, table: str = "event_logs", where: str = "run_id = ''") -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])


def test_newest_event_of_a_partition_stays(instance: dg.DagsterInstance) -> None:
    for key in [*KEYS, *KEYS, KEYS[0]]:
        report(instance, key)
    assert (count(file(instance, "index.db")), count(file(instance, ".db"))) == (9, 9)
    assert prune(instance, datetime.now(UTC) - timedelta(hours=1), {}).events == 0
    assert prune(instance, later(), {}).events == 5
    assert (count(file(instance, "index.db")), count(file(instance, ".db"))) == (4, 0)
    assert instance.get_materialized_partitions(KEY) == set(KEYS)
    report(instance, KEYS[1])
    assert instance.get_latest_materialization_event(KEY) is not None


def test_events_of_days_whose_rollups_are_gone_go(instance: dg.DagsterInstance) -> None:
    settings, now, day = load_settings(_env_file=None, rollup_retention_days=60), later(), dg.AssetKey("daily_rollup")
    keys = [period_key(midnight((now - timedelta(days=back)).date())) for back in (90, 61, 60, 1)]
    for key in keys:
        instance.report_runless_asset_event(dg.AssetMaterialization(day, partition=key))
    prune(instance, now, first_partitions(settings, now))
    assert instance.get_materialized_partitions(day) == set(keys[2:])


def test_events_of_partitions_that_are_no_more_go(instance: dg.DagsterInstance) -> None:
    for key in KEYS:
        report(instance, key)
    prune(instance, later(), {KEY: KEYS[2]})
    assert instance.get_materialized_partitions(KEY) == set(KEYS[2:])
    prune(instance, later(), {KEY: "2025-01-01-00:00"})
    assert instance.get_materialized_partitions(KEY) == {KEYS[3]}, "the newest is what the asset's page shows"


def test_event_that_a_run_has_overtaken_goes(instance: dg.DagsterInstance) -> None:
    report(instance, KEYS[0])
    run = dg.materialize([raw], instance=instance, partition_key=KEYS[0])
    assert prune(instance, later(), {}).events == 1
    assert [r.run_id for r in instance.fetch_materializations(KEY, limit=5).records] == [run.run_id]


def test_old_records_of_checks_go_and_the_newest_stays(instance: dg.DagsterInstance) -> None:
    for key in KEYS:
        dg.materialize([raw], instance=instance, partition_key=key)
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
    table = ("asset_check_executions", "1")
    kept = count(file(instance, "index.db"), *table)
    assert kept >= len(KEYS), "Dagster deletes no record of a check"
    assert prune(instance, later(), {}).checks == kept - 1
    assert count(file(instance, "index.db"), *table) == 1


def fill(instance: dg.DagsterInstance) -> int:
    for number in range(12):
        report(instance, KEYS[0], f"{number}" * 1_000_000)
    assert prune(instance, later(), {}).events == 11
    return sum(path.stat().st_size for path in file(instance, "").rglob("*"))


def test_space_is_given_back(instance: dg.DagsterInstance) -> None:
    before = fill(instance)
    shrunk = shrink(instance)
    after = sum(path.stat().st_size for path in file(instance, "").rglob("*"))
    assert (shrunk.busy, before - after >= shrunk.given_back > 15_000_000) == ([], True)
    assert shrink(instance).given_back == 0, "there is nothing left to give"
    assert instance.get_materialized_partitions(KEY) == {KEYS[0]}


def test_file_that_somebody_writes_waits_for_the_next_time(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.storage._BUSY_SECONDS", 0.1)
    fill(instance)
    with closing(sqlite3.connect(file(instance, "index.db"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        shrunk = shrink(instance)
        writer.execute("ROLLBACK")
    assert shrunk.busy == ["index.db"]
    assert shrunk.given_back > 0, "the other file was not in use"
    assert shrink(instance).busy == []


def test_nightly_job_deletes_old_events_and_says_so(
    instance: dg.DagsterInstance, deployment: Deployment, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        report(instance, KEYS[0])
    with closing(sqlite3.connect(file(instance, "index.db"))) as connection, connection:
        connection.execute("UPDATE event_logs SET timestamp = '2024-05-01 00:00:00.000000'")
    ran = purge_history.execute_in_process(instance=instance, resources={"tidemark": deployment.resource})
    assert ran.success
    assert count(file(instance, "index.db")) == 1
    assert "1 events without a run, 0 records of checks and 0 backfills older than 60 days" in capfd.readouterr().err


def test_postgres_is_pruned_alike_and_tells_its_size(tmp_path: Path) -> None:
    with postgres(tmp_path / "postgres", "s3cr3t") as server:
        url = f"postgresql+psycopg2://dagster:s3cr3t@{HOST}:{server.port}/dagster"
        storage = {"postgres": {"postgres_url": url}}
        with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as instance:
            for key in [*KEYS, *KEYS]:
                report(instance, key)
            for key in KEYS:
                dg.materialize([raw], instance=instance, partition_key=key)
            instance.add_backfill(backfill("old", BulkActionStatus.COMPLETED_SUCCESS))
            instance.add_backfill(backfill("running", BulkActionStatus.REQUESTED))
            done = prune(instance, later(), {})
            assert (done.events, done.checks >= len(KEYS) - 1, done.backfills) == (8, True, 1)
            assert instance.get_materialized_partitions(KEY) == set(KEYS)
            assert shrink(instance).given_back == 0, "Postgres does it by itself"
            assert (storage_bytes(instance) or 0) > 1_000_000


def test_backfills_that_have_ended_go(instance: dg.DagsterInstance) -> None:
    instance.add_backfill(backfill("old", BulkActionStatus.CANCELED))
    instance.add_backfill(backfill("running", BulkActionStatus.REQUESTED))
    assert prune(instance, later(), {}).backfills == 1
    assert [one.backfill_id for one in instance.get_backfills()] == ["running"]
    assert prune(instance, datetime.now(UTC) - timedelta(days=1), {}).backfills == 0
