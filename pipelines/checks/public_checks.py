"""The checks of watched accounts: of the readings of a day, and of the rollups that are derived from them.

They name workspaces and not accounts, because the id of a watched account contains its handle, and Dagster keeps its
events for months.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

import dagster as dg

from metrics.clock import utcnow
from metrics.periods import DAY
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from metrics.watching.own import DISCONNECTED
from pipelines.checks.account_lists import format_accounts
from pipelines.partitions import period_key
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.rollup.compare import compare_with_log
from pipelines.rollup.unexplained import count_unexplained
from pipelines.watching.report import WatchReport

COMPLETENESS = "completeness"
NO_IMPOSSIBLE_VALUES = "no_impossible_values"
EQUALS_LOG = "equals_log"
_WARN = dg.AssetCheckSeverity.WARN
_MOST_NAMED = 20


def raw_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks of the readings of a day."""
    return [
        dg.AssetCheckSpec(
            COMPLETENESS,
            asset=asset,
            description="Every watched account was looked at on the day, and none has to wait.",
        ),
        dg.AssetCheckSpec(
            NO_IMPOSSIBLE_VALUES,
            asset=asset,
            description="The catalog explains every public observation of the day, and none is of the future.",
        ),
    ]


def rollup_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the spec of the check of public rollups."""
    return [
        dg.AssetCheckSpec(
            EQUALS_LOG,
            asset=asset,
            description="The rollups of the days of the run that have ended, and of the newest ended day, are what the "
            "log of public numbers gives.",
        )
    ]


def completeness(
    store: Store, asset: dg.AssetKey, day: datetime, reports: Sequence[WatchReport]
) -> dg.AssetCheckResult:
    """Evaluate whether every watched account was looked at on a day.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    left = [
        one
        for platform in PUBLIC_PLATFORMS
        for one in store.watch_lists.to_look_at(platform, day)
        if one.get("stateReason") != DISCONNECTED
    ]
    recorded = store.public.collections.accounts_with_record(day, day + DAY)
    without = Counter(one["workspaceId"] for one in left if one["_id"] not in recorded)
    waiting = Counter(one["workspaceId"] for one in left if one["_id"] in recorded)
    found = [f"{without.total()} accounts have no record of {period_key(day)}"] if without else []
    found += [f"{waiting.total()} accounts could not be read and have to wait"] if waiting else []
    unforeseen = sorted({place for report in reports for place in report.unforeseen})
    found += [f"an error of Tidemark's own: {place}" for place in unforeseen]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=COMPLETENESS,
        passed=not found,
        severity=_WARN,
        description="; ".join(found) or None,
        metadata={
            "accounts_without_record": without.total(),
            "accounts_waiting": waiting.total(),
            "workspaces": format_accounts({*without, *waiting}),
            "internal_errors": ", ".join(unforeseen) or "none",
        },
    )


def impossible_values(store: Store, asset: dg.AssetKey, day: datetime) -> dg.AssetCheckResult:
    """Evaluate whether the catalog explains the public observations of a day.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    workspaces = store.public.accounts.workspaces()
    found = count_unexplained(store.public, day, day + DAY, workspaces)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=NO_IMPOSSIBLE_VALUES,
        passed=not found.total,
        severity=_WARN,
        description=f"{found.total} observations stay in the log and enter no rollup" if found.total else None,
        metadata={
            "observations": found.total,
            "workspaces": format_accounts({workspace for workspace, _, _ in found.where}),
        },
    )


def equals_log(
    store: Store, asset: dg.AssetKey, days: Collection[datetime], run_id: str, horizon: Horizon
) -> dg.AssetCheckResult:
    """Evaluate whether stored rollups are what a fresh roll-up gives.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    newest = horizon.now.replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    wrong: list[str] = []
    compared = waiting = 0
    for day in sorted({*days, newest}):
        if day + DAY > horizon.now:
            continue
        report = compare_with_log(store.public, day, day + DAY, run_id=run_id, horizon=horizon, now=utcnow())
        compared += report.compared
        waiting += len(report.waiting)
        wrong += [f"{period_key(day)}: {one.kind} in {one.collection}" for one in report.differences]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=EQUALS_LOG,
        passed=not wrong,
        severity=_WARN,
        description=f"{len(wrong)} rollups differ from the log" if wrong else None,
        metadata={
            "compared": compared,
            "differences": len(wrong),
            "to_be_rolled_up_again": waiting,
            "samples": sorted(set(wrong))[:_MOST_NAMED],
        },
    )
