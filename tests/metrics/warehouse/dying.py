"""A process that loads a day and kills itself at a chosen step: before a statement, or within an upload."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from metrics.warehouse.destinations.duckdb import DuckDbDestination
from metrics.warehouse.destinations.postgres import PostgresDestination
from metrics.warehouse.destinations.sql import SqlDestination
from tests.metrics.warehouse.destinations import load, of, row

STEPS = ("_begin", "_execute", "_fetch", "_stage", "_unstage", "_lock", "_commit")
NEW = [row(number, 100 + number) for number in range(40, 90)]
"""The rows of the load that is killed."""


def connect(kind: str, place: str) -> SqlDestination:
    """Open a destination; `place` is a file of DuckDB, or a URL and a schema of PostgreSQL with a space between."""
    return DuckDbDestination(Path(place)) if kind == "duckdb" else PostgresDestination(*place.split(" "))


class _Dying:
    """Counts steps, and ends the process before the chosen one."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0

    def step(self) -> None:
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps += 1

    def before(self, call: Any) -> Any:
        def stepped(*arguments: Any) -> Any:
            self.step()
            return call(*arguments)

        return stepped

    def uploading(self) -> Iterator[pa.RecordBatch]:
        for batch in of(NEW)():
            for start in range(0, batch.num_rows, 10):
                self.step()
                yield batch.slice(start, 10)


def die(kind: str, place: str, at: int) -> None:
    """Load `NEW` and die before step `at`; end with exit code 0 if there are fewer steps."""
    destination, dying = connect(kind, place), _Dying(at)
    for name in STEPS:
        setattr(destination, name, dying.before(getattr(destination, name)))
    destination.replace(load(1), dying.uploading)
    dying.step()
    destination.close()
