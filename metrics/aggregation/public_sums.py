"""What the rollups of watched accounts have beside those of connected ones: sums over the posts of the period.

A number per post is comparable only if both of its sides are of the same posts. So these sums are over *new* posts,
which were published in the period: their number with a known value, and what these gained within the period. A post
whose likes its owner hides has no known engagement. It is on neither side, and counted (`hiddenPosts`).
"""

from collections.abc import Iterable
from datetime import datetime

from metrics.aggregation.mongo_expressions import Expression, is_number, when
from metrics.aggregation.post_sums import kind_is, kinds_by_parts
from metrics.documents import Document, Platform
from metrics.platforms.registry import FACTS

PUBLIC_SUMS = ("engagementOfNewPosts", "viewsOfNewPosts")
"""The sums; either is absent if no new post has a value. Their numbers of posts are always there (`_COUNTS`)."""
_COUNTS = ("measuredPosts", "hiddenPosts", "viewedPosts")


def views_metric(platform: Platform) -> str | None:
    """Return the metric by which a platform shows how often posts of others were seen; None if it shows none."""
    shown = FACTS[platform].public_numbers
    return next((name for name in ("views", "impressions") if shown and name in shown.posts), None)


def fresh_stages(posts: str, start: datetime, end: datetime) -> list[Document]:
    """Return stages that add `fresh` to rollups of subjects: whether it is a post of `[start, end)`.

    `posts` is the collection of the posts. The stages need those of `rate_stages` before them.
    """
    published = {"publishedAt": {"$gte": start, "$lt": end}, "sameAs": {"$exists": False}}
    return [
        # Merged rollups have the subject as their `_id`.
        {"$set": {"subject": {"$ifNull": ["$subjectId", "$_id"]}}},
        {
            "$lookup": {
                "from": posts,
                "localField": "subject",
                "foreignField": "_id",
                "pipeline": [{"$match": published}, {"$project": {"_id": 1}}],
                "as": "fresh",
            }
        },
        {"$set": {"fresh": {"$and": ["$post", {"$ne": ["$fresh", []]}]}, "seen": _seen()}},
    ]


def public_accumulators() -> Document:
    """Return accumulators over the new posts of an account; they need the fields of `fresh_stages`."""
    measured = {"$and": ["$fresh", is_number("$engagement")]}
    viewed = {"$and": ["$fresh", is_number("$seen")]}
    return {
        "measuredPosts": {"$sum": when(measured, 1, 0)},
        "engagementOfNewPosts": {"$sum": when(measured, "$engagement", 0)},
        "hiddenPosts": {"$sum": when({"$and": ["$fresh", _hides()]}, 1, 0)},
        "viewedPosts": {"$sum": when(viewed, 1, 0)},
        "viewsOfNewPosts": {"$sum": when(viewed, "$seen", 0)},
    }


def public_metrics() -> Document:
    """Return the sums and the numbers of posts by name, from the results of `public_accumulators`."""
    return {
        **{name: f"${name}" for name in _COUNTS},
        "engagementOfNewPosts": when({"$gt": ["$measuredPosts", 0]}, "$engagementOfNewPosts"),
        "viewsOfNewPosts": when({"$gt": ["$viewedPosts", 0]}, "$viewsOfNewPosts"),
    }


def _seen() -> Expression:
    """Return the net of the metric that tells how often a post was seen; null on platforms that show none."""
    branches = [
        {"case": {"$eq": ["$platform", platform]}, "then": f"$metrics.{name}.net"}
        for platform in FACTS
        if (name := views_metric(platform)) is not None
    ]
    return {"$switch": {"branches": branches, "default": None}}


def _hides() -> Expression:
    """Tell whether a post lacks a part of engagement that its owner may hide, and has another part."""
    found: list[Expression] = []
    for parts, kinds in kinds_by_parts(public=True).items():
        by_hidden: dict[tuple[str, ...], list[str]] = {}
        for kind in kinds:
            by_hidden.setdefault(_hideable(kind, parts), []).append(kind)
        for hidden, some in by_hidden.items():
            if hidden:
                lacks = {"$or": [{"$not": is_number(f"$metrics.{part}.net")} for part in hidden]}
                has = {"$or": [is_number(f"$metrics.{part}.net") for part in parts]}
                found.append({"$and": [kind_is(some), lacks, has]})
    return {"$or": found}


def _hideable(kind: str, parts: Iterable[str]) -> tuple[str, ...]:
    """Return the parts that owners may hide of a kind of posts (`platform|metricType|contentType`)."""
    shown = next(facts.public_numbers for name, facts in FACTS.items() if name == kind.partition("|")[0])
    return tuple(part for part in parts if shown is not None and part in shown.hidden)
