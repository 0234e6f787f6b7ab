"""The check `freshness`: the age of the newest hour in MongoDB, independent of the hour that was materialised last.

A job evaluates it every hour, whether anything was collected or not. Each materialisation evaluates it too, because
Dagster's UI shows «not evaluated» for a check that is older than the newest materialisation.
"""

from datetime import datetime, timedelta

import dagster as dg

from metrics.clock import isoformat, utcnow
from metrics.documents import Platform
from metrics.periods import HOUR
from metrics.store import Store
from pipelines.partitions import ended_slot
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures

STALE_AFTER = timedelta(hours=2)
"""An hour is collected within minutes of its end: if the newest one is older than this, collection has stopped."""

NAME = "freshness"


def evaluate(store: Store, asset: dg.AssetKey, platform: Platform, now: datetime) -> dg.AssetCheckEvaluation:
    """Evaluate the check for a platform from the newest slot in MongoDB.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    active = store.accounts.find(platform=platform, states=["active"])
    newest = _newest_slot(store, platform, sorted({account["workspaceId"] for account in active}), now)
    reason = stale(newest, min((account["connectedAt"] for account in active), default=None), now)
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=NAME,
        passed=reason is None,
        description=reason,
        metadata={"newest_slot_found": isoformat(newest) if newest else "none", "active_accounts": len(active)},
    )


def stale(newest: datetime | None, connected: datetime | None, now: datetime) -> str | None:
    """Return why a platform's log is stale, or None. Without an active account no observation is expected."""
    if connected is None:
        return None
    if newest is None:
        return None if now - connected < STALE_AFTER else "no observation at all"
    age = now - (newest + HOUR)
    return None if age < STALE_AFTER else f"the newest slot, {isoformat(newest)}, ended {age} ago"


def _newest_slot(store: Store, platform: Platform, workspace_ids: list[str], now: datetime) -> datetime | None:
    """Return the newest slot of a platform. Stop as soon as a workspace has the hour that just ended."""
    found: datetime | None = None
    for workspace_id in workspace_ids:
        slot = store.observations.newest_slot({"workspaceId": workspace_id, "platform": platform})
        if slot is not None and (found is None or slot > found):
            found = slot
        if found is not None and found >= ended_slot(now):
            break
    return found


def _check(platform: Platform) -> dg.AssetChecksDefinition:
    asset = dg.AssetKey(f"raw_{platform}")

    @dg.asset_check(asset=asset, name=NAME, description="The newest slot in MongoDB ended less than two hours ago.")
    def check(tidemark: Tidemark) -> dg.AssetCheckResult:
        with one_line_failures():
            found = evaluate(tidemark.clients().store, asset, platform, utcnow())
            return dg.AssetCheckResult(passed=found.passed, description=found.description, metadata=found.metadata)

    return check


CHECKS = [_check(platform) for platform in PLATFORMS_IMPLEMENTED]
