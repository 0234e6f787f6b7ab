"""The dbt package: its tests pass over a warehouse, and its incremental models follow every change of the ledger."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from redis import Redis

from metrics.catalog import LEVEL_BASIS
from metrics.documents import Observation
from metrics.periods import DAY
from metrics.settings import Settings
from metrics.store import Store
from metrics.warehouse.forget import forget
from metrics.warehouse.marking import mark_stored
from metrics.warehouse.tables import LEDGER, TABLES
from tests.metrics.warehouse.destinations import NOON
from tests.metrics.warehouse.test_loader import add, forever, load_marked
from tests.pipelines.rollup.worlds import World, account

__all__ = ["forever"]
ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "deploy" / "dbt" / "tidemark"
DBT = ROOT / ".venv" / "apart" / "dbt" / "bin" / "dbt"
CONNECTED = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT_SECONDS = 300


def test_the_sources_are_the_tables_with_tests_of_their_keys() -> None:
    (source,) = yaml.safe_load((PACKAGE / "models" / "sources.yml").read_text())["sources"]
    found = {
        one["name"]: (
            one["description"],
            tuple(one["data_tests"][0]["unique_together"]["arguments"]["columns"]),
            tuple(column["name"] for column in one["columns"] if column["data_tests"] == ["not_null"]),
        )
        for one in source["tables"]
    }
    assert found == {one.name: (one.meaning, one.key, one.key) for one in (*TABLES, LEDGER)}


def test_the_models_know_the_levels_that_are_a_basis() -> None:
    assert set(LEVEL_BASIS.values()) == {"followers"}


def dbt(folder: Path, path: Path, command: str) -> None:
    output: dict[str, Any] = {"type": "duckdb", "path": str(path), "schema": "marts", "threads": 1}
    profile = {"tidemark": {"target": "test", "outputs": {"test": output}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    places = [
        "--profiles-dir",
        str(folder),
        "--target-path",
        str(folder / "target"),
        "--log-path",
        str(folder / "logs"),
    ]
    chosen = ["--project-dir", str(PACKAGE), "--vars", "{tidemark_schema: main}"]
    ran = subprocess.run(
        [DBT, *command.split(), *places, *chosen],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**os.environ, "DO_NOT_TRACK": "1"},
    )
    assert ran.returncode == 0, ran.stdout[-5000:]


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def check_models(path: Path) -> None:
    """Compare the incremental models with the tables of which they are made."""
    for model, table in (("account_days", "fct_account_day"), ("post_days", "fct_post_day")):
        columns = f"SELECT * EXCLUDE (partition_hash) FROM marts.{model}"
        assert rows(path, f"({columns}) EXCEPT ALL FROM {table}") == []
        assert rows(path, f"FROM {table} EXCEPT ALL ({columns})") == []


@pytest.mark.skipif(not DBT.exists(), reason="dbt is not installed: make dbt")
def test_models_follow_late_data_and_erasures(
    store: Store, forever: Settings, redis_client: Redis, tmp_path: Path
) -> None:
    accounts = [account(name, "w", "instagram", CONNECTED) for name in ("a1", "a2")]
    world = World("w", accounts, [], [], CONNECTED, NOON)
    warehouse = add(store, tmp_path, "mine")
    path = Path(warehouse["options"]["path"])

    def observe(name: str, day: int, followers: int, metric: str = "followers") -> None:
        at = datetime(2026, 1, day, 5, tzinfo=UTC)
        world.append(store, [Observation("w", name, "instagram", "account", at, at, {metric: followers}, "r", "v")])

    def load_and_build(command: str = "run") -> None:
        world.roll_marked(store)
        load_marked(store, forever, redis_client, warehouse)
        dbt(tmp_path, path, command)
        check_models(path)

    world.write(store, [])
    for day in (8, 9, 10):
        observe("a1", day, day)
        observe("a2", day, 100 + day)
    load_and_build("build")
    dbt(tmp_path, path, "source freshness")
    query = "SELECT date, partition_hash FROM marts.account_days WHERE account_id = 'a2' ORDER BY date"
    before = dict(rows(path, query))
    assert len(before) >= 3
    # A day of the past changes, and the day after it, which begins with its followers.
    observe("a1", 8, 80, "following")
    observe("a1", 9, 90)
    load_and_build()
    after = dict(rows(path, query))
    assert after.keys() == before.keys()
    assert after[(CONNECTED + 8 * DAY).date()] != before[(CONNECTED + 8 * DAY).date()]
    forget(store, forever, redis_client, "w", ["a2"], 5.0)
    dbt(tmp_path, path, "run")
    # The days of the erased account wait to be loaded again; no model has a row of it.
    assert rows(path, query) == []
    store.deletion.delete("aggregated_metrics", {"accountId": "a2"})
    mark_stored(store, warehouse)
    load_and_build("build")
    assert rows(path, "SELECT DISTINCT account_id FROM marts.account_days") == [("a1",)]
