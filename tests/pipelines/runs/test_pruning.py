"""Old runs are deleted, and their partitions stay materialised."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.runs.pruning import purge
from tests.waiting import until

KEYS = ["2024-03-01", "2024-03-02"]
DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01")


@dg.asset(partitions_def=DAYS)
def rolled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows only the bare class
    if context.run.tags.get("fails"):
        raise ValueError
    return dg.MaterializeResult(metadata={"rows": 3, "failures": dg.MetadataValue.md("a table")})


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as opened:
        yield opened


def test_partition_stays_materialised_with_its_numbers_after_its_run_is_gone(instance: dg.DagsterInstance) -> None:
    gone = dg.materialize([rolled], instance=instance, partition_key=KEYS[0]).run_id
    dg.materialize([rolled], instance=instance, partition_key=KEYS[1], tags={"fails": "1"}, raise_on_error=False)
    before = datetime.now(UTC)
    kept = dg.materialize([rolled], instance=instance, partition_key=KEYS[1]).run_id
    purged = purge(instance, before)
    assert (purged.runs, purged.partitions) == (2, 1)
    assert [run.run_id for run in instance.get_runs()] == [kept]
    status = instance.get_status_by_partition(rolled.key, KEYS, DAYS)
    assert status is not None
    assert {key: one and one.value for key, one in status.items()} == dict.fromkeys(KEYS, "MATERIALIZED")
    wanted = dg.AssetRecordsFilter(rolled.key, asset_partitions=KEYS[:1])
    (record,) = instance.fetch_materializations(wanted, limit=5).records
    assert record.asset_materialization is not None
    assert {name: value.value for name, value in record.asset_materialization.metadata.items()} == {"rows": 3}
    assert not list(Path(instance.root_directory).rglob(f"*{gone}*"))


def test_partition_with_a_newer_materialisation_is_not_reported_again(instance: dg.DagsterInstance) -> None:
    dg.materialize([rolled], instance=instance, partition_key=KEYS[0])
    before = datetime.now(UTC)
    # SQLite notes the second in which a run was created: the next run must begin in a later one.
    until(lambda: datetime.now(UTC).replace(microsecond=0) > before)
    dg.materialize([rolled], instance=instance, partition_key=KEYS[0])
    purged = purge(instance, before)
    assert purged.runs >= 1
    assert purged.partitions <= 1
    assert len(instance.fetch_materializations(rolled.key, limit=9).records) == 3


def test_purging_stops_when_its_time_is_over(instance: dg.DagsterInstance) -> None:
    dg.materialize([rolled], instance=instance, partition_key=KEYS[0])
    assert purge(instance, datetime.now(UTC) + timedelta(hours=1), seconds=0).runs == 0
