"""A process that is killed at any step of a load leaves the day as it was, or as it was to be."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from metrics.warehouse.destinations.sql import SqlDestination
from metrics.warehouse.tables import TABLES
from tests.metrics.warehouse.destinations import DAY, OBSERVATIONS, fingerprint, load, of, row, values
from tests.metrics.warehouse.dying import NEW, connect, die

OLD = [row(number) for number in range(60)]
KILLED = -9
# The server forks a process for each attempt, so that each need not import Arrow and the drivers again.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.metrics.warehouse.dying"])


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    if request.param == "duckdb":
        yield "duckdb", str(tmp_path / "warehouse.duckdb")
    else:
        yield "postgres", f"{request.getfixturevalue('postgres_url')} killed"


def consistent(destination: SqlDestination) -> str:
    """Return the hash of the day, which is that of the ledger, and of as many rows as there are keys."""
    (noted,) = destination.loaded()
    found = values(destination)
    assert len({name for name, _ in found}) == len(found) == noted.rows
    assert fingerprint(destination.rows(OBSERVATIONS, "w1", DAY)) == noted.content_hash
    return noted.content_hash


def test_a_load_that_is_killed_anywhere_changes_nothing_or_everything(place: tuple[str, str]) -> None:
    destination = connect(*place)
    destination.ensure(TABLES)
    old = destination.replace(load(), of(OLD))
    destination.close()
    assert old is not None
    seen: list[str] = []
    new = ""
    exits: list[int | None] = []
    while not exits or exits[-1] == KILLED:
        process = PROCESSES.Process(target=die, args=(*place, len(exits)))
        process.start()
        process.join(60)
        exits.append(process.exitcode)
        destination = connect(*place)
        seen.append(consistent(destination))
        # As the next attempt does: the day is loaded again, whatever became of the first one.
        again = destination.replace(load(2), of(NEW))
        assert again is not None
        new = again.content_hash
        assert consistent(destination) == new
        rewind(destination)
        destination.close()
    assert exits[-1] == 0
    # Killed before the commit, there is what was; killed after it, there is what was to be.
    assert len(seen) > 14
    assert seen == [old.content_hash] * (len(seen) - 2) + [new] * 2


def rewind(destination: SqlDestination) -> None:
    """Bring the day back to what it was at the beginning, so that another load of it can be killed."""
    assert destination.replace(load(2), of(OLD)) is not None
    with destination._transaction():
        destination._execute("UPDATE _tidemark_loads SET read_at = read_at - INTERVAL '2 minutes'")
