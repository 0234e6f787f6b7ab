"""Aggregation stages that derive the rollups of accounts from those of their subjects (docs/metrics.md, 5)."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

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
from metrics.aggregation.public_sums import PUBLIC_SUMS, fresh_stages, public_accumulators, public_metrics
from metrics.aggregation.subjects import WEEKLY_REACH, whole_days
from metrics.catalog import CATALOG, DEFINITION_VERSION, ENGAGEMENT_PARTS, metrics_of
from metrics.documents import PLATFORMS, Document, Platform
from metrics.expected import Connection
from metrics.periods import HOUR, slot_of
from metrics.platforms.registry import FACTS
from metrics.store.setup.namespaces import Namespace

PERIOD_SUMS = tuple(metric.name for metric in metrics_of("account", "period_sum"))
_RATES = ("engagementRate", "avgEngagementRate", "minEngagementRate", "maxEngagementRate")
_FOLLOWERS = ("followers", "minFollowers", "maxFollowers", "avgFollowers", "followerGrowth", "followerGrowthRate")


def account_stages(
    period: str, start: datetime, end: datetime, connections: Sequence[Connection], now: datetime, names: Namespace
) -> list[Document]:
    """Return stages from rollups of subjects over `[start, end)` to one document per account.

    `connections` has the hours of the accounts, and may have further accounts. `names` are the collections of the
    accounts; for watched ones (`Namespace.public`), coverage counts days, and there are the fields `PUBLIC_SUMS`. In
    addition to the fields of docs/metrics.md, 5, a document has `engagementRateParts`, from which rates are pooled over
    several documents.
    """
    ended = min(end, slot_of(now))
    expected, observed = names.coverage
    return [
        *_expected(connections, start, ended, public=names.public),
        *rate_stages(public=names.public),
        *(fresh_stages(names.posts, start, end) if names.public else []),
        {"$group": _group() | (public_accumulators() if names.public else {})},
        {"$match": {"workspaceId": {"$ne": None}}},
        {"$set": {"rates": _rates()}},
        _published(names.posts, start, end),
        {"$set": {"metrics": _metrics(whole_days(start, end)) | (public_metrics() if names.public else {})}},
        {"$set": {"coverage": _coverage(max(0, (ended - start) // HOUR), public=names.public)}},
        {
            "$project": {
                "workspaceId": 1,
                "accountId": "$_id",
                "platform": 1,
                "period": period,
                "periodStart": start,
                "periodEnd": end,
                "aggregatedMetrics": "$metrics",
                "unavailable": _unavailable(whole_days(start, end), public=names.public),
                "coverage": {expected: "$coverage.expected", observed: "$coverage.observed"},
                "status": "open"
                if now < end
                else when({"$lt": ["$coverage.observed", "$coverage.expected"]}, "partial", "complete"),
                "definitionVersion": {"$literal": DEFINITION_VERSION},
                "computedAt": now,
            }
        },
    ]


def days_of(hours: int) -> int:
    """Return how many local days lie in consecutive hours from the beginning of a day on.

    A day has 23 to 25 hours. One that has not ended counts once two of its hours have passed.
    """
    return (hours + 22) // 24


def _expected(connections: Sequence[Connection], start: datetime, ended: datetime, *, public: bool) -> list[Document]:
    """Return a stage that adds what is expected of each account that was connected for a part of the time only."""
    rows: list[Document] = []
    for account in connections:
        if not account.throughout(start, ended):
            hours = account.hours(start, ended)
            rows.append({"accountId": account.account_id, "expected": days_of(hours) if public else hours})
    return [{"$unionWith": {"pipeline": [{"$documents": rows}]}}] if rows else []


def _coverage(hours: int, *, public: bool) -> Document:
    """Return what was expected and observed; `hours` are those of the period so far."""
    expected: Expression = {"$ifNull": ["$expected", days_of(hours) if public else hours]}
    if public:
        # A reading counts at once, also in the first hours of a day, in which none is expected yet.
        expected = {"$max": [expected, "$observed"]}
    return {"expected": expected, "observed": "$observed"}


def _group() -> Document:
    rate = when("$rated", percent("$engagement", "$basis"), None)
    return {
        "_id": "$accountId",
        "workspaceId": {"$max": "$workspaceId"},
        "platform": {"$max": "$platform"},
        "expected": {"$max": "$expected"},
        "account": {"$max": when("$post", None, "$metrics")},
        "observed": {"$sum": when("$post", 0, "$observedSlots")},
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
def _unavailable(days: int, *, public: bool) -> Expression:
    """Return the reason for each metric that is absent from `aggregatedMetrics`, by name."""
    reasons: dict[str, Expression] = {}
    for name in (*TOTALS, "engagement"):
        lacking = [p for p in PLATFORMS if not _has_posts_with(p, name, public=public)]
        reasons[total_name(name)] = _not_supported(lacking, "no_observation")
    reasons |= dict.fromkeys((*_RATES, *_FOLLOWERS), "no_observation")
    reasons["reach"] = "not_supported" if public else _no_reach(days)
    for name in PERIOD_SUMS:
        reasons[name] = "not_supported" if public else _offered_or("no_observation", name)
    reasons |= dict.fromkeys(PUBLIC_SUMS if public else (), "no_observation")
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


def _has_posts_with(platform: Platform, name: str, *, public: bool) -> bool:
    if name == "engagement":
        return any(_has_posts_with(platform, part, public=public) for part in ENGAGEMENT_PARTS)
    if public:
        shown = FACTS[platform].public_numbers
        return shown is not None and name in shown.posts
    return any(metric.name == name and platform in metric.offers for metric in metrics_of("post"))


def _offered_or(reason: str, name: str) -> Expression:
    lacking = [p for p in PLATFORMS if p not in CATALOG["account", name].offers]
    return _not_supported(lacking, reason)


def _not_supported(lacking: Sequence[str], otherwise: str) -> Expression:
    # Without `$literal`, MongoDB would parse each platform as an expression.
    return when({"$in": ["$platform", {"$literal": sorted(lacking)}]}, "not_supported", otherwise)
