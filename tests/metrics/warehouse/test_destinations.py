"""What each destination does with a day: it is replaced as a whole, or nothing is changed."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from metrics.warehouse.destination import SchemaConflict, WarehouseRefused, WarehouseUnavailable
from metrics.warehouse.destinations.postgres import PostgresDestination
from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.tables import TABLES
from tests.metrics.warehouse.destinations import (
    DAY,
    NOON,
    OBSERVATIONS,
    Open,
    fingerprint,
    load,
    of,
    open_duckdb,
    row,
    values,
)


@pytest.fixture
def destination(reopen: Open) -> Iterator[SqlDestination]:
    opened = reopen()
    opened.ensure(TABLES)
    yield opened
    opened.close()


def test_a_day_is_replaced_and_no_other(destination: SqlDestination) -> None:
    destination.replace(load(workspace="w2"), of([row(9, workspace="w2")]))
    destination.replace(load(day=DAY + timedelta(days=1)), of([row(8, day=DAY + timedelta(days=1))]))
    destination.replace(load(), of([row(1), row(2, None), row(3)]))
    destination.replace(load(1), of([row(2, 8), row(4, 0)]))
    assert values(destination) == [("p2", 8), ("p4", 0)]
    assert values(destination, "w2") == [("p9", 7)]
    assert values(destination, day=DAY + timedelta(days=1)) == [("p8", 7)]


def test_a_day_without_rows_is_empty_and_stands_in_the_ledger(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1)]))
    destination.replace(load(1), of([]))
    assert values(destination) == []
    (noted,) = destination.loaded("w1")
    assert (noted.rows, noted.read_at) == (0, NOON + timedelta(minutes=1))


def test_what_is_read_back_has_the_hash_of_the_ledger(destination: SqlDestination) -> None:
    loaded = destination.replace(load(), of([row(number, number or None) for number in range(12)]))
    assert loaded is not None
    assert loaded.rows == 12
    assert destination.loaded() == [loaded]
    assert fingerprint(destination.rows(OBSERVATIONS, "w1", DAY)) == loaded.content_hash


def test_rows_that_were_read_earlier_replace_none_that_were_read_later(destination: SqlDestination) -> None:
    destination.replace(load(5), of([row(1, 50)]))
    assert destination.replace(load(4), of([row(1, 40)])) is None
    assert values(destination) == [("p1", 50)]
    assert destination.replace(load(5), of([row(1, 51)])) is not None


def test_a_read_that_fails_midway_changes_nothing(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1)]))

    def broken() -> Iterator[pa.RecordBatch]:
        yield from of([row(2)])()
        raise RuntimeError("the network is gone")

    with pytest.raises(Exception, match="the network is gone"):
        destination.replace(load(1), broken)
    assert values(destination) == [("p1", 7)]
    assert destination.loaded()[0].read_at == NOON
    destination.replace(load(2), of([row(3)]))
    assert values(destination) == [("p3", 7)]


def test_two_rows_with_one_key_are_refused_and_nothing_is_changed(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1)]))
    with pytest.raises(WarehouseRefused, match="nothing was changed"):
        destination.replace(load(1), of([row(2), row(2, 8)]))
    assert values(destination) == [("p1", 7)]


def test_an_account_is_forgotten_with_the_ledger_of_its_days(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1), row(2, account="a2")]))
    destination.replace(load(day=DAY + timedelta(days=1)), of([row(3, account="a2", day=DAY + timedelta(days=1))]))
    assert destination.forget("w1", "a1") == 1
    assert values(destination) == [("p2", 7)]
    assert [one.day for one in destination.loaded()] == [DAY + timedelta(days=1)]


def test_a_workspace_is_forgotten_as_a_whole(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1), row(2)]))
    destination.replace(load(workspace="w2"), of([row(9, workspace="w2")]))
    assert destination.forget("w1") == 2
    assert [one.workspace_id for one in destination.loaded()] == ["w2"]
    assert values(destination, "w2") == [("p9", 7)]


def test_a_new_column_is_added_and_the_rows_stay(reopen: Open, destination: SqlDestination) -> None:
    loaded = destination.replace(load(), of([row(1)]))
    assert loaded is not None
    destination._execute(f"ALTER TABLE {OBSERVATIONS.name} DROP COLUMN shares")
    if isinstance(destination, PostgresDestination):
        destination._execute("COMMIT")
    destination.close()
    again = reopen()
    again.ensure(TABLES)
    assert fingerprint(again.rows(OBSERVATIONS, "w1", DAY)) == loaded.content_hash
    again.close()


@pytest.mark.parametrize(
    ("change", "column", "says"),
    [
        ("ALTER COLUMN likes TYPE DOUBLE PRECISION", "likes", "number in the warehouse, and integer is loaded"),
        ("ALTER COLUMN likes TYPE VARCHAR", "likes", "in the warehouse, and integer is loaded"),
        ("ADD COLUMN mine INTEGER", "mine", "not Tidemark's"),
    ],
)
def test_a_table_that_somebody_changed_is_refused_before_anything_is_written(
    destination: SqlDestination, change: str, column: str, says: str
) -> None:
    destination._execute("DROP TABLE fct_account_day CASCADE")
    destination._execute(f"ALTER TABLE {OBSERVATIONS.name} {change}")
    if isinstance(destination, PostgresDestination):
        destination._execute("COMMIT")
    with pytest.raises(SchemaConflict, match=rf"\.{column}: .*{says}"):
        destination.ensure(TABLES)
    with pytest.raises(WarehouseRefused, match="fct_account_day"), destination._transaction():
        destination._fetch("SELECT 1 FROM fct_account_day")


def test_tables_of_a_newer_version_are_refused(destination: SqlDestination) -> None:
    destination.replace(load(), of([row(1)]))
    destination._execute("UPDATE _tidemark_loads SET schema_version = 99")
    with pytest.raises(SchemaConflict, match=r"newer version of Tidemark .*update Tidemark"):
        destination.ensure(TABLES)


def test_a_file_that_another_process_holds_says_so(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WarehouseUnavailable, match="another process has opened this file: close it there"):
            open_duckdb(tmp_path)()
        assert other.stdin is not None
        other.stdin.close()
    open_duckdb(tmp_path)().close()


def test_a_file_that_is_none_of_duckdb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("CREATE TABLE this is a text" * 1000)
    with pytest.raises(WarehouseRefused, match=r"warehouse\.duckdb"):
        open_duckdb(tmp_path)()


def test_logins_that_postgres_refuses_say_what_to_do_and_show_no_password(postgres_url: str) -> None:
    secret = "secret-of-the-test"
    cases = {
        postgres_url.replace("//dagster", "//nobody"): (WarehouseRefused, "refuses the login"),
        f"{postgres_url.rsplit('/', 1)[0]}/missing": (WarehouseRefused, "no such database"),
        postgres_url.rsplit(":", 1)[0] + ":1/dagster": (WarehouseUnavailable, "does not answer"),
        f"postgresql://dagster:{secret}%zz@127.0.0.1:x/dagster": (
            (WarehouseRefused, WarehouseUnavailable),
            "PostgreSQL",
        ),
    }
    for url, (kind, says) in cases.items():
        with pytest.raises(kind, match=says) as raised:  # type: ignore[call-overload]
            PostgresDestination(url)
        assert secret not in str(raised.value)
        assert raised.value.__cause__ is None
