"""The commands `tidemark warehouse`, and what becomes of warehouses when keys are rotated or an account is erased."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metrics.clock import utcnow
from metrics.documents import Observation
from metrics.periods import HOUR, period_start, slot_of
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault, generate_secret_key
from pipelines.rollup import roll
from tests.postgres import Postgres, postgres
from tests.serving.conftest import account
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores

__all__ = ["cli", "on_stores"]


@pytest.fixture
def observed(on_stores: Store) -> Store:
    """Two accounts of one workspace with an observation each, rolled up."""
    on_stores.accounts.put([account("a1", "acme"), account("a2", "acme")])
    at = slot_of(utcnow()) - HOUR
    rows = [
        Observation("acme", one, "instagram", "account", at, at + HOUR, {"followers": 7}, "r", "v")
        for one in ("a1", "a2")
    ]
    on_stores.observations.append(rows)
    roll(on_stores, "daily", [period_start("daily", at)], run_id="r")
    return on_stores


def query(path: Path, statement: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_a_warehouse_is_added_loaded_shown_and_removed(cli: Cli, observed: Store, tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    ran = cli("warehouse", "add", "main", "duckdb", "--path", str(path))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("main: the tables are there; 1 days of workspaces will be loaded")
    (shown,) = json.loads(cli("warehouse", "status", "--json").out)
    assert (shown["name"], shown["kind"], shown["daysToLoad"], shown["lastLoadAt"]) == ("main", "duckdb", 1, None)
    assert cli("warehouse", "test", "main").out == "main: it answers, and its tables are complete\n"
    assert cli("warehouse", "sync", "main").out == "main: 1 days of workspaces, 4 rows\n"
    assert query(path, "SELECT account_id, followers FROM fct_account_day ORDER BY 1") == [("a1", 7), ("a2", 7)]
    (shown,) = json.loads(cli("warehouse", "status", "--json").out)
    assert (shown["daysToLoad"], shown["error"]) == (0, None)
    today = str(utcnow().date())
    assert json.loads(cli("warehouse", "backfill", "main", "--from", today, "--json").out)["daysToLoad"] in (0, 1)
    assert cli("warehouse", "remove", "main", "--yes").out == "main is removed; its tables stay\n"
    assert json.loads(cli("warehouse", "status", "--json").out) == []
    assert observed.warehouse_marks("main").count() == 0
    assert len(query(path, "SELECT 1 FROM fct_account_day")) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "main", "oracle"], "oracle is none of duckdb, postgres"),
        (["add", "Main", "duckdb", "--path", "w.duckdb"], "small letters, digits and hyphens"),
        (["add", "main", "duckdb"], "path: give the absolute path of the file"),
        (["add", "main", "duckdb", "--path", "missing/w.duckdb"], "there is no folder"),
        (["add", "main", "duckdb", "--path", "w.duckdb", "--schema", "s"], "has no such option"),
        (["add", "main", "duckdb", "--path", "w.duckdb", "--workspace", "nowhere"], "no workspace nowhere"),
        (["add", "main", "postgres"], "give the URL of the database"),
        (["add", "main", "postgres", "--url-from", "missing.txt"], "missing.txt: No such file"),
        (["sync", "main"], "no warehouse main"),
        (["backfill", "main", "--from", "2026-01-02", "--to", "2026-01-01"], "2026-01-01 is before 2026-01-02"),
        (["remove", "main", "--yes"], "no warehouse main"),
    ],
)
def test_bad_input_is_refused_in_one_line(cli: Cli, on_stores: Store, words: list[str], says: str) -> None:
    ran = cli("warehouse", *words)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1
    assert on_stores.warehouses.all() == []


def test_a_file_that_cannot_be_opened_is_not_added(cli: Cli, on_stores: Store, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database" * 2000)
    ran = cli("warehouse", "add", "main", "duckdb", "--path", str(tmp_path / "notes.txt"))
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "notes.txt" in ran.err
    assert on_stores.warehouses.all() == []


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("warehouse")
    folder.chmod(0o755)
    with postgres(folder / "data", "secret-of-the-test") as found:
        yield found


def test_postgres_is_loaded_and_its_url_is_sealed_shown_nowhere_and_sealed_again(
    cli: Cli, observed: Store, server: Postgres, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://dagster:{server.password}@127.0.0.1:{server.port}/dagster"
    Path("url.txt").write_text(f"{url}\n")
    ran = cli("warehouse", "add", "main", "postgres", "--url-from", "url.txt", "--schema", "numbers")
    assert (ran.code, ran.err) == (0, "")
    told = [ran.out, cli("warehouse", "sync", "main").out, cli("warehouse", "status").out]
    told.append(cli("warehouse", "status", "--json").out)
    assert "4 rows" in told[1]
    assert not any(server.password in one for one in told)
    assert server.password not in str(observed.warehouses.all())
    new, old = generate_secret_key(), settings.secret_keys[0].get_secret_value()
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", f"{new},{old}")
    cli("keys", "reseal")
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", new)
    assert cli("warehouse", "test", "main").code == 0
    sealed = observed.warehouses.all()[0]["sealed"]
    with pytest.raises(Exception, match="sealed"):
        Vault(settings.secret_keys).open(sealed, "warehouse:main")


def test_an_erased_account_is_in_no_warehouse(cli: Cli, observed: Store, tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    assert cli("warehouse", "add", "main", "duckdb", "--path", str(path)).code == 0
    assert cli("warehouse", "sync", "main").code == 0
    ran = cli("erase", "--account", "a1", "--yes", "--no-dagster", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)[0]["erased"]["warehouses"] == 3
    for table in ("fct_account_day", "fct_observation", "dim_account"):
        assert query(path, f"SELECT DISTINCT account_id FROM {table}") == [("a2",)]
    assert cli("erase", "--workspace", "acme", "--yes", "--no-dagster").code == 0
    assert query(path, "SELECT count(*) FROM fct_account_day") == [(0,)]
    assert query(path, "SELECT count(*) FROM dim_account") == [(0,)]
    # The metrics of the catalog are of no workspace.
    assert query(path, "SELECT dataset FROM _tidemark_loads") == [("dim_metric",)]


def test_an_erasure_waits_for_a_warehouse_that_cannot_be_reached(cli: Cli, observed: Store, tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    assert cli("warehouse", "add", "main", "duckdb", "--path", str(path)).code == 0
    assert cli("warehouse", "sync", "main").code == 0
    kept = path.read_bytes()
    path.write_text("no database" * 2000)
    ran = cli("erase", "--account", "a1", "--yes", "--no-dagster")
    assert ran.code == 1
    assert str(path) in ran.err
    assert [one.name for one in observed.erasures.unfinished()] == ["a1"]
    path.write_bytes(kept)
    assert cli("erase", "--resume", "--no-dagster").code == 0
    assert query(path, "SELECT account_id FROM fct_account_day") == [("a2",)]
    assert observed.erasures.unfinished() == []
