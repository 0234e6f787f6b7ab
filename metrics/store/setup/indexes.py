"""The indexes of each collection, except the expiries of `lifetimes`."""

from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel

from metrics.store.rollup.export_marks import WAREHOUSE_MARKS
from metrics.store.rollup.roll_marks import KEPT_DAYS
from metrics.store.setup import insights
from metrics.store.setup.namespaces import NAMESPACES, OWN, PUBLIC, Namespace
from metrics.store.workspace.channels import MESSAGES_KEPT_DAYS

ONE_PER_PLATFORM_ACCOUNT = "one_per_platform_account"

_ALONE: Mapping[str, Sequence[IndexModel]] = {
    "operations": [
        IndexModel([("state", ASCENDING), ("createdAt", ASCENDING)]),
        # Tells when each workspace was served last, and finds the operations of a run.
        IndexModel([("workspaceId", ASCENDING), ("handedOutAt", DESCENDING)]),
        IndexModel([("batchId", ASCENDING)], sparse=True),
        # Makes a second request for a scope return the operation that is still queued.
        IndexModel(
            [("scopeKey", ASCENDING)],
            name="one_queued_per_scope",
            unique=True,
            partialFilterExpression={"state": "queued"},
        ),
        IndexModel(
            [("idempotencyKey", ASCENDING)],
            name="idempotency",
            unique=True,
            partialFilterExpression={"idempotencyKey": {"$exists": True}},
        ),
    ],
    "api_keys": [IndexModel([("prefix", ASCENDING)])],
    "quarantine": [IndexModel([("platform", ASCENDING), ("apiVersion", ASCENDING)])],
    "reading_memory": [
        IndexModel([("workspaceId", ASCENDING)]),
        IndexModel([("accountId", ASCENDING)]),
        IndexModel([("history.operationId", ASCENDING)], sparse=True),
        IndexModel([("history.state", ASCENDING)], sparse=True),
    ],
    "metric_definitions": [IndexModel([("workspaceId", ASCENDING), ("name", ASCENDING), ("version", ASCENDING)])],
    "campaigns": [IndexModel([("workspaceId", ASCENDING), ("name", ASCENDING)])],
    "alerts": [
        IndexModel([("workspaceId", ASCENDING), ("name", ASCENDING)]),
        IndexModel([("due", ASCENDING)], sparse=True),
    ],
    "alert_firings": [
        IndexModel([("workspaceId", ASCENDING), ("alert", ASCENDING), ("periodStart", DESCENDING)]),
        IndexModel([("nextAt", ASCENDING)], name="pending", partialFilterExpression={"pending": True}),
        IndexModel([("firedAt", ASCENDING)], name="expire", expireAfterSeconds=MESSAGES_KEPT_DAYS * 86_400),
    ],
    "anomaly_alerts": [IndexModel([("nextAt", ASCENDING)])],
    "anomaly_messages": [
        IndexModel([("workspaceId", ASCENDING), ("madeAt", DESCENDING)]),
        # An anomaly is in one message at most.
        IndexModel([("anomalyIds", ASCENDING)], name="once", unique=True),
        IndexModel([("nextAt", ASCENDING)], name="pending", partialFilterExpression={"pending": True}),
        IndexModel([("madeAt", ASCENDING)], name="expire", expireAfterSeconds=MESSAGES_KEPT_DAYS * 86_400),
    ],
    "erasures": [IndexModel([("state", ASCENDING)], sparse=True)],
    "erasure_names": [IndexModel([("erasureId", ASCENDING)])],
}


def _of_namespace(names: Namespace) -> Mapping[str, Sequence[IndexModel]]:
    """Return the indexes of the collections that both kinds of accounts have, except those of the accounts."""
    return {
        # The workspace is first, so that the log can be sharded by it. MongoDB turns these into indexes of buckets.
        names.log: [
            IndexModel([("metadata.workspaceId", ASCENDING), ("timestamp", ASCENDING)]),
            IndexModel([("metadata.accountId", ASCENDING), ("timestamp", ASCENDING)]),
            IndexModel([("metadata.postId", ASCENDING), ("timestamp", ASCENDING)]),
        ],
        names.posts: [
            IndexModel([("accountId", ASCENDING), ("publishedAt", DESCENDING)]),
            IndexModel([("workspaceId", ASCENDING), ("publishedAt", DESCENDING)]),
            # For removing content that may no longer be kept. Posts without content are not in it.
            IndexModel(
                [("platform", ASCENDING), ("content.seenAt", ASCENDING), ("publishedAt", ASCENDING)],
                name="content",
                partialFilterExpression={"content.seenAt": {"$exists": True}},
            ),
        ],
        names.collections: [
            IndexModel([("accountId", ASCENDING), ("slot", DESCENDING)]),
            IndexModel([("slot", ASCENDING), ("platform", ASCENDING), ("state", ASCENDING)]),
            IndexModel([("workspaceId", ASCENDING), ("slot", DESCENDING)]),
        ],
        names.roll_marks: [
            IndexModel(
                [("period", ASCENDING), ("periodStart", ASCENDING)],
                name="dirty",
                partialFilterExpression={"dirty": True},
            ),
            # Settled marks hold no data and can expire.
            IndexModel([("settledAt", ASCENDING)], name="expire", expireAfterSeconds=KEPT_DAYS * 86_400),
        ],
        # For deleting the openings of a roll-up; those of a killed one expire.
        names.roll_openings: [IndexModel([("roll", ASCENDING)])],
        names.export_marks: [IndexModel([("day", ASCENDING)])],
        names.subject_rollups: [
            IndexModel([("workspaceId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
            IndexModel([("accountId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
            IndexModel([("subjectId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
        ],
        names.account_rollups: [
            IndexModel([("workspaceId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
            IndexModel([("accountId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
        ],
    }


INDEXES: Mapping[str, Sequence[IndexModel]] = {
    **_ALONE,
    WAREHOUSE_MARKS: [IndexModel([("warehouse", ASCENDING), ("day", ASCENDING)])],
    **insights.INDEXES,
    **{name: models for names in NAMESPACES for name, models in _of_namespace(names).items()},
    OWN.accounts: [
        # The workspace is first: a unique index of a sharded collection has to begin with the shard key.
        IndexModel(
            [("workspaceId", ASCENDING), ("platform", ASCENDING), ("platformAccountId", ASCENDING)],
            name=ONE_PER_PLATFORM_ACCOUNT,
            unique=True,
        ),
        # Includes the id, so that a shard finds its accounts without reading the others.
        IndexModel([("platform", ASCENDING), ("state", ASCENDING), ("workspaceId", ASCENDING), ("_id", ASCENDING)]),
        # The same account of a platform may be connected in several workspaces, which share one token then.
        IndexModel([("platformAccountId", ASCENDING)]),
    ],
    PUBLIC.accounts: [
        # An account that is watched by its handle and by its id is resolved once.
        IndexModel(
            [("workspaceId", ASCENDING), ("platform", ASCENDING), ("platformAccountId", ASCENDING)],
            name=ONE_PER_PLATFORM_ACCOUNT,
            unique=True,
            partialFilterExpression={"platformAccountId": {"$exists": True}},
        ),
        IndexModel([("platform", ASCENDING), ("state", ASCENDING), ("workspaceId", ASCENDING), ("_id", ASCENDING)]),
        # An account that several workspaces watch is read once, where the terms allow it.
        IndexModel([("platformAccountId", ASCENDING)], sparse=True),
        IndexModel([("own", ASCENDING)], sparse=True),
    ],
}
"""The indexes by collection."""
