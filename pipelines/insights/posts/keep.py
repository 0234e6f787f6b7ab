"""Keep the curves of posts up to date: each post is read again only when its next age has come."""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from metrics.batches import batched
from metrics.catalog import DEFINITION_VERSION, engagement
from metrics.documents import Document, PostDocument
from metrics.periods import HOUR
from metrics.post_curves import FINAL_AGE, POINTS, PostCurveDocument, settled_after
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.upkeep.erase import take_back
from pipelines.insights.posts.curves import Reading, curve, is_open

YOUNG = settled_after(FINAL_AGE) + timedelta(days=2)
"""Posts that were published within this time may have a value that is not known yet, with two days for late runs."""
_POSTS = 200
"""Posts whose readings are in memory at the same time."""


def keep_curves(store: Store, workspace_id: str, since: datetime, now: datetime, *, again: Container[str] = ()) -> int:
    """Derive the curves of posts that were published from `since` on and may have a new value; return how many.

    Those of the posts `again` are derived in any case: late data may have changed values that were known.

    Raises:
        MongoUnavailable: MongoDB does not answer; keep them again.
    """
    known = store.post_curves.next_readings(workspace_id, since)
    due = [
        post
        for post in store.posts.published(workspace_id, since, now)
        if "timeUnknown" not in post and (post["_id"] in again or _is_due(known, post, now))
    ]
    for posts in batched(due, _POSTS):
        readings = read(store, posts, now)
        store.post_curves.put([derive(post, readings.get(post["_id"], ()), now) for post in posts])
        # An account that was erased meanwhile leaves nothing.
        take_back(store, sorted({post["accountId"] for post in posts}))
    return len(due)


def _is_due(known: Mapping[str, datetime | None], post: PostDocument, now: datetime) -> bool:
    due = known.get(post["_id"], now)
    return due is not None and due <= now


def derive(post: PostDocument, readings: Sequence[Reading], now: datetime) -> PostCurveDocument:
    """Return the curve of a post as known at an instant."""
    age = (now - post["publishedAt"]) / HOUR
    found: PostCurveDocument = {
        "_id": post["_id"],
        "workspaceId": post["workspaceId"],
        "accountId": post["accountId"],
        "platform": post["platform"],
        "metricType": post["metricType"],
        "publishedAt": post["publishedAt"],
        "values": [None if one is None else round(one, 3) for one in curve(readings, age)],
        "definitionVersion": DEFINITION_VERSION,
    }
    open_points = [point for point in POINTS if is_open(readings, point, age)]
    if open_points:
        found["dueAt"] = post["publishedAt"] + timedelta(hours=open_points[0])
    return found


def read(store: Store, posts: Sequence[PostDocument], now: datetime) -> dict[str, list[Reading]]:
    """Return the readings of posts until an instant, by post, in order of age; those without engagement are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    published = {post["_id"]: post["publishedAt"] for post in posts}
    first, last = min(published.values()) - HOUR, min(max(published.values()) + settled_after(FINAL_AGE), now)
    stages: list[Document] = [
        {"$match": {"metadata.postId": {"$in": list(published)}, "timestamp": {"$gte": first, "$lte": last}}},
        {"$match": {"collectedAt": {"$lte": now}}},
        {"$sort": {"metadata.postId": 1, "timestamp": 1, "collectedAt": 1, "_id": 1}},
        {"$project": {"_id": 0, "timestamp": 1, "collectedAt": 1, "metadata": 1, "metrics": 1}},
    ]
    found: dict[str, list[Reading]] = {}
    with mongo_errors():
        for post_id, rows in groupby(store.observations.aggregate(stages), lambda row: row["metadata"]["postId"]):
            found[post_id] = list(_readings(rows, published[post_id]))
    return found


def _readings(rows: Iterator[Document], published: datetime) -> Iterator[Reading]:
    for _, of_slot in groupby(rows, lambda row: row["timestamp"]):
        values: dict[str, int | float] = {}
        for row in of_slot:
            # A metric that a newer observation of the slot lacks keeps the older value.
            values |= row["metrics"]
            of = row["metadata"]
            total = engagement(values, of["platform"], of["metricType"], of.get("contentType", "other"))
            if total is not None:
                yield (row["collectedAt"] - published) / HOUR, float(total)
