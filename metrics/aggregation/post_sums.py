"""Aggregation stages and expressions that sum the rollups of posts, by account or by account and content type."""

from collections.abc import Callable, Iterable

from metrics.aggregation.mongo_expressions import Expression, is_number, percent, when
from metrics.catalog import LEVEL_BASIS, RATE_BASIS, engagement_parts, shown_engagement_parts
from metrics.documents import CONTENT_TYPES, METRIC_TYPES, PLATFORMS, Document

TOTALS = ("likes", "comments", "shares", "saves", "impressions", "views", "videoViews", "clicks")


def total_name(metric: str) -> str:
    """Return the name of a metric's total: `totalLikes` for `likes`."""
    return f"total{metric[0].upper()}{metric[1:]}"


def rate_stages(*, public: bool = False) -> list[Document]:
    """Return stages that add to rollups of subjects whether each is of a post, and a post's engagement and basis.

    With `public`, the parts of engagement are those that platforms show of accounts of others.
    """
    return [
        {"$set": {"post": {"$ne": ["$metricType", "account"]}}},
        {"$set": {"engagement": _engagement(public=public), "basis": _basis()}},
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


def by_basis(of_level: Callable[[str], Expression], of_posts: Expression) -> Expression:
    """Return `of_level` of the basis where the basis of a document's `platform` is a level of the account.

    For the other platforms, whose posts each have a basis of their own, `of_posts` is returned.
    """
    branches = [{"case": {"$eq": ["$platform", p]}, "then": of_level(basis)} for p, basis in LEVEL_BASIS.items()]
    return {"$switch": {"branches": branches, "default": of_posts}} if branches else of_posts


def rates_over_posts() -> Document:
    """Return the parts of the pooled rate of posts that have a basis of their own: `{engagement, basis, measured}`.

    `measured` is the number of posts in the rate. They are made of the results of `post_accumulators`.
    """
    return {"engagement": "$rateEngagement", "basis": "$rateBasis", "measured": "$postsMeasured"}


def post_metrics() -> Document:
    """Return the totals and the pooled rate by name, from the results of `post_accumulators`, `platform` and `rates`.

    `rates` has the parts of the pooled rate, as `rates_over_posts` returns them.
    """
    measured = {"$gt": ["$rates.measured", 0]}
    basis = [{"case": {"$eq": ["$platform", p]}, "then": b} for p, b in RATE_BASIS.items()]
    return {
        **{total_name(n): when({"$gt": [f"${n}Known", 0]}, f"${n}") for n in TOTALS},
        "totalEngagement": when({"$gt": ["$engagementKnown", 0]}, "$engagement"),
        "engagementRate": when(measured, percent("$rates.engagement", {"$max": ["$rates.basis", 1]})),
        "engagementRateBasis": {"$switch": {"branches": basis}},
        "engagementRateParts": when(measured, {"engagement": "$rates.engagement", "basis": "$rates.basis"}),
        "postsMeasured": "$rates.measured",
    }


def kind_is(kinds: Iterable[str]) -> Expression:
    """Return an expression that tells whether a subject is of one of these kinds: `platform|metricType|contentType`."""
    parts = ["$platform", "|", "$metricType", "|", {"$ifNull": ["$contentType", "other"]}]
    # Without `$literal`, MongoDB would parse each of the kinds as an expression.
    return {"$in": [{"$concat": parts}, {"$literal": sorted(kinds)}]}


def kinds_by_parts(*, public: bool) -> dict[tuple[str, ...], list[str]]:
    """Return the kinds of posts that have each combination of parts of engagement; those without any are left out."""
    parts_of = shown_engagement_parts if public else engagement_parts
    by_parts: dict[tuple[str, ...], list[str]] = {}
    for platform in PLATFORMS:
        for metric_type in METRIC_TYPES[1:]:
            for content_type in CONTENT_TYPES:
                if parts := parts_of(platform, metric_type, content_type):
                    by_parts.setdefault(parts, []).append(f"{platform}|{metric_type}|{content_type}")
    return by_parts


def _engagement(*, public: bool) -> Expression:
    """Return a post's net engagement; null unless the net of every part that its platform offers is known."""
    branches = []
    for parts, kinds in kinds_by_parts(public=public).items():
        nets = [f"$metrics.{part}.net" for part in parts]
        every = {"$and": [is_number(net) for net in nets]}
        branches.append({"case": kind_is(kinds), "then": when(every, {"$add": nets}, None)})
    return {"$switch": {"branches": branches, "default": None}}


def _basis() -> Expression:
    """Return the net of a post's own basis; null on platforms whose basis is a level of the account."""
    branches = [
        {"case": {"$eq": ["$platform", platform]}, "then": f"$metrics.{basis}.net"}
        for platform, basis in RATE_BASIS.items()
        if platform not in LEVEL_BASIS
    ]
    return when("$post", {"$switch": {"branches": branches, "default": None}}, None)
