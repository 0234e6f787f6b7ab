"""Aggregation stages that derive the rollups of accounts from those of their subjects (docs/metrics.md, 5)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, is_number, percent, when
from metrics.aggregation.subjects import WEEKLY_REACH
from metrics.catalog import (
    CATALOG,
    DEFINITION_VERSION,
    ENGAGEMENT_PARTS,
    RATE_BASIS,
    engagement_parts,
    metrics_of,
)
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS, Document
from metrics.expected import Connection
from metrics.periods import DAY, HOUR, WEEK, slot_of

TOTALS = ("likes", "comments", "shares", "saves", "impressions", "views", "videoViews", "clicks")
PERIOD_SUMS = tuple(metric.name for metric in metrics_of("account", "period_sum"))
_RATES = ("engagementRate", "avgEngagementRate", "minEngagementRate", "maxEngagementRate")
_FOLLOWERS = ("followers", "minFollowers", "maxFollowers", "avgFollowers", "followerGrowth", "followerGrowthRate")


def total_name(metric: str) -> str:
    """Return the name of a metric's total: `totalLikes` for `likes`."""
    return f"total{metric[0].upper()}{metric[1:]}"


def account_stages(
    period: str, start: datetime, end: datetime, connections: Sequence[Connection], now: datetime
) -> list[Document]:
    """Return stages from rollups of subjects over `[start, end)` to one document per account.

    `connections` has the hours of the accounts, and may have further accounts. In addition to the fields of
    docs/metrics.md, 5, a document has `engagementRateParts`, from which rates are pooled over several documents.
    """
    ended = min(end, slot_of(now))
    return [
        *_expected_slots(connections, start, ended),
        {"$set": {"post": {"$ne": ["$metricType", "account"]}}},
        {"$set": {"engagement": _engagement(), "basis": _basis()}},
        {"$set": {"rated": {"$and": [is_number("$engagement"), is_number("$basis"), {"$gt": ["$basis", 0]}]}}},
        {"$group": _group()},
        {"$match": {"workspaceId": {"$ne": None}}},
        _published(start, end),
        {"$set": {"metrics": _metrics(end - start)}},
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
                "unavailable": _unavailable(end - start),
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


def _kind_is(kinds: Iterable[str]) -> Expression:
    parts = ["$platform", "|", "$metricType", "|", {"$ifNull": ["$contentType", "other"]}]
    return {"$in": [{"$concat": parts}, sorted(kinds)]}


def _engagement() -> Expression:
    """Return a post's net engagement; null unless the net of every part that its platform offers is known."""
    by_parts: dict[tuple[str, ...], list[str]] = {}
    for platform in PLATFORMS:
        for metric_type in METRIC_TYPES[1:]:
            for content_type in CONTENT_TYPES:
                parts = engagement_parts(platform, metric_type, content_type)
                by_parts.setdefault(parts, []).append(f"{platform}|{metric_type}|{content_type}")
    branches = []
    for parts, kinds in by_parts.items():
        if parts:
            nets = [f"$metrics.{part}.net" for part in parts]
            every = {"$and": [is_number(net) for net in nets]}
            branches.append({"case": _kind_is(kinds), "then": when(every, {"$add": nets}, None)})
    return {"$switch": {"branches": branches, "default": None}}


def _basis() -> Expression:
    branches = [
        {"case": {"$eq": ["$platform", platform]}, "then": f"$metrics.{basis}.net"}
        for platform, basis in RATE_BASIS.items()
    ]
    return when("$post", {"$switch": {"branches": branches, "default": None}}, None)


def _group() -> Document:
    rate = when("$rated", percent("$engagement", "$basis"), None)
    group: Document = {
        "_id": "$accountId",
        "workspaceId": {"$max": "$workspaceId"},
        "platform": {"$max": "$platform"},
        "expectedSlots": {"$max": "$expectedSlots"},
        "account": {"$max": when("$post", None, "$metrics")},
        "observedSlots": {"$sum": when("$post", 0, "$observedSlots")},
        "engagement": {"$sum": when("$post", "$engagement", None)},
        "engagementKnown": {"$sum": when(is_number("$engagement"), 1, 0)},
        "rateEngagement": {"$sum": when("$rated", "$engagement", 0)},
        "rateBasis": {"$sum": when("$rated", "$basis", 0)},
        "postsMeasured": {"$sum": when("$rated", 1, 0)},
        "avgRate": {"$avg": rate},
        "minRate": {"$min": rate},
        "maxRate": {"$max": rate},
    }
    for name in TOTALS:
        net = f"$metrics.{name}.net"
        group[name] = {"$sum": when("$post", net, None)}
        group[f"{name}Known"] = {"$sum": when({"$and": ["$post", is_number(net)]}, 1, 0)}
    return group


def _published(start: datetime, end: datetime) -> Document:
    published = {"publishedAt": {"$gte": start, "$lt": end}, "sameAs": {"$exists": False}}
    count = {"_id": {"$ifNull": ["$contentType", "other"]}, "n": {"$sum": 1}, "deleted": {"$sum": _is_deleted()}}
    return {
        "$lookup": {
            "from": "posts",
            "localField": "_id",
            "foreignField": "accountId",
            "pipeline": [{"$match": published}, {"$group": count}, {"$sort": {"_id": 1}}],
            "as": "published",
        }
    }


def _is_deleted() -> Expression:
    return when({"$gt": ["$deletedAt", None]}, 1, 0)


def _metrics(span: Any) -> Document:
    followers = "$account.followers"
    measured = {"$gt": ["$postsMeasured", 0]}
    basis = [{"case": {"$eq": ["$platform", p]}, "then": b} for p, b in RATE_BASIS.items()]
    by_type = {"$arrayToObject": {"$map": {"input": "$published", "in": {"k": "$$this._id", "v": "$$this.n"}}}}
    grown = {"$and": [is_number(f"{followers}.open"), {"$ne": [f"{followers}.open", 0]}]}
    own_baseline = {"$ne": [f"{followers}.baseline", True]}
    found: Document = {
        **{total_name(n): when({"$gt": [f"${n}Known", 0]}, f"${n}") for n in TOTALS},
        "totalEngagement": when({"$gt": ["$engagementKnown", 0]}, "$engagement"),
        "engagementRate": when(measured, percent("$rateEngagement", {"$max": ["$rateBasis", 1]})),
        "engagementRateBasis": {"$switch": {"branches": basis}},
        "engagementRateParts": when(measured, {"engagement": "$rateEngagement", "basis": "$rateBasis"}),
        "avgEngagementRate": when(measured, "$avgRate"),
        "minEngagementRate": when(measured, "$minRate"),
        "maxEngagementRate": when(measured, "$maxRate"),
        "postsMeasured": "$postsMeasured",
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
    reach = _own_reach(span)
    if reach is not None:
        found["reach"] = reach
    return found


def _own_reach(span: Any) -> Expression | None:
    """Return the provider's own reach of a day or a week; other periods have none."""
    names = {DAY: "reach", WEEK: WEEKLY_REACH}
    return f"$account.{names[span]}.value" if span in names else None


def _unavailable(span: Any) -> Expression:
    """Return the reason for each metric that is absent from `aggregatedMetrics`, by name."""
    reasons: dict[str, Expression] = {}
    for name in (*TOTALS, "engagement"):
        lacking = sorted(p for p in PLATFORMS if not _has_posts_with(p, name))
        reasons[total_name(name)] = when({"$in": ["$platform", lacking]}, "not_supported", "no_observation")
    reasons |= dict.fromkeys((*_RATES, *_FOLLOWERS), "no_observation")
    reasons["reach"] = _no_reach(span)
    reasons |= {name: _offered_or("no_observation", name) for name in PERIOD_SUMS}
    return {name: when({"$lte": [f"$metrics.{name}", None]}, why) for name, why in reasons.items()}


def _no_reach(span: Any) -> Expression:
    """Return why the reach of a period is absent: people of several days cannot be added up."""
    if span == DAY:
        return _offered_or("no_observation", "reach")
    of_days = _offered_or("not_additive", "reach")
    if span != WEEK:
        return of_days
    return when({"$in": ["$platform", sorted(CATALOG["account", WEEKLY_REACH].offers)]}, "no_observation", of_days)


def _has_posts_with(platform: Any, name: str) -> bool:
    if name == "engagement":
        return any(_has_posts_with(platform, part) for part in ENGAGEMENT_PARTS)
    return any(metric.name == name and platform in metric.offers for metric in metrics_of("post"))


def _offered_or(reason: str, name: str) -> Expression:
    lacking = sorted(p for p in PLATFORMS if p not in CATALOG["account", name].offers)
    return when({"$in": ["$platform", lacking]}, "not_supported", reason)
