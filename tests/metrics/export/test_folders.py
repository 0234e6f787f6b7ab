"""Parquet folders: DuckDB reads the data of MongoDB, days are replaced completely, and no temporary files remain."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metrics.errors import SettingsError
from metrics.export.folders import Folders, write_day
from metrics.settings import Settings, load_settings
from metrics.store import Store
from tests.metrics.export.conftest import DAY, observed, rows


def files(folders: Folders) -> list[str]:
    return sorted(str(p.relative_to(folders.root)) for p in Path(folders.root).rglob("*") if p.is_file())


def test_duckdb_reads_the_effective_observations(folders: Folders, filled: Store) -> None:
    filled.observations.append([observed("w1", 12, collected=5)])
    write_day(folders, filled, DAY, run_id="r1")
    day = DAY.date()
    assert rows(folders) == [("w1", day, 12), ("w1", day, 20), ("w2", day, 5)]


def test_manifest_has_rows_and_hashes(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1", version=lambda workspace: f"v-{workspace}")
    manifest = json.loads(Path(folders.root, "_manifests/2026-01-15.json").read_text())
    assert manifest["schemaVersion"] == 1
    one, other = manifest["files"]
    assert (one["rows"], one["dataVersion"], one["runId"], other["rows"]) == (2, "v-w1", "r1", 1)
    content = Path(folders.root, one["path"]).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (one["bytes"], one["sha256"])


def test_exporting_again_replaces_the_day_and_leaves_nothing_else(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1")
    before = files(folders)
    filled.observations.append([observed("w1", 30, hour=12)])
    write_day(folders, filled, DAY, run_id="r2")
    assert files(folders) == before
    assert len(rows(folders)) == 4


def test_one_workspace_alone_leaves_the_others_as_they_are(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1")
    filled.observations.append([observed("w1", 30, hour=12), observed("w2", 30, hour=12)])
    write_day(folders, filled, DAY, run_id="r2", workspace_ids=["w1"])
    assert [(e["workspaceId"], e["runId"]) for e in folders.manifest("2026-01-15")] == [("w1", "r2"), ("w2", "r1")]
    assert len(rows(folders)) == 4


def test_files_of_a_workspace_without_accounts_are_removed(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1")
    filled.db["accounts"].delete_one({"_id": "a-w2"})
    write_day(folders, filled, DAY, run_id="r2")
    assert files(folders) == [
        "_manifests/2026-01-15.json",
        "dataset=metrics/workspaceId=w1/date=2026-01-15/data.parquet",
    ]


def test_day_that_mongodb_no_longer_holds_stays_exported(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1")
    filled.db["metrics"].delete_many({"metadata.workspaceId": "w1"})
    written = write_day(folders, filled, DAY, run_id="r2", held=lambda _, workspace: workspace != "w1")
    assert len(rows(folders)) == 3
    assert [e["workspaceId"] for e in written.kept] == ["w1"]


def test_failed_write_leaves_the_previous_file(folders: Folders, filled: Store) -> None:
    write_day(folders, filled, DAY, run_id="r1")

    def broken() -> Any:
        yield b"half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        folders.put(folders.manifest("2026-01-15")[0]["path"], broken())
    assert len(rows(folders)) == 3
    assert "_tmp" not in "".join(files(folders))


def test_other_storage_of_fsspec(filled: Store, settings: Settings) -> None:
    folders = Folders.open(settings.model_copy(update={"export_url": "memory://bucket/exports"}))
    assert folders is not None
    write_day(folders, filled, DAY, run_id="r1")
    write_day(folders, filled, DAY, run_id="r2")
    assert folders.days() == ["2026-01-15"]
    assert {e["runId"] for e in folders.manifest("2026-01-15")} == {"r2"}
    folders.remove(folders.root)


def test_storage_without_a_driver_is_refused_without_its_options() -> None:
    settings = load_settings(_env_file=None, export_url="nosuch://bucket", export_options='{"secret": "s3cr3t"}')
    with pytest.raises(SettingsError, match="TIDEMARK_EXPORT_URL") as refused:
        Folders.open(settings)
    assert "s3cr3t" not in f"{refused.value}{settings!r}"


def test_options_that_are_no_object_stop_the_start() -> None:
    with pytest.raises(SettingsError, match="TIDEMARK_EXPORT_OPTIONS: must be a JSON object"):
        load_settings(_env_file=None, export_options="[1]")


def test_query_of_the_docs_works(folders: Folders, filled: Store) -> None:
    one = {"_id": "one", "workspaceId": "demo-north", "accountId": "a", "platform": "instagram", "period": "daily",
           "periodStart": DAY, "periodEnd": DAY + timedelta(days=1), "status": "complete", "unavailable": {},
           "aggregatedMetrics": {"totalEngagement": 7}, "coverage": {"expectedSlots": 24, "observedSlots": 24},
           "computedAt": DAY, "definitionVersion": 1, "runId": "r"}  # fmt: skip
    filled.db["aggregated_metrics"].insert_one(one)
    write_day(folders, filled, DAY, run_id="r", workspace_ids=["demo-north"])
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
    query = page.split("```sql\n")[1].split("```")[0].replace("exports/", f"{folders.root}/", 1)
    assert duckdb.execute(query).fetchall() == [("instagram", DAY.date(), 7)]
