"""The check of days, weeks and months, which is evaluated in runs of the rollups."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import dagster as dg

from metrics.calendars import Calendar, Span
from metrics.clock import utcnow
from metrics.expected import Connection
from metrics.periods import Period, period_start, previous_start
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
    calendars = _by_calendar(store, workspaces)
    for start in judged:
        left = reports[start].left_as_they_are if start in reports else set[str]()
        for calendar, some in calendars.items():
            span = calendar.span(period, start.date())
            statuses = store.rollups.statuses(some, period, span.start, calendar.version)
            partial |= {(account_id, start) for account_id, status in statuses.items() if status == "partial"}
            # An old period that was rolled up for some workspaces may never have been for the others.
            if start == newest or of_all:
                active = store.accounts.connections(sorted(set(some) - left), states=["active"])
                silent |= {(one, start) for one in _expected(active, span, now) - statuses.keys()}
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


def _by_calendar(store: Store, workspaces: Iterable[str]) -> dict[Calendar, list[str]]:
    found: dict[Calendar, list[str]] = {}
    for workspace_id, calendar in store.calendars.of(workspaces).items():
        found.setdefault(calendar.current, []).append(workspace_id)
    return found


def _expected(active: Iterable[Connection], span: Span, now: datetime) -> set[str]:
    """Return the active accounts that are expected in a period; none if it has not ended.

    An account that is paused or waits for a person cannot be collected, and is reported elsewhere.
    """
    if span.end > now:
        return set()
    return {one.account_id for one in active if one.expected(*span.bounds)}
