"""Sums over a part of the posts: those of each content type, of each metric type, or of each pair of both.

They are derived from the rollups of posts when they are read; nothing is written. The hours in which an account was
read are not counted by part. So coverage and status of such sums are those of the accounts' own documents.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

from metrics.aggregation.mongo_expressions import is_number, when
from metrics.aggregation.post_sums import (
    TOTALS,
    by_basis,
    post_accumulators,
    post_metrics,
    rate_stages,
    rates_over_posts,
)
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods
from metrics.catalog import LEVEL_BASIS
from metrics.documents import AggregatedDocument, ContentType, Document, MetricType
from metrics.expected import Span
from metrics.periods import Period
from metrics.store import Store
from metrics.store.errors import mongo_errors

Trait = Literal["contentType", "metricType"]
"""A field of posts by which they are divided into parts."""


class PostPart(NamedTuple):
    """The posts of a content type, of a metric type, or of both; None stands for all types."""

    content_type: ContentType | None = None
    metric_type: MetricType | None = None

    def has(self, traits: Mapping[str, Any]) -> bool:
        """Tell whether a post with these fields is among the posts."""
        content_type, metric_type = traits.get("contentType") or "other", traits["metricType"]
        return self.content_type in (None, content_type) and self.metric_type in (None, metric_type)


Sums = Mapping[tuple[str, PostPart], Mapping[str, Any]]
"""The sums of one period, by account id and part; parts without an observed post are left out.

A rate over a level of the account is missing: `of_part` adds it, since the level is in the account's document.
`postsMeasured` is then the number of posts whose engagement is known.
"""
PostCounts = Mapping[tuple[str, PostPart], int]
"""The number of posts that were published in a period, by account id and part."""
POSTS: Document = {"$ne": "account"}
"""The metric types of posts, as a condition of a query."""


def stored_sums(
    store: Store, period: Period, start: datetime, end: datetime, scope: Document, by: Sequence[Trait]
) -> dict[datetime, Sums]:
    """Return the sums of every whole period that starts in `[start, end)`, by its start.

    `scope` has `workspaceId`, and may narrow `platform` and `accountId`. `by` names the fields that divide the posts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    match = {**scope, "period": period, "periodStart": {"$gte": start, "$lt": end}, "metricType": POSTS}
    found: dict[datetime, dict[tuple[str, PostPart], Mapping[str, Any]]] = {}
    for row in _summed(store, [{"$match": match}], "$periodStart", by):
        found.setdefault(row["_id"]["start"], {})[_key(row)] = row["metrics"]
    return cast("dict[datetime, Sums]", found)


def merged_sums(
    store: Store, span: Span, scope: Document, by: Sequence[Trait], periods: StoredPeriods = DAYS_ALONE
) -> Sums:
    """Return the sums of any whole days, merged from rollups; the arguments are those of `stored_sums` and `nets`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    rows = _summed(store, nets(span, {**scope, "metricType": POSTS}, periods), None, by)
    return {_key(row): row["metrics"] for row in rows}


def _key(row: Document) -> tuple[str, PostPart]:
    found = row["_id"]
    return found["account"], PostPart(found.get("contentType"), found.get("metricType"))


def nets(span: Span, scope: Document, periods: StoredPeriods) -> list[Document]:
    """Return stages that merge the nets of whole days into one document per post; `scope` selects rollups of posts.

    `periods` are the weeks and months that are read in place of their days. `merge_days` merges every field of every
    metric, which takes MongoDB several times as long.
    """
    paths = {name: f"$metrics.{name}.net" for name in TOTALS}
    return [
        {"$match": {"$and": [scope, periods.query([span])]}},
        {"$sort": {"periodStart": 1}},
        {
            "$group": {
                "_id": "$subjectId",
                **{
                    name: {"$last": f"${name}"}
                    for name in ("workspaceId", "accountId", "platform", "metricType", "contentType")
                },
                **{name: {"$sum": net} for name, net in paths.items()},
                **{f"{name}Known": {"$sum": when(is_number(net), 1, 0)} for name, net in paths.items()},
            }
        },
        {"$set": {"metrics": {n: {"net": when({"$gt": [f"${n}Known", 0]}, f"${n}")} for n in TOTALS}}},
    ]


def _summed(store: Store, stages: list[Document], start: str | None, by: Sequence[Trait]) -> list[Document]:
    traits: Document = {"contentType": {"$ifNull": ["$contentType", "other"]}, "metricType": "$metricType"}
    key: Document = {"start": start, "account": "$accountId"} | {trait: traits[trait] for trait in by}
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


def published_counts(
    store: Store, spans: Sequence[Span], scope: Document, by: Sequence[Trait]
) -> dict[Span, PostCounts]:
    """Return the number of posts that were published in each span; the arguments are those of `stored_sums`.

    A post that is known under two ids counts once, as in the rollups of accounts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if not spans:
        return {}
    bounds = {"$gte": min(start for start, _ in spans), "$lt": max(end for _, end in spans)}
    query = {**scope, "publishedAt": bounds, "sameAs": {"$exists": False}}
    with mongo_errors():
        posts = list(
            store.db[store.names.posts].find(
                query, {"_id": 0, "accountId": 1, "publishedAt": 1, **dict.fromkeys(map(str, by), 1)}
            )
        )
    published: dict[tuple[str, PostPart], list[datetime]] = {}
    for post in posts:
        content_type: ContentType | None = post.get("contentType", "other") if "contentType" in by else None
        part = PostPart(content_type, post["metricType"] if "metricType" in by else None)
        published.setdefault((post["accountId"], part), []).append(post["publishedAt"])
    for times in published.values():
        times.sort()
    return {
        (start, end): {
            key: n for key, times in published.items() if (n := bisect_left(times, end) - bisect_left(times, start))
        }
        for start, end in spans
    }


def parts_of(documents: Iterable[AggregatedDocument], sums: Sums, counts: PostCounts | None = None) -> set[PostPart]:
    """Return the parts of which the accounts of these documents published a post, or had one observed.

    Without `counts` the parts are content types, whose published posts the documents count.
    """
    found: set[PostPart] = set()
    accounts = {document["accountId"]: document for document in documents}
    for document in accounts.values():
        if counts is None:
            found.update(map(PostPart, document["aggregatedMetrics"].get("postCountByType", ())))
    observed = sums if counts is None else (*sums, *counts)
    return found | {part for account_id, part in observed if account_id in accounts}


def of_part(
    document: AggregatedDocument, part: PostPart, sums: Sums, counts: PostCounts | None = None
) -> AggregatedDocument:
    """Return an account's document with the sums over one part of its posts in place of its metrics.

    The documents count the published posts of each content type. For parts by metric type, `counts` has the numbers.
    """
    if counts is None:
        published = document["aggregatedMetrics"].get("postCountByType", {}).get(part.content_type, 0)
    else:
        published = counts.get((document["accountId"], part), 0)
    metrics = sums.get((document["accountId"], part), {"postsMeasured": 0})
    rate = _rate_over_level(document, metrics) if document["platform"] in LEVEL_BASIS else {}
    return {**document, "aggregatedMetrics": {**metrics, **rate, "postCount": published}}


def _rate_over_level(document: AggregatedDocument, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the rate of a part of the posts over the level that the whole account had at the end of the period."""
    level = document["aggregatedMetrics"].get(LEVEL_BASIS[document["platform"]])
    if not level or not metrics["postsMeasured"]:
        return {"postsMeasured": 0}
    engagement = metrics["totalEngagement"]
    return {
        "engagementRate": 100 * engagement / level,
        "engagementRateParts": {"engagement": engagement, "basis": level},
    }
