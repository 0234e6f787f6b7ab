"""Totals of a workspace and comparisons of periods (docs/metrics.md, 5 and 6): plain functions over documents."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from metrics.documents import AggregatedDocument

SUMMED = (
    "totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement", "totalImpressions", "totalViews",
    "totalVideoViews", "totalClicks", "postCount", "deletedPostCount", "postsMeasured",
)  # fmt: skip
UNIQUE = ("reach",)
COMPARED = (
    "totalLikes", "totalComments", "totalShares", "totalSaves", "totalEngagement", "totalImpressions", "totalViews",
    "totalVideoViews", "totalClicks", "engagementRate", "followers", "followerGrowth", "postCount", "reach",
)  # fmt: skip


def workspace_totals(documents: Sequence[AggregatedDocument], account_ids: Iterable[str] = ()) -> dict[str, Any]:
    """Return the totals of one period over accounts.

    `{metrics, unavailable, missing, coverage, status, accounts}`: counts are summed, rates pooled from their parts, and
    followers summed only if every account has a value: `missing.followers` names those without. `account_ids` are the
    accounts that should have a document. Unique people are never summed.
    """
    rows = [document["aggregatedMetrics"] for document in documents]
    metrics: dict[str, Any] = {}
    for name in SUMMED:
        known = [row[name] for row in rows if name in row]
        if known:
            metrics[name] = sum(known)
    by_type = [row["postCountByType"] for row in rows if "postCountByType" in row]
    if by_type:
        kinds = sorted({kind for counts in by_type for kind in counts})
        metrics["postCountByType"] = {kind: sum(counts.get(kind, 0) for counts in by_type) for kind in kinds}
    metrics |= _pooled(rows)
    unavailable: dict[str, str] = dict.fromkeys(UNIQUE, "not_additive")
    missing = sorted(
        {d["accountId"] for d in documents if "followers" not in d["aggregatedMetrics"]}
        | (set(account_ids) - {d["accountId"] for d in documents})
    )
    if rows and not missing:
        metrics["followers"] = sum(row["followers"] for row in rows)
        metrics["followerGrowth"] = sum(row["followerGrowth"] for row in rows)
    else:
        unavailable |= dict.fromkeys(("followers", "followerGrowth"), "no_observation")
    coverage = {
        name: sum(document["coverage"][name] for document in documents) for name in ("expectedSlots", "observedSlots")
    }
    return {
        "metrics": metrics,
        "unavailable": unavailable,
        "missing": {"followers": missing} if missing else {},
        "coverage": coverage,
        "status": _status(documents),
        "accounts": len(documents),
    }


def compare(
    current: Mapping[str, Any],
    previous: Mapping[str, Any],
    *,
    current_status: str | None,
    previous_status: str | None,
) -> dict[str, Any]:
    """Compare the metrics of a period with those of the one before.

    `{comparable, changes: {name: {current, previous, delta, deltaPercent}}}`; `deltaPercent` is absent where previous
    is absent or 0, and `comparable` is false where either side is not complete.
    """
    changes = {}
    for name in COMPARED:
        now, before = current.get(name), previous.get(name)
        change = {"current": now, "previous": before}
        if now is not None and before is not None:
            change["delta"] = now - before
            if before != 0:
                change["deltaPercent"] = 100 * (now - before) / abs(before)
        kept = {key: value for key, value in change.items() if value is not None}
        if kept:
            changes[name] = kept
    return {"comparable": current_status == previous_status == "complete", "changes": changes}


def _pooled(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Pool the engagement rate again; over several bases it is the platforms' mixture, and named so."""
    parts = [row["engagementRateParts"] for row in rows if "engagementRateParts" in row]
    basis = sum(part["basis"] for part in parts)
    if not basis:
        return {}
    bases = sorted({row["engagementRateBasis"] for row in rows if "engagementRateParts" in row})
    return {
        "engagementRate": 100 * sum(part["engagement"] for part in parts) / basis,
        "engagementRateBasis": "+".join(bases),
    }


def _status(documents: Sequence[AggregatedDocument]) -> str | None:
    states = {document["status"] for document in documents}
    return next((state for state in ("open", "partial", "complete") if state in states), None)
