"""Helper process of `tidemark up`: rolls up seeded history with Dagster's jobs, and reports its hours as materialised.

python -m tidemark.history roll 2026-01-01T00 2026-02-05T10
python -m tidemark.history report 2026-01-01T00 2026-02-05T10
"""

import sys
from datetime import UTC, datetime

import dagster as dg

from metrics.periods import HOUR, PERIODS, starts_between
from pipelines.assets import RAW
from pipelines.definitions import defs
from pipelines.partitions import FIRST_HOUR, period_key, slot_key
from pipelines.runs.tags import RANGE_END, RANGE_START


def roll(instance: dg.DagsterInstance, start: datetime, end: datetime) -> None:
    """Run `aggregate_daily`, then weeks and months, over `[start, end)`, one run each.

    Raises:
        RuntimeError: a run failed; Dagster keeps the reason.
    """
    for period in PERIODS:
        keys = [period_key(s) for s in starts_between(period, start, end)]
        job = defs.resolve_job_def(f"aggregate_{period}")
        result = job.execute_in_process(
            instance=instance, tags={RANGE_START: keys[0], RANGE_END: keys[-1], "tidemark/seeded": "true"}
        )
        if not result.success:
            raise RuntimeError(f"aggregate_{period} failed: see run {result.run_id}")


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
