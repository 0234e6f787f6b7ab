"""The check of days, weeks and months, which is evaluated in runs of the rollups."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.expected import Connection
from metrics.periods import Period, period_end, period_start, previous_start
from metrics.store import Store
from pipelines.checks.account_lists import format_accounts
from pipelines.partitions import period_key
from pipelines.rollup import RollReport

AccountPeriod = tuple[str, datetime]
"""An account and the start of a period."""


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a rollup evaluates."""
    return [
        dg.AssetCheckSpec(
            "completeness",
            asset=asset,
            description="In the newest ended period and those of the run, every expected slot of an account was "
            "observed.",
        )
    ]


def result(
    store: Store, asset: str, period: Period, reports: Mapping[datetime, RollReport], *, of_all: bool
) -> dg.AssetCheckResult:
    """Evaluate the check for a run's periods.

    `reports` has the run's reports by the starts of the periods. `of_all` says that it rolled up all workspaces.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    now = utcnow()
    newest = previous_start(period, period_start(period, now))
    judged = sorted({newest, *reports}, reverse=True)
    workspaces = store.accounts.workspaces()
    partial: set[AccountPeriod] = set()
    silent: set[AccountPeriod] = set()
    for start in judged:
        statuses = store.rollups.statuses(workspaces, period, start)
        partial |= {(account_id, start) for account_id, status in statuses.items() if status == "partial"}
        # An old period that was rolled up for some workspaces may never have been for the others.
        if start == newest or of_all:
            left = reports[start].left_as_they_are if start in reports else ()
            active = store.accounts.connections(sorted(set(workspaces).difference(left)), states=["active"])
            silent |= _expected(active, start, period_end(period, start), now) - {(one, start) for one in statuses}
    with_gaps = {start for _, start in partial | silent}
    short = [period_key(start) for start in judged if start in with_gaps]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="completeness",
        passed=not short,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"observations are missing in {', '.join(short)}" if short else None,
        metadata={
            "periods_with_gaps": ", ".join(short) or "none",
            "accounts_partial": len(partial),
            "accounts_without_observation": len(silent),
            "without_observation": format_accounts({account_id for account_id, _ in silent}),
            "accounts": sum(report.accounts for report in reports.values()),
            "newest_ended_period": period_key(newest),
        },
    )


def _expected(active: Iterable[Connection], start: datetime, end: datetime, now: datetime) -> set[AccountPeriod]:
    """Return the active accounts that are expected in a period; none if it has not ended.

    An account that is paused or waits for a person cannot be collected, and is reported elsewhere.
    """
    if end > now:
        return set()
    return {(one.account_id, start) for one in active if one.expected(start, end)}
