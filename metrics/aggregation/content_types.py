"""Sums over the posts of each content type, derived from the rollups of posts when they are read; nothing is written.

The hours in which an account was read are not counted by content type. So coverage and status of such sums are those of
the accounts' own documents.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from metrics.aggregation.mongo_expressions import is_number, when
from metrics.aggregation.post_sums import (
    TOTALS,
    by_basis,
    post_accumulators,
    post_metrics,
    rate_stages,
    rates_over_posts,
)
from metrics.catalog import LEVEL_BASIS
from metrics.documents import CONTENT_TYPES, AggregatedDocument, ContentType, Document
from metrics.expected import Span
from metrics.periods import Period
from metrics.store import Store
from metrics.store.errors import mongo_errors

Sums = Mapping[tuple[str, ContentType], Mapping[str, Any]]
"""The sums of one period, by account id and content type; types without an observed post are left out.

A rate over a level of the account is missing: `of_type` adds it, since the level is in the account's document.
`postsMeasured` is then the number of posts whose engagement is known.
"""
_POSTS = {"$ne": "account"}


def stored_sums(store: Store, period: Period, start: datetime, end: datetime, scope: Document) -> dict[datetime, Sums]:
    """Return the sums of every whole period that starts in `[start, end)`, by its start.

    `scope` has `workspaceId`, and may narrow `platform` and `accountId`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    match = {**scope, "period": period, "periodStart": {"$gte": start, "$lt": end}, "metricType": _POSTS}
    found: dict[datetime, dict[tuple[str, ContentType], Mapping[str, Any]]] = {}
    for row in _summed(store, [{"$match": match}], "$periodStart"):
        key = row["_id"]
        found.setdefault(key["start"], {})[key["account"], key["type"]] = row["metrics"]
    return cast("dict[datetime, Sums]", found)


def merged_sums(store: Store, span: Span, scope: Document) -> Sums:
    """Return the sums of any whole days, merged from daily rollups.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    rows = _summed(store, _nets_of_days(span, {**scope, "metricType": _POSTS}), None)
    return {(row["_id"]["account"], row["_id"]["type"]): row["metrics"] for row in rows}


def _nets_of_days(span: Span, scope: Document) -> list[Document]:
    """Return stages that merge the nets of whole days into one document per post.

    `merge_days` merges every field of every metric, which takes MongoDB several times as long.
    """
    start, end = span
    nets = {name: f"$metrics.{name}.net" for name in TOTALS}
    return [
        {"$match": {**scope, "period": "daily", "periodStart": {"$gte": start, "$lt": end}}},
        {"$sort": {"periodStart": 1}},
        {
            "$group": {
                "_id": "$subjectId",
                **{name: {"$last": f"${name}"} for name in ("accountId", "platform", "metricType", "contentType")},
                **{name: {"$sum": net} for name, net in nets.items()},
                **{f"{name}Known": {"$sum": when(is_number(net), 1, 0)} for name, net in nets.items()},
            }
        },
        {"$set": {"metrics": {n: {"net": when({"$gt": [f"${n}Known", 0]}, f"${n}")} for n in TOTALS}}},
    ]


def _summed(store: Store, stages: list[Document], start: str | None) -> list[Document]:
    content_type = {"$ifNull": ["$contentType", "other"]}
    key = {"start": start, "account": "$accountId", "type": content_type}
    pipeline = [
        *stages,
        *rate_stages(),
        {"$group": {"_id": key, "platform": {"$max": "$platform"}, **post_accumulators()}},
        {"$set": {"rates": by_basis(lambda _: {"measured": 0}, rates_over_posts())}},
        {
            "$project": {
                "metrics": {**post_metrics(), "postsMeasured": by_basis(lambda _: "$engagementKnown", "$postsMeasured")}
            }
        },
    ]
    with mongo_errors():
        return list(store.rollups.aggregate_subjects(pipeline))


def content_types(documents: Iterable[AggregatedDocument], sums: Sums) -> set[ContentType]:
    """Return the types of which the accounts of these documents published a post, or had one observed."""
    found: set[ContentType] = set()
    for document in documents:
        found.update(document["aggregatedMetrics"].get("postCountByType", ()))
        found.update(name for name in CONTENT_TYPES if (document["accountId"], name) in sums)
    return found


def of_type(document: AggregatedDocument, content_type: ContentType, sums: Sums) -> AggregatedDocument:
    """Return an account's document with the sums over its posts of one type in place of its metrics."""
    published = document["aggregatedMetrics"].get("postCountByType", {})
    metrics = sums.get((document["accountId"], content_type), {"postsMeasured": 0})
    rate = _rate_over_level(document, metrics) if document["platform"] in LEVEL_BASIS else {}
    return {**document, "aggregatedMetrics": {**metrics, **rate, "postCount": published.get(content_type, 0)}}


def _rate_over_level(document: AggregatedDocument, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the rate of posts of one type over the level that the whole account had at the end of the period."""
    level = document["aggregatedMetrics"].get(LEVEL_BASIS[document["platform"]])
    if not level or not metrics["postsMeasured"]:
        return {"postsMeasured": 0}
    engagement = metrics["totalEngagement"]
    return {
        "engagementRate": 100 * engagement / level,
        "engagementRateParts": {"engagement": engagement, "basis": level},
    }
