"""Rollups of some posts alone: documents of accounts, with the sums over these posts in place of their metrics."""

from collections import Counter
from collections.abc import Collection, Mapping

from metrics.aggregation.post_parts import PostPart, merged_sums, of_part
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods
from metrics.documents import AggregatedDocument, Document
from metrics.expected import Span
from metrics.store import Store

ALL = PostPart()
"""The part of the posts that are read, without a division by type."""

Rollups = Mapping[Span, Mapping[str, AggregatedDocument]]


def rollups_of_posts(
    store: Store, rollups: Rollups, scope: Document, post_ids: Collection[str], periods: StoredPeriods = DAYS_ALONE
) -> Rollups:
    """Return documents of accounts over spans of whole days with the sums over some posts, and no number of accounts.

    `scope` selects rollups by workspace and calendar. `periods` are those that are read in place of their days.
    Coverage and status stay those of the accounts.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    posts = [post for post in store.posts.of_ids(list(post_ids)) if "sameAs" not in post]
    of_posts = {**scope, "subjectId": {"$in": sorted(post_ids)}}
    found: dict[Span, dict[str, AggregatedDocument]] = {}
    for (start, end), documents in rollups.items():
        sums = merged_sums(store, (start, end), of_posts, (), periods)
        types: dict[str, Counter[str]] = {account_id: Counter() for account_id in documents}
        for post in posts:
            if start <= post["publishedAt"] < end and post["accountId"] in types:
                types[post["accountId"]][post.get("contentType", "other")] += 1
        found[start, end] = {
            account_id: _of_posts(document, sums, types[account_id]) for account_id, document in documents.items()
        }
    return found


def _of_posts(document: AggregatedDocument, sums: Mapping, types: Counter[str]) -> AggregatedDocument:  # type: ignore[type-arg]
    key = (document["accountId"], ALL)
    part = of_part(document, ALL, sums, {key: types.total()})
    metrics = {**part["aggregatedMetrics"], "postCountByType": dict(sorted(types.items()))}
    kept = {name: reason for name, reason in part.get("unavailable", {}).items() if name not in metrics}
    return {**part, "aggregatedMetrics": metrics, "unavailable": kept}
