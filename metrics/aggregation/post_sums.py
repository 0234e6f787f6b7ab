"""Aggregation stages and expressions that sum the rollups of posts, by account or by account and content type."""

from collections.abc import Iterable

from metrics.aggregation.mongo_expressions import Expression, is_number, percent, when
from metrics.catalog import RATE_BASIS, engagement_parts
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS, Document

TOTALS = ("likes", "comments", "shares", "saves", "impressions", "views", "videoViews", "clicks")


def total_name(metric: str) -> str:
    """Return the name of a metric's total: `totalLikes` for `likes`."""
    return f"total{metric[0].upper()}{metric[1:]}"


def rate_stages() -> list[Document]:
    """Return stages that add to rollups of subjects whether each is of a post, and a post's engagement and basis."""
    return [
        {"$set": {"post": {"$ne": ["$metricType", "account"]}}},
        {"$set": {"engagement": _engagement(), "basis": _basis()}},
        {"$set": {"rated": {"$and": [is_number("$engagement"), is_number("$basis"), {"$gt": ["$basis", 0]}]}}},
    ]


def post_accumulators() -> Document:
    """Return accumulators that sum the nets of posts; they need the fields of `rate_stages`."""
    group: Document = {
        "engagement": {"$sum": when("$post", "$engagement", None)},
        "engagementKnown": {"$sum": when(is_number("$engagement"), 1, 0)},
        "rateEngagement": {"$sum": when("$rated", "$engagement", 0)},
        "rateBasis": {"$sum": when("$rated", "$basis", 0)},
        "postsMeasured": {"$sum": when("$rated", 1, 0)},
    }
    for name in TOTALS:
        net = f"$metrics.{name}.net"
        group[name] = {"$sum": when("$post", net, None)}
        group[f"{name}Known"] = {"$sum": when({"$and": ["$post", is_number(net)]}, 1, 0)}
    return group


def post_metrics() -> Document:
    """Return the totals and the pooled rate by name, from the results of `post_accumulators` and from `platform`."""
    measured = {"$gt": ["$postsMeasured", 0]}
    basis = [{"case": {"$eq": ["$platform", p]}, "then": b} for p, b in RATE_BASIS.items()]
    return {
        **{total_name(n): when({"$gt": [f"${n}Known", 0]}, f"${n}") for n in TOTALS},
        "totalEngagement": when({"$gt": ["$engagementKnown", 0]}, "$engagement"),
        "engagementRate": when(measured, percent("$rateEngagement", {"$max": ["$rateBasis", 1]})),
        "engagementRateBasis": {"$switch": {"branches": basis}},
        "engagementRateParts": when(measured, {"engagement": "$rateEngagement", "basis": "$rateBasis"}),
    }


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
