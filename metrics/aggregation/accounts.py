"""Aggregation stages that derive the rollups of accounts from those of their subjects (docs/metrics.md, 5)."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, is_number, percent, when
from metrics.aggregation.post_sums import (
    TOTALS,
    by_basis,
    post_accumulators,
    post_metrics,
    rate_stages,
    rates_over_posts,
    total_name,
)
from metrics.aggregation.subjects import WEEKLY_REACH, whole_days
from metrics.catalog import CATALOG, DEFINITION_VERSION, ENGAGEMENT_PARTS, metrics_of
from metrics.documents import PLATFORMS, Document
from metrics.expected import Connection
from metrics.periods import HOUR, slot_of

PERIOD_SUMS = tuple(metric.name for metric in metrics_of("account", "period_sum"))
_RATES = ("engagementRate", "avgEngagementRate", "minEngagementRate", "maxEngagementRate")
_FOLLOWERS = ("followers", "minFollowers", "maxFollowers", "avgFollowers", "followerGrowth", "followerGrowthRate")


def account_stages(
    period: str, start: datetime, end: datetime, connections: Sequence[Connection], now: datetime, posts: str
) -> list[Document]:
    """Return stages from rollups of subjects over `[start, end)` to one document per account.

    `connections` has the hours of the accounts, and may have further accounts. `posts` is the collection of their posts
    (`Namespace.posts`). In addition to the fields of
    docs/metrics.md, 5, a document has `engagementRateParts`, from which rates are pooled over several documents.
    """
    ended = min(end, slot_of(now))
    return [
        *_expected_slots(connections, start, ended),
        *rate_stages(),
        {"$group": _group()},
        {"$match": {"workspaceId": {"$ne": None}}},
        {"$set": {"rates": _rates()}},
        _published(posts, start, end),
        {"$set": {"metrics": _metrics(whole_days(start, end))}},
        {"$set": {"expected": {"$ifNull": ["$expectedSlots", max(0, (ended - start) // HOUR)]}}},
        {
            "$project": {
                "workspaceId": 1,
                "accountId": "$_id",
                "platform": 1,
                "period": period,
                "periodStart": start,
                "periodEnd": end,
                "aggregatedMetrics": "$metrics",
                "unavailable": _unavailable(whole_days(start, end)),
                "coverage": {"expectedSlots": "$expected", "observedSlots": "$observedSlots"},
                "status": "open"
                if now < end
                else when({"$lt": ["$observedSlots", "$expected"]}, "partial", "complete"),
                "definitionVersion": {"$literal": DEFINITION_VERSION},
                "computedAt": now,
            }
        },
    ]


def _expected_slots(connections: Sequence[Connection], start: datetime, ended: datetime) -> list[Document]:
    """Return a stage that adds the expected hours of each account that was connected for a part of the time only."""
    rows = [
        {"accountId": account.account_id, "expectedSlots": account.hours(start, ended)}
        for account in connections
        if not account.throughout(start, ended)
    ]
    return [{"$unionWith": {"pipeline": [{"$documents": rows}]}}] if rows else []


def _group() -> Document:
    rate = when("$rated", percent("$engagement", "$basis"), None)
    return {
        "_id": "$accountId",
        "workspaceId": {"$max": "$workspaceId"},
        "platform": {"$max": "$platform"},
        "expectedSlots": {"$max": "$expectedSlots"},
        "account": {"$max": when("$post", None, "$metrics")},
        "observedSlots": {"$sum": when("$post", 0, "$observedSlots")},
        "avgRate": {"$avg": rate},
        "minRate": {"$min": rate},
        "maxRate": {"$max": rate},
        "avgEngagement": {"$avg": "$engagement"},
        "minEngagement": {"$min": "$engagement"},
        "maxEngagement": {"$max": "$engagement"},
        **post_accumulators(),
    }


def _rates() -> Expression:
    """Return the parts of an account's rate, and the rates of its posts: over their own basis, or over a level.

    A level is the account's own, at the end of the period: it stands once under the engagement of all its posts.
    """
    over_posts = {**rates_over_posts(), "avg": "$avgRate", "min": "$minRate", "max": "$maxRate"}
    return by_basis(lambda basis: _over_level(f"$account.{basis}.close"), over_posts)


def _over_level(level: Expression) -> Expression:
    over: Document = {"engagement": "$engagement", "basis": level, "measured": "$engagementKnown"}
    over |= {name: percent(f"${name}Engagement", level) for name in ("avg", "min", "max")}
    return when({"$and": [is_number(level), {"$gt": [level, 0]}]}, over, {"measured": 0})


def _published(posts: str, start: datetime, end: datetime) -> Document:
    published = {"publishedAt": {"$gte": start, "$lt": end}, "sameAs": {"$exists": False}}
    count = {"_id": {"$ifNull": ["$contentType", "other"]}, "n": {"$sum": 1}, "deleted": {"$sum": _is_deleted()}}
    return {
        "$lookup": {
            "from": posts,
            "localField": "_id",
            "foreignField": "accountId",
            "pipeline": [{"$match": published}, {"$group": count}, {"$sort": {"_id": 1}}],
            "as": "published",
        }
    }


def _is_deleted() -> Expression:
    return when({"$gt": ["$deletedAt", None]}, 1, 0)


@cache
def _metrics(days: int) -> Document:
    followers = "$account.followers"
    measured = {"$gt": ["$rates.measured", 0]}
    by_type = {"$arrayToObject": {"$map": {"input": "$published", "in": {"k": "$$this._id", "v": "$$this.n"}}}}
    grown = {"$and": [is_number(f"{followers}.open"), {"$ne": [f"{followers}.open", 0]}]}
    own_baseline = {"$ne": [f"{followers}.baseline", True]}
    found: Document = {
        **post_metrics(),
        "avgEngagementRate": when(measured, "$rates.avg"),
        "minEngagementRate": when(measured, "$rates.min"),
        "maxEngagementRate": when(measured, "$rates.max"),
        "followers": f"{followers}.close",
        "minFollowers": f"{followers}.min",
        "maxFollowers": f"{followers}.max",
        "avgFollowers": when(
            is_number(f"{followers}.sum"), {"$divide": [f"{followers}.sum", {"$max": [f"{followers}.samples", 1]}]}
        ),
        "followerGrowth": f"{followers}.net",
        "followerGrowthRate": when(
            {"$and": [grown, own_baseline]}, percent(f"{followers}.net", when(grown, f"{followers}.open", 1))
        ),
        "postCount": {"$sum": "$published.n"},
        "postCountByType": by_type,
        "deletedPostCount": {"$sum": "$published.deleted"},
        **{name: f"$account.{name}.total" for name in PERIOD_SUMS},
    }
    reach = _own_reach(days)
    if reach is not None:
        found["reach"] = reach
    return found


def _own_reach(days: int) -> Expression | None:
    """Return the provider's own reach of a day or a week; other periods have none."""
    names = {1: "reach", 7: WEEKLY_REACH}
    return f"$account.{names[days]}.value" if days in names else None


