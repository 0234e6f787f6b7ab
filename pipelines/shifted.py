"""Run a Dagster command under the stack's shifted clock: `python -m pipelines.shifted dagster instance migrate`.

Dagster reads the time in four ways, and each gets the offset of `metrics.clock`: `dagster._time`, where its own tests
set the time; `time.time`, which dates runs, ticks, heartbeats and log records; `time.time_ns`, which dates log records
from Python 3.13 on; and CURRENT_TIMESTAMP of the database, a default of columns. Processes that such a command spawns,
above all the workers of runs, import this module as their main module and so get the same clock.
"""

import runpy
import sys
import time
from datetime import UTC, datetime
from typing import Any

from metrics.clock import offset
from metrics.errors import TidemarkError

_HOOKS = ("_mockable_get_current_datetime", "_mockable_get_current_timestamp")


class ClockNotKnown(TidemarkError):
    """This version of Dagster reads the time in a way that this module does not know."""


def install() -> None:
    """Give Dagster the clock of the stack in this process; idempotent.

    Raises:
        ClockNotKnown: a function of Dagster that is replaced here no longer exists.
    """
    if not offset() or hasattr(time.time, "shifted"):
        return
    from dagster import __version__, _time

    if missing := [name for name in _HOOKS if not hasattr(_time, name)]:
        raise ClockNotKnown(
            f"Dagster {__version__} has no dagster._time.{missing[0]} any more: `tidemark up --clock` cannot set its "
            "clock; leave --clock out, or install the version that pyproject.toml names"
        )
    wall, wall_ns = time.time, time.time_ns

    def shifted() -> float:
        return wall() + (offset().total_seconds() if _asked_by_dagster() else 0.0)

    def shifted_ns() -> int:
        return wall_ns() + (round(offset().total_seconds() * 1e9) if _asked_by_dagster() else 0)

    shifted.shifted = True  # type: ignore[attr-defined]
    time.time, time.time_ns = shifted, shifted_ns
    _time._mockable_get_current_datetime = lambda: datetime.now(UTC) + offset()
    _time._mockable_get_current_timestamp = lambda: wall() + offset().total_seconds()
    _date_rows()


def _asked_by_dagster() -> bool:
    """Tell whether the caller's caller is Dagster, or `logging`, which dates Dagster's log records.

    Other callers get the machine's time: gRPC, for example, adds seconds to it and waits until the machine's clock
    shows the sum.
    """
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith(("dagster", "logging"))


def _date_rows() -> None:
    """Date the rows of Dagster's storage in Python, because CURRENT_TIMESTAMP is the time of the database's machine."""
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
    from dagster._core.storage.sql import get_sql_current_timestamp
    from sqlalchemy import ColumnDefault

    def now() -> datetime:
        return (datetime.now(UTC) + offset()).replace(tzinfo=None)

    for schema in (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata):
        for table in schema.tables.values():
            for column in table.columns:
                default: Any = column.server_default
                if isinstance(getattr(default, "arg", None), get_sql_current_timestamp):
                    ColumnDefault(now)._set_parent_with_dispatch(column)


def main(arguments: list[str]) -> None:
    """Run a module as `python -m` does; `arguments` are its name and its own arguments."""
    sys.argv = arguments
    # Without `alter_sys`, this module stays the main module: that makes spawned processes import it.
    runpy.run_module(arguments[0], run_name="__main__")


install()

if __name__ == "__main__":
    main(sys.argv[1:])
