"""The check of days, weeks and months, which rollups evaluate themselves."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.expected import Connection
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
    workspaces, active = store.accounts.workspaces(), store.accounts.connections(states=["active"])
    partial, silent = Counter[datetime](), Counter[datetime]()
    for start in judged:
        statuses = store.rollups.statuses(workspaces, period, start)
        partial[start] = list(statuses.values()).count("partial")
        # Of an old period that was rolled for some workspaces, nobody says that it had been for the others.
        if start == newest or (of_all and not reports[start].left):
            silent[start] = _silent(active, statuses, start, period_end(period, start), now)
    short = [period_key(start) for start in judged if partial[start] + silent[start]]
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


def _silent(
    active: Iterable[Connection], rolled: Collection[str], start: datetime, end: datetime, now: datetime
) -> int:
    """Count the active accounts that are expected in a period that ended and have no rollup of it.

    Nothing at all was observed of them. Whoever is paused or waits for a person cannot be collected, and is told of
    elsewhere.
    """
    if end > now:
        return 0
    return sum(1 for one in active if one.account_id not in rolled and one.expected(start, end))