@cache
def _unavailable(days: int) -> Expression:
    """Return the reason for each metric that is absent from `aggregatedMetrics`, by name."""
    reasons: dict[str, Expression] = {}
    for name in (*TOTALS, "engagement"):
        lacking = sorted(p for p in PLATFORMS if not _has_posts_with(p, name))
        reasons[total_name(name)] = when(
            {"$in": ["$platform", {"$literal": list(lacking)}]}, "not_supported", "no_observation"
        )
    reasons |= dict.fromkeys((*_RATES, *_FOLLOWERS), "no_observation")
    reasons["reach"] = _no_reach(days)
    reasons |= {name: _offered_or("no_observation", name) for name in PERIOD_SUMS}
    return {name: when({"$lte": [f"$metrics.{name}", None]}, why) for name, why in reasons.items()}


def _no_reach(days: int) -> Expression:
    """Return why the reach of a period is absent: people of several days cannot be added up."""
    if days == 1:
        return _offered_or("no_observation", "reach")
    of_days = _offered_or("not_additive", "reach")
    if days != 7:
        return of_days
    weekly = {"$literal": sorted(CATALOG["account", WEEKLY_REACH].offers)}
    return when({"$in": ["$platform", weekly]}, "no_observation", of_days)


def _has_posts_with(platform: Any, name: str) -> bool:
    if name == "engagement":
        return any(_has_posts_with(platform, part) for part in ENGAGEMENT_PARTS)
    return any(metric.name == name and platform in metric.offers for metric in metrics_of("post"))


def _offered_or(reason: str, name: str) -> Expression:
    lacking = sorted(p for p in PLATFORMS if p not in CATALOG["account", name].offers)
    return _not_supported(lacking, reason)


def _not_supported(lacking: Sequence[str], otherwise: str) -> Expression:
    # Without `$literal`, MongoDB would parse each platform as an expression.
    return when({"$in": ["$platform", {"$literal": list(lacking)}]}, "not_supported", otherwise)
