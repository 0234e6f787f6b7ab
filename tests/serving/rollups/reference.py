"""Series by brute force over the log of a world (docs/metrics.md, 4 and 5); shares no code with metrics or serving."""

from datetime import datetime
from typing import Any

from tests.metrics.aggregation.test_post_parts import PARTS, expected_accounts
from tests.pipelines.rollup.reference import DAY, HOUR, OVER_LEVELS, Reference

NETS = {"totalLikes": "likes", "totalShares": "shares", "totalViews": "views"}
SUMMED = (*NETS, "totalEngagement", "followers", "followerGrowth", "profileViews", "postCount")
"""Metrics of series that are sums over accounts."""


def only(reference: Reference, **fields: str) -> Reference:
    """Return the reference of the accounts with these fields alone."""
    accounts = [a for a in reference.accounts if all(a[name] == value for name, value in fields.items())]  # type: ignore[literal-required]
    return Reference(accounts, reference.posts, reference.observations, reference.now)


def kind_of(start: datetime, end: datetime) -> str:
    """Return the kind of period whose rules for unique people a span follows."""
    return {1: "daily", 7: "weekly"}.get((end - start) // DAY, "custom")


def value(reference: Reference, metric: str, start: datetime, end: datetime) -> float | int | None:
    """Return the value of a metric over the accounts that are expected in `[start, end)`; None if it is unknown."""
    kind = kind_of(start, end)
    rows = [
        found["aggregatedMetrics"]
        for account_id in expected_accounts(reference, start, end)
        if (found := reference.account(account_id, start, end, kind))
    ]
    if metric in SUMMED:
        values = [row[metric] for row in rows if metric in row]
        return sum(values) if values else None
    if metric == "reach":
        return rows[0].get("reach") if len(reference.accounts) == 1 and rows else None
    parts = [row["engagementRateParts"] for row in rows if "engagementRateParts" in row]
    platforms = {a["_id"]: a["platform"] for a in reference.accounts}
    known = [
        platforms[account_id] in OVER_LEVELS
        for account_id in expected_accounts(reference, start, end)
        if (found := reference.account(account_id, start, end, kind))
        and "engagementRateParts" in found["aggregatedMetrics"]
    ]
    if not all(known):
        parts = [part for part, level in zip(parts, known, strict=True) if not level]
    basis = sum(part["basis"] for part in parts)
    return 100 * sum(part["engagement"] for part in parts) / basis if basis else None


def _net(reference: Reference, subject_id: str, metric: str, slot: datetime, born: bool) -> Any:
    values = reference.values(subject_id, metric)
    here = [value for at, value in values if at == slot]
    if not here:
        return None
    before = [value for at, value in values if at < slot]
    # A post of the account's connected time began with 0; the first value of anything else is no growth.
    return here[0] - (before[-1] if before else 0 if born else here[0])


def hourly(reference: Reference, metric: str, slot: datetime, content_type: str | None = None) -> Any:
    """Return the value of a metric in one slot, over the accounts that are expected in it."""
    found = []
    for account_id in expected_accounts(reference, slot, slot + HOUR):
        account = next(a for a in reference.accounts if a["_id"] == account_id)
        if metric in ("followers", "followerGrowth"):
            level = [value for at, value in reference.values(account_id, "followers") if at == slot]
            found += level if metric == "followers" else [_net(reference, account_id, "followers", slot, False)]
            continue
        for post in (post for post in reference.posts if post["accountId"] == account_id):
            if content_type not in (None, post["contentType"]):
                continue
            kinds = PARTS[post["platform"]]
            parts = kinds.get(f"{post['metricType']} {post['contentType']}") or kinds[post["metricType"]]
            names = parts if metric == "totalEngagement" else (NETS[metric],)
            born = post["publishedAt"] >= account["connectedAt"]
            nets = [_net(reference, post["_id"], name, slot, born) for name in names]
            if nets and None not in nets:
                found.append(sum(nets))
    known = [each for each in found if each is not None]
    return sum(known) if known else None
