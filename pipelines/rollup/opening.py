"""Openings: find the values of counters just before a period, without scanning the whole history.

Each followed post that is due on a day is also due in its last slot, so nearly all values are in the hour before the
period. Values that are missing there are searched in growing windows, only for the subjects and metrics that lack them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from metrics.aggregation.mongo_expressions import Expression, numbers_only, when
from metrics.batches import batched
from metrics.catalog import metrics_of
from metrics.documents import Document
from metrics.periods import HOUR
from metrics.store import Store
from metrics.store.observations import ObservationLog

_REACHES = (timedelta(days=1), timedelta(days=8), timedelta(days=40), timedelta(days=200))
_BATCH = 1000
_COUNTERS = [metric.name for metric in metrics_of("post", "counter", "gauge")]
_GAUGES = [metric.name for metric in metrics_of("account", "counter", "gauge")]

SUBJECT = {"$ifNull": ["$metadata.postId", "$metadata.accountId"]}


@dataclass
class Opening:
    """The values of a subject before the period.

    `wanted` are the metrics that are searched, `found` their values. `born` says that the post was published after its
    account was connected.
    """

    subject_id: str
    workspace_id: str
    account_id: str
    post: bool
    wanted: set[str]
    found: dict[str, Any] = field(default_factory=dict)
    born: bool = False

    @property
    def complete(self) -> bool:
        """True if every metric of the period has a value before it."""
        return self.wanted <= self.found.keys()


def openings(store: Store, workspace_ids: Sequence[str], start: datetime, end: datetime) -> list[Opening]:
    """Return openings of the subjects observed in `[start, end)` of which the hour before lacks a value."""
    log = store.observations
    rows = log.aggregate(_survey(workspace_ids, start, end))
    missing = [Opening(row["_id"], row["workspace"], row["account"], row["post"], set(row["wanted"])) for row in rows]
    _search(log, workspace_ids, missing, start)
    if posts := [opening for opening in missing if not opening.complete and opening.post]:
        _mark_born(store, posts)
    return missing


def _survey(workspace_ids: Sequence[str], start: datetime, end: datetime) -> list[Document]:
    """Return stages that give, per subject of the period, the counters and gauges that the hour before lacks."""
    inside = {"$gte": ["$timestamp", start]}
    return [
        {
            "$match": {
                "metadata.workspaceId": {"$in": list(workspace_ids)},
                "timestamp": {"$gte": start - HOUR, "$lt": end},
            }
        },
        {
            "$group": {
                "_id": SUBJECT,
                "workspace": {"$first": "$metadata.workspaceId"},
                "account": {"$first": "$metadata.accountId"},
                "post": {"$max": {"$ne": ["$metadata.metricType", "account"]}},
                "within": {"$mergeObjects": {"$cond": [inside, "$metrics", {}]}},
                "before": {"$mergeObjects": {"$cond": [inside, {}, "$metrics"]}},
                "observed": {"$max": inside},
            }
        },
        {"$match": {"observed": True}},
        {
            "$project": {
                "workspace": 1,
                "account": 1,
                "post": 1,
                "wanted": {
                    "$setDifference": [
                        {"$setIntersection": [_names("$within"), when("$post", _COUNTERS, _GAUGES)]},
                        _names(numbers_only("$before")),
                    ]
                },
            }
        },
        {"$match": {"wanted": {"$ne": []}}},
    ]


def _names(values: Expression) -> Expression:
    return {"$map": {"input": {"$objectToArray": values}, "in": "$$this.k"}}


def _search(log: ObservationLog, workspace_ids: Sequence[str], missing: list[Opening], start: datetime) -> None:
    """Search the values in the log before the hour before `start`, newest first, and add them to the openings."""
    if not missing:
        return
    floor = _oldest(log, workspace_ids, start)
    high = start - HOUR
    for low in [*(start - reach for reach in _REACHES), floor]:
        rest = {opening.subject_id: opening for opening in missing if not opening.complete}
        if not rest or high <= floor:
            return
        for row in _last_values(log, workspace_ids, rest, max(low, floor), high):
            found = rest[row["_id"]].found
            found.update({name: value for name, value in row["metrics"].items() if name not in found})
        high = min(high, max(low, floor))


def _oldest(log: ObservationLog, workspace_ids: Sequence[str], start: datetime) -> datetime:
    """Return the oldest slot of the workspaces, or `start` if they have none before it."""
    found = [start]
    for workspace_id in workspace_ids:
        first = log.oldest_slot(workspace_id)
        found += [first] if first else []
    return min(found)


def _last_values(
    log: ObservationLog, workspace_ids: Sequence[str], rest: Mapping[str, Opening], low: datetime, high: datetime
) -> Iterator[Document]:
    posts = [opening.subject_id for opening in rest.values() if opening.post]
    accounts = [opening.subject_id for opening in rest.values() if not opening.post]
    scope: Document = {"metadata.workspaceId": {"$in": list(workspace_ids)}, "timestamp": {"$gte": low, "$lt": high}}
    matches: list[Document] = [{**scope, "metadata.postId": {"$in": batch}} for batch in batched(posts, _BATCH)]
    if accounts:
        matches.append({**scope, "metadata.metricType": "account", "metadata.accountId": {"$in": accounts}})
    for match in matches:
        yield from log.aggregate(
            [
                {"$match": match},
                {"$sort": {"timestamp": 1, "collectedAt": 1, "_id": 1}},
                {"$group": {"_id": SUBJECT, "metrics": {"$mergeObjects": numbers_only("$metrics")}}},
            ]
        )


def _mark_born(store: Store, posts: list[Opening]) -> None:
    """Mark posts published at or after their account's connection: we observed them gain their whole count."""
    connected = store.accounts.connected_at({post.account_id for post in posts})
    published = store.posts.published_at([post.subject_id for post in posts])
    for post in posts:
        at, since = published.get(post.subject_id), connected.get(post.account_id)
        post.born = at is not None and since is not None and at >= since
