"""Asset checks: what turns red where a data engineer looks first.

`completeness` and the value checks are evaluated with the partition, by the asset itself; `freshness` asks MongoDB,
because Dagster's own policy takes any backfilled hour for a sign of life.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from metrics.clock import isoformat, utcnow
from metrics.documents import Platform, Problem
from metrics.periods import HOUR
from metrics.store import Store
from pipelines.collect.report import CollectReport
from pipelines.failures import told_plainly
from pipelines.partitions import slot_key
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import RollReport, Unexplained, Where, unexplained

STALE_AFTER = timedelta(hours=2)
"""An hour is collected within minutes of its end: an observation older than this means that collection stands still."""

_AHEAD = timedelta(days=3650)
"""How far into the future a wrong clock is looked for."""

_WARN = dg.AssetCheckSeverity.WARN


def raw_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the checks that a raw asset evaluates itself."""
    return [
        dg.AssetCheckSpec("completeness", asset=asset, description="Every active account was collected."),
        dg.AssetCheckSpec("no_future_timestamps", asset=asset, description="No slot has yet to begin."),
        dg.AssetCheckSpec(
            "no_impossible_values", asset=asset, description="Every value is a number that the catalog explains."
        ),
    ]


def raw_results(clients: Clients, asset: str, reports: Sequence[CollectReport]) -> list[dg.AssetCheckResult]:
    """Evaluate the checks of the hours of a run; what they find of an account is added to the record of its hour.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not, and readers were not told of what was found.
    """
    store = clients.store
    start, end = min(r.slot for r in reports), max(r.slot for r in reports) + HOUR
    workspaces = sorted({workspace for report in reports for workspace in report.workspaces})
    found = unexplained(store, start, end, workspaces)
    now = utcnow()
    ahead = unexplained(store, now, now + _AHEAD, workspaces, now)
    _add_to_records(clients, "no_impossible_values", found.where)
    # An hour to come has no record: the newest one that was collected tells of it.
    _add_to_records(clients, "no_future_timestamps", {(w, a, end - HOUR): n for (w, a, _), n in ahead.where.items()})
    expected, ok = sum(r.expected for r in reports), sum(r.ok for r in reports)
    short = [slot_key(r.slot) for r in reports if r.failed]
    return [
        dg.AssetCheckResult(
            asset_key=asset,
            check_name="completeness",
            passed=not short,
            severity=_WARN,
            metadata={"expected": expected, "collected": ok, "hours_with_failures": short},
        ),
        _values(asset, "no_future_timestamps", ahead.future_slots, ahead),
        _values(asset, "no_impossible_values", found.total, found),
    ]


def _add_to_records(clients: Clients, check: str, counts: Mapping[Where, int]) -> None:
    def problem(count: int) -> Problem:
        return {"what": check, "reason": "check_failed", "message": _stay_out(count)}

    clients.store.collections.add_problems({where: problem(count) for where, count in counts.items()})
    for workspace_id in sorted({workspace_id for workspace_id, _, _ in counts}):
        clients.announce(workspace_id, [])


def _stay_out(count: int) -> str:
    return f"{count} observations stay in the log and enter no rollup"


def _values(asset: str, name: str, count: int, found: Unexplained) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=count == 0,
        severity=_WARN,
        description=None if count == 0 else _stay_out(count),
        metadata={"observations": count, **({"samples": list(found.samples)} if count else {})},
    )


def rollup_specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the checks that a rollup evaluates itself."""
    return [
        dg.AssetCheckSpec(
            "completeness", asset=asset, description="Every slot that could be observed was, in periods that ended."
        )
    ]


def rollup_results(reports: Sequence[RollReport], asset: str, silent: int) -> list[dg.AssetCheckResult]:
    """Evaluate the checks of the periods of a run; `silent` accounts should have a rollup and have none."""
    partial = sum(report.by_status.get("partial", 0) for report in reports)
    return [
        dg.AssetCheckResult(
            asset_key=asset,
            check_name="completeness",
            passed=partial + silent == 0,
            severity=_WARN,
            metadata={
                "accounts_partial": partial,
                "accounts_without_observation": silent,
                "accounts": sum(report.accounts for report in reports),
            },
        )
    ]


def stale(newest: datetime | None, connected: datetime | None, now: datetime) -> str | None:
    """Say why a platform's log is stale, or return None. Without an active account nothing is expected of it."""
    if connected is None:
        return None
    if newest is None:
        return None if now - connected < STALE_AFTER else "no observation at all"
    age = now - (newest + HOUR)
    return None if age < STALE_AFTER else f"the newest slot, {isoformat(newest)}, ended {age} ago"


def _freshness(platform: Platform) -> dg.AssetChecksDefinition:
    name = f"raw_{platform}"

    @dg.asset_check(asset=name, name="freshness", description="The newest slot in MongoDB is of this hour or the last.")
    def check(tidemark: Tidemark) -> dg.AssetCheckResult:
        with told_plainly():
            store = tidemark.clients().store
            active = store.accounts.find(platform=platform, states=["active"])
            newest = max(
                (s for w in {a["workspaceId"] for a in active} if (s := newest_slot(store, w, platform))), default=None
            )
            reason = stale(newest, min((a["connectedAt"] for a in active), default=None), utcnow())
            return dg.AssetCheckResult(
                passed=reason is None,
                description=reason,
                metadata={"newest_slot": isoformat(newest) if newest else "none", "active_accounts": len(active)},
            )

    return check


def newest_slot(store: Store, workspace_id: str, platform: Platform) -> datetime | None:
    """Return the newest slot of one platform in a workspace."""
    return store.observations.newest_slot({"workspaceId": workspace_id, "platform": platform})


CHECKS = [_freshness(platform) for platform in PLATFORMS_IMPLEMENTED]
