"""Dagster, as its storage tells: a daemon that lives, nothing that was switched off, no run that hangs."""

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
    """Yield what is to say of Dagster; nothing where it was never started here."""
    folder = Path(os.environ.get("DAGSTER_HOME", home.dagster))
    if not (folder / "dagster.yaml").is_file():
        return
    yield look("Dagster's daemon", lambda: _daemon(folder), "see that `dagster-daemon run` is up, and its log")
    yield look("schedules and sensors", lambda: _switches(folder), "see that Dagster's storage is reachable")
    yield look("runs that hang", lambda: _hanging(folder), "see that Dagster's storage is reachable")


def _daemon(folder: Path) -> str:
    with _opened(folder) as instance:
        statuses = instance.get_daemon_statuses()
    silent = sorted(kind for kind, status in statuses.items() if status.required and not status.healthy)
    if silent:
        raise Trouble(
            f"no heartbeat of {', '.join(silent).lower().replace('_', ' ')}",
            "nothing is collected without it: `tidemark up` starts it, or see the log of dagster-daemon",
        )
    return "beats"


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
    from pipelines.sensors.hanging_runs import hanging

    with _opened(folder) as instance:
        count = instance.get_runs_count(RunsFilter(statuses=UNDER_WAY))
        found = hanging(instance)
    if found:
        raise Trouble(
            "; ".join(found),
            "see that Dagster's daemon runs, whose monitor ends such runs within some minutes; where it has not, "
            "terminate them in the Dagster UI: what a schedule or sensor asked for runs again by itself",
        )
    return f"none of {count} under way"


@contextmanager
def _opened(folder: Path) -> Iterator["DagsterInstance"]:
    """Open Dagster's storage, under the clock of the stack, and say in one line that it is out of reach."""
    # Dagster takes two seconds to import.
    from dagster import DagsterInstance

    from pipelines.shifted import install

    install()
    try:
        with DagsterInstance.from_config(str(folder)) as instance:
            yield instance
    except TidemarkError:
        raise
    except Exception as error:  # noqa: BLE001  whatever its storage raises
        raise TidemarkError(f"its storage cannot be read: {type(error).__name__}") from None
