"""Checks of Dagster, by its storage: the daemon is alive, nothing is switched off, no run hangs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.errors import TidemarkError
from tidemark.checkup.finding import Finding, Trouble, look
from tidemark.home import Home

if TYPE_CHECKING:
    from dagster import DagsterInstance


def dagster(home: Home) -> Iterator[Finding]:
    """Yield the checks of Dagster; none if it was never started here."""
    folder = Path(os.environ.get("DAGSTER_HOME", home.dagster))
    if not (folder / "dagster.yaml").is_file():
        return
    yield look("Dagster's daemon", lambda: _daemon(folder), "check that `dagster-daemon run` is up, and see its log")
    yield look("schedules and sensors", lambda: _switches(folder), "check that Dagster's storage can be reached")
    yield look("runs that hang", lambda: _hanging(folder), "check that Dagster's storage can be reached")


def _daemon(folder: Path) -> str:
    with _opened(folder) as instance:
        statuses = instance.get_daemon_statuses()
    silent = sorted(kind for kind, status in statuses.items() if status.required and not status.healthy)
    if silent:
        raise Trouble(
            f"no heartbeat of {', '.join(silent).lower().replace('_', ' ')}",
            "nothing is collected without it: `tidemark up` starts it, or see the log of dagster-daemon",
        )
    return "sends heartbeats"


def _switches(folder: Path) -> str:
    from dagster._core.scheduler.instigation import InstigatorStatus

    with _opened(folder) as instance:
        states = instance.all_instigator_state()
    if off := sorted(state.name for state in states if state.status == InstigatorStatus.STOPPED):
        raise Trouble(f"switched off: {', '.join(off)}", "switch them on in the Dagster UI, under Automation")
    return "all are on"


def _hanging(folder: Path) -> str:
    from dagster import RunsFilter

    from pipelines.runs.states import UNDER_WAY
    from pipelines.sensors.hanging_runs import find_hanging_runs

    with _opened(folder) as instance:
        count = instance.get_runs_count(RunsFilter(statuses=UNDER_WAY))
        found = find_hanging_runs(instance)
    if found:
        raise Trouble(
            "; ".join(found),
            "check that Dagster's daemon runs: its monitor ends such runs within some minutes; if it has not, "
            "terminate them in the Dagster UI: runs that a schedule or sensor requested start again by themselves",
        )
    return f"none of {count} under way"


@contextmanager
def _opened(folder: Path) -> Iterator["DagsterInstance"]:
    """Open Dagster's storage, under the clock of the stack.

    Raises:
        TidemarkError: the storage cannot be read.
    """
    # Imported late: Dagster takes two seconds to import.
    from dagster import DagsterInstance

    from pipelines.shifted import install

    install()
    try:
        with DagsterInstance.from_config(str(folder)) as instance:
            yield instance
    except TidemarkError:
        raise
    except Exception as error:  # noqa: BLE001  its storage may raise anything
        raise TidemarkError(f"its storage cannot be read: {type(error).__name__}") from None
