"""Helper process of `tidemark up`: runs Dagster's jobs over seeded history, and reports its hours as materialised.

python -m tidemark.history roll 2026-01-01T00 2026-02-05T10
python -m tidemark.history report 2026-01-01T00 2026-02-05T10
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, PERIODS, WEEK, period_start, slot_of, starts_between
from pipelines.assets import RAW
from pipelines.definitions import defs
from pipelines.partitions import FIRST_HOUR, period_key, slot_key
from pipelines.runs.tags import RANGE_END, RANGE_START

_WATCHED_FROM = 14 * DAY
"""Hours are watched when there are two weeks of them."""


def roll(instance: dg.DagsterInstance, start: datetime, end: datetime) -> None:
    """Run `aggregate_daily`, then weeks and months, over `[start, end)`, one run each; then say what follows from it.

    Raises:
        RuntimeError: a run failed; Dagster keeps the reason.
    """
    for period in PERIODS:
        _run(instance, f"aggregate_{period}", [period_key(s) for s in starts_between(period, start, end)])
    last = period_start("daily", end) - DAY
    if last >= start:
        _run(instance, "forecast_daily", [period_key(last)])
        days = starts_between("daily", max(start, last - _WATCHED_FROM), end)
        _run(instance, "find_anomalies", [period_key(day) for day in days])
        _run(instance, "forecast_hours", [slot_key(_window_before(end))])
        _run(instance, "decay_daily", [period_key(last)])
        _run(instance, "outlooks_hourly", [slot_key(slot_of(end) - HOUR)])
    week = period_start("weekly", end) - WEEK
    if week >= start:
        _run(instance, "best_times_weekly", [period_key(week)])


def _window_before(end: datetime) -> datetime:
    """Return the start of the newest six hours that had ended, as the schedule `forecast_hours` requests them."""
    day = period_start("daily", end)
    return day + ((end - day) // WINDOW - 1) * WINDOW


def _run(instance: dg.DagsterInstance, name: str, keys: Sequence[str]) -> None:
    tags = {RANGE_START: keys[0], RANGE_END: keys[-1], "tidemark/seeded": "true"}
    result = defs.resolve_job_def(name).execute_in_process(instance=instance, tags=tags)
    if not result.success:
        raise RuntimeError(f"{name} failed: see run {result.run_id}")


def report(instance: dg.DagsterInstance, start: datetime, end: datetime) -> None:
    """Report the partitions (hours) in `[start, end)` as materialised, with the metadata `seeded`, newest first."""
    slot = end - HOUR
    while slot >= max(start, FIRST_HOUR):
        for asset in RAW:
            event = dg.AssetMaterialization(
                asset.key,
                partition=slot_key(slot),
                description="Seeded from the simulator's truth.",
                metadata={"seeded": True},
            )
            instance.report_runless_asset_event(event)
        slot -= HOUR


def main(arguments: list[str]) -> None:
    """Run the task and span of hours given on the command line."""
    task, *instants = arguments
    start, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in instants)
    with dg.DagsterInstance.get() as instance:
        {"roll": roll, "report": report}[task](instance, start, end)


if __name__ == "__main__":
    main(sys.argv[1:])
