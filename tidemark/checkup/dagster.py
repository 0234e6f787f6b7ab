"""Dagster, as its storage tells: a daemon that lives, nothing that was switched off, no run that hangs."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.clock import utcnow
from metrics.errors import TidemarkError
from tidemark.checkup.finding import Finding, Trouble, look
from tidemark.home import Home

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord


def dagster(home: Home) -> Iterator[Finding]:
    """Yield what is to say of Dagster; nothing where it was never started here."""
    folder = Path(os.environ.get("DAGSTER_HOME", home.dagster))
    if not (folder / "dagster.yaml").is_file():
        return
    yield look("Dagster's daemon", lambda: _daemon(folder), "see that `dagster-daemon run` is up, and its log")
    yield look("schedules and sensors", lambda: _switches(folder), "see that Dagster's storage is reachable")
    yield look("runs that hang", lambda: _hanging(folder), "see that Dagster's storage is reachable")


def _daemon(folder: Path) -> str:
    # Dagster takes two seconds to import.
    from dagster import DagsterInstance

    with _storage_errors(), DagsterInstance.from_config(str(folder)) as instance:
        statuses = instance.get_daemon_statuses()
    silent = sorted(kind for kind, status in statuses.items() if status.required and not status.healthy)
    if silent:
        raise Trouble(
            f"no heartbeat of {', '.join(silent).lower().replace('_', ' ')}",
            "nothing is collected without it: `tidemark up` starts it, or see the log of dagster-daemon",
        )
    return "beats"


def _switches(folder: Path) -> str:
    from dagster import DagsterInstance
    from dagster._core.scheduler.instigation import InstigatorStatus

    with _storage_errors(), DagsterInstance.from_config(str(folder)) as instance:
        states = instance.all_instigator_state()
    if off := sorted(state.name for state in states if state.status == InstigatorStatus.STOPPED):
        raise Trouble(f"switched off: {', '.join(off)}", "switch them on in the Dagster UI, under Automation")
    return "all are on"


def _hanging(folder: Path) -> str:
    """Look for runs that are under way for longer than they may be, or that no process works on."""
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    with _storage_errors(), DagsterInstance.from_config(str(folder)) as instance:
        records = instance.get_run_records(RunsFilter(statuses=under_way))
        found = [why for record in records if (why := _why_it_hangs(instance, record))]
    if found:
        raise Trouble("; ".join(found), "terminate it in the Dagster UI if Dagster's monitor has not ended it soon")
    return f"none of {len(records)} under way"


def _why_it_hangs(instance: "DagsterInstance", record: "RunRecord") -> str:
    from dagster._core.launcher import WorkerStatus
    from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG

    run = record.dagster_run
    name = f"{run.job_name} {run.run_id[:8]}"
    since = record.start_time or record.create_timestamp.timestamp()
    took = utcnow().timestamp() - since
    limit = float(run.tags.get(MAX_RUNTIME_SECONDS_TAG, instance.run_monitoring_max_runtime_seconds or math.inf))
    if took > limit:
        return f"{name} has been under way for {took / 60:.0f} minutes, and may take {limit / 60:.0f}"
    launcher = instance.run_launcher
    if launcher.supports_check_run_worker_health:
        health = launcher.check_run_worker_health(run)
        if health.status != WorkerStatus.RUNNING:
            return f"{name}: {health.msg or 'no process works on it'}"
    return ""


class _storage_errors:  # noqa: N801  reads like a function where it is used
    """Turn what Dagster's storage raises when it is out of reach into one line."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is not None and not isinstance(error, TidemarkError) and isinstance(error, Exception):
            raise TidemarkError(f"its storage cannot be read: {type(error).__name__}") from None
