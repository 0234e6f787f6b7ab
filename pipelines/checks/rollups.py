"""The check of days, weeks and months, which rollups evaluate themselves."""

from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import Period, period_end, period_start, previous_start
from metrics.store import Store
from pipelines.partitions import period_key
from pipelines.rollup import RollReport


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the checks that a rollup evaluates itself."""
    return [
        dg.AssetCheckSpec(
            "completeness",
            asset=asset,
            description="Every slot that could be observed was, in the newest ended period and those of the run.",
        )
    ]


def result(
    store: Store, asset: str, period: Period, reports: Mapping[datetime, RollReport], *, of_all: bool
) -> dg.AssetCheckResult:
    """Evaluate the check of a run's periods, `reports` by their starts; it rolled all workspaces if `of_all`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    now = utcnow()
    newest = previous_start(period, period_start(period, now))
    judged = sorted({newest, *reports}, reverse=True)
    statuses = store.rollups.statuses(store.accounts.workspaces(), period, judged)
    partial = {start: statuses[start].get("partial", 0) for start in judged}
    # Of an old period that was rolled for some workspaces, nobody says that it had been for the others.
    silent = {
        start: _silent(store, period, start, sum(statuses[start].values()), now)
        for start in judged
        if start == newest or (of_all and not reports[start].left)
    }
    short = [period_key(start) for start in judged if partial[start] + silent.get(start, 0)]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="completeness",
        passed=not short,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"observations are missing in {', '.join(short)}" if short else None,
        metadata={
            "periods_with_gaps": ", ".join(short) or "none",
            "accounts_partial": sum(partial.values()),
            "accounts_without_observation": sum(silent.values()),
            "accounts": sum(report.accounts for report in reports.values()),
            "newest_ended_period": period_key(newest),
        },
    )


def _silent(store: Store, period: Period, start: datetime, rolled: int, now: datetime) -> int:
    """Count the active accounts without a rollup of a period that ended: nothing at all was observed of them."""
    end = period_end(period, start)
    return max(0, store.accounts.count_active(end) - rolled) if end <= now else 0
