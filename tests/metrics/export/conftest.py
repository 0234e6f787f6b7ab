"""Fixtures: an export folder, a store with a day of two workspaces, and a reader of the export with DuckDB."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metrics.documents import Observation
from metrics.export.folders import Folders
from metrics.settings import Settings
from metrics.store import Store
from tests.serving.documents import account

DAY = datetime(2026, 1, 15, tzinfo=UTC)


def observed(workspace: str, followers: int, hour: int = 10, collected: int = 0) -> Observation:
    slot = DAY + timedelta(hours=hour)
    at = slot + timedelta(hours=1, minutes=collected)
    return Observation(
        workspace, f"a-{workspace}", "instagram", "account", slot, at, {"followers": followers}, "r", "v"
    )


@pytest.fixture
def folders(tmp_path: Path, settings: Settings) -> Folders:
    opened = Folders.open(settings.model_copy(update={"export_url": f"file://{tmp_path}/exports"}))
    assert opened is not None
    return opened


@pytest.fixture
def filled(store: Store) -> Store:
    store.accounts.put([account("a-w1", "w1"), account("a-w2", "w2")])
    store.observations.append([observed("w1", 10), observed("w1", 20, hour=11), observed("w2", 5)])
    return store


def rows(folders: Folders, dataset: str = "metrics") -> list[Any]:
    glob = f"{folders.root}/dataset={dataset}/**/*.parquet"
    return duckdb.execute(
        f"SELECT workspaceId, date, followers FROM read_parquet('{glob}', hive_partitioning = true) ORDER BY ALL"
    ).fetchall()
