"""The schema: collections, validators and indexes, which `Store.ensure` creates on MongoDB 6.0 and later."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from metrics.documents import ACCOUNT_STATES, OPERATION_KINDS, Document
from metrics.periods import PERIODS
from metrics.settings import Settings
from metrics.store.rollup.roll_marks import KEPT_DAYS
from metrics.store.setup import insights, lifetimes
from metrics.store.setup.disconnections import note_disconnections
from metrics.store.setup.identities import normalise_accounts
from metrics.store.setup.insights import DATE, STRING
from metrics.store.setup.lifetimes import METRICS
from metrics.store.workspace.channels import MESSAGES_KEPT_DAYS

__all__ = ["METRICS", "bucketing", "ensure"]

BUCKET_SECONDS = 86_400
ONE_PER_PLATFORM_ACCOUNT = "one_per_platform_account"
_NAMESPACE_EXISTS = 48
_INDEX_EXISTS = (85, 86)
"""MongoDB's error codes for an index that exists with other options, or with the same name and other fields."""

_REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "accounts": {
        "_id": STRING,
        "workspaceId": STRING,
        "platform": STRING,
        "platformAccountId": STRING,
        "state": {"enum": list(ACCOUNT_STATES)},
        "connectedAt": DATE,
    },
    "posts": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountId": STRING,
        "platformPostId": STRING,
        "metricType": {"enum": ["post", "story", "reel"]},
        "publishedAt": DATE,
    },
    "collections": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountId": STRING,
        "slot": DATE,
        "state": {"enum": ["collected", "failed", "skipped"]},
    },
    "operations": {
        "_id": STRING,
        "workspaceId": STRING,
        "kind": {"enum": list(OPERATION_KINDS)},
        "state": {"enum": ["queued", "running", "succeeded", "partial", "failed"]},
        "createdAt": DATE,
        "scopeKey": STRING,
    },
    "api_keys": {"_id": STRING, "workspaces": {"bsonType": "array"}, "scopes": {"bsonType": "array"}},
    "quarantine": {"_id": STRING, "platform": STRING, "apiVersion": STRING, "metric": STRING, "since": DATE},
    "roll_marks": {"_id": STRING, "workspaceId": STRING, "periodStart": DATE},
    "roll_openings": {"_id": STRING, "roll": STRING, "at": DATE, "workspaceId": STRING, "accountId": STRING},
    "shard_reports": {"_id": STRING, "at": DATE},
    "export_marks": {"_id": STRING, "workspaceId": STRING, "day": DATE},
    "workspace_settings": {"_id": STRING},
    "metric_definitions": {
        "_id": STRING,
        "workspaceId": STRING,
        "name": STRING,
        "version": {"bsonType": ["int", "long"], "minimum": 1},
        "expression": STRING,
        "unit": STRING,
        "createdAt": DATE,
    },
    "campaigns": {
        "_id": STRING,
        "workspaceId": STRING,
        "name": STRING,
        "title": STRING,
        "startDate": STRING,
        "endDate": STRING,
    },
    "alerts": {
        "_id": STRING,
        "workspaceId": STRING,
        "name": STRING,
        "metric": STRING,
        "period": {"enum": list(PERIODS)},
        "channels": {"bsonType": "array"},
    },
    "alert_firings": {"_id": STRING, "workspaceId": STRING, "alert": STRING, "periodStart": DATE, "nextAt": DATE},
    "anomaly_alerts": {
        "_id": STRING,
        "workspaceId": STRING,
        "minSeverity": {"bsonType": ["int", "long"], "minimum": 1, "maximum": 10},
        "channels": {"bsonType": "array"},
        "nextAt": DATE,
    },
    "anomaly_messages": {
        "_id": STRING,
        "workspaceId": STRING,
        "anomalyIds": {"bsonType": "array"},
        "madeAt": DATE,
        "nextAt": DATE,
    },
    **insights.REQUIRED,
    "store_sizes": {"_id": STRING, "at": DATE},
    "reading_memory": {"_id": STRING, "workspaceId": STRING, "accountId": STRING},
    "erasures": {"_id": STRING, "kind": {"enum": ["account", "workspace"]}, "at": DATE, "by": STRING},
    "erasure_names": {"_id": STRING, "erasureId": STRING, "what": STRING, "ids": {"bsonType": "array"}},
    "subject_rollups": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "periodStart": DATE},
    "aggregated_metrics": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "periodStart": DATE},
}

_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    # The workspace is first, so that the log can be sharded by it. MongoDB turns these into indexes of buckets.
    METRICS: [
        IndexModel([("metadata.workspaceId", ASCENDING), ("timestamp", ASCENDING)]),
        IndexModel([("metadata.accountId", ASCENDING), ("timestamp", ASCENDING)]),
        IndexModel([("metadata.postId", ASCENDING), ("timestamp", ASCENDING)]),
    ],
    "accounts": [
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
    "posts": [
        IndexModel([("accountId", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("workspaceId", ASCENDING), ("publishedAt", DESCENDING)]),
        # For removing content that may no longer be kept. Posts without content are not in it.
        IndexModel(
            [("platform", ASCENDING), ("content.seenAt", ASCENDING), ("publishedAt", ASCENDING)],
            name="content",
            partialFilterExpression={"content.seenAt": {"$exists": True}},
        ),
    ],
    "collections": [
        IndexModel([("accountId", ASCENDING), ("slot", DESCENDING)]),
        IndexModel([("slot", ASCENDING), ("platform", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("workspaceId", ASCENDING), ("slot", DESCENDING)]),
    ],
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
    "roll_marks": [
        IndexModel(
            [("period", ASCENDING), ("periodStart", ASCENDING)],
            name="dirty",
            partialFilterExpression={"dirty": True},
        ),
        # Settled marks hold no data and can expire.
        IndexModel([("settledAt", ASCENDING)], name="expire", expireAfterSeconds=KEPT_DAYS * 86_400),
    ],
    # For deleting the openings of a roll-up; those of a killed one expire.
    "roll_openings": [IndexModel([("roll", ASCENDING)])],
    "export_marks": [IndexModel([("day", ASCENDING)])],
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
    **insights.INDEXES,
    "erasures": [IndexModel([("state", ASCENDING)], sparse=True)],
    "erasure_names": [IndexModel([("erasureId", ASCENDING)])],
    "subject_rollups": [
        IndexModel([("workspaceId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
        IndexModel([("accountId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
        IndexModel([("subjectId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
    ],
    "aggregated_metrics": [
        IndexModel([("workspaceId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
        IndexModel([("accountId", ASCENDING), ("period", ASCENDING), ("periodStart", ASCENDING)]),
    ],
}

_FORMER_INDEXES = (("quarantine", "expire"),)
"""Harmful indexes of older versions, which are dropped: this one ended quarantine after a week."""


def ensure(db: Database[Document], settings: Settings) -> None:
    """Create collections, validators and indexes that are missing; safe to run from several processes at once.

    A validator of another version of Tidemark is replaced. Expiries are taken from the settings only if a collection is
    new or empty: for existing documents, only `metrics.store.setup.lifetimes.apply` changes them.
    """
    existing = {one["name"]: one.get("options", {}) for one in db.list_collections()}
    wanted = lifetimes.lifetimes(settings)
    if METRICS not in existing:
        _create_log(db, next(one.seconds for one in wanted if one.collection == METRICS))
    for name, properties in _REQUIRED.items():
        _ensure_collection(db, name, existing, properties)
    indexes: Mapping[str, Collection[str]] = {
        name: db[name].index_information().keys() for name in {*_REQUIRED, METRICS}
    }
    _convert_documents_of_older_versions(db, indexes)
    _ensure_indexes(db, indexes)
    for lifetime in wanted:
        if lifetime.index is not None and lifetime.index not in indexes[lifetime.collection]:
            _create_expiry_of_empty(db, lifetime)


def _convert_documents_of_older_versions(db: Database[Document], indexes: Mapping[str, Collection[str]]) -> None:
    """Make documents of older versions of Tidemark fit the indexes that are created next."""
    normalise_accounts(db["accounts"])
    if ONE_PER_PLATFORM_ACCOUNT not in indexes["accounts"]:
        note_disconnections(db)
    if "expire" not in indexes["roll_marks"]:
        # Marks of older versions lack the time of settling.
        db["roll_marks"].update_many(
            {"dirty": False, "settledAt": {"$exists": False}}, {"$currentDate": {"settledAt": True}}
        )


def _ensure_indexes(db: Database[Document], indexes: Mapping[str, Collection[str]]) -> None:
    """Create the indexes that are missing, except expiries, and drop those of `_FORMER_INDEXES`."""
    for name, models in _INDEXES.items():
        if missing := [one for one in models if one.document["name"] not in indexes[name]]:
            db[name].create_indexes(missing)
    for name, index in _FORMER_INDEXES:
        if index in indexes[name]:
            db[name].drop_index(index)


def bucketing(version: Sequence[int]) -> dict[str, Any]:
    """Return the options for buckets of 24 hours: a named granularity up to MongoDB 6.2, seconds from 6.3 on."""
    if tuple(version[:2]) >= (6, 3):
        return {"bucketMaxSpanSeconds": BUCKET_SECONDS, "bucketRoundingSeconds": BUCKET_SECONDS}
    return {"granularity": "minutes"}


def _create_log(db: Database[Document], retention_seconds: int) -> None:
    version = db.client.server_info()["versionArray"]
    options = {"timeField": "timestamp", "metaField": "metadata", **bucketing(version)}
    try:
        db.create_collection(METRICS, timeseries=options, expireAfterSeconds=retention_seconds)
    except (CollectionInvalid, OperationFailure) as error:
        if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
            raise


def _ensure_collection(
    db: Database[Document],
    name: str,
    existing: Mapping[str, Mapping[str, Any]],
    properties: Mapping[str, Mapping[str, Any]],
) -> None:
    validator = {"$jsonSchema": {"bsonType": "object", "required": list(properties), "properties": dict(properties)}}
    if name not in existing:
        try:
            db.create_collection(name, validator=validator)
        except (CollectionInvalid, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
                raise
        else:
            return
    elif existing[name].get("validator") == validator:
        return
    db.command("collMod", name, validator=validator)


def _create_expiry_of_empty(db: Database[Document], lifetime: lifetimes.Lifetime) -> None:
    """Create the TTL index of an empty collection, unless another process with other settings has just done so."""
    if db[lifetime.collection].find_one({}, {"_id": 1}) is not None:
        return
    try:
        lifetimes.create(db, lifetime)
    except OperationFailure as error:
        if error.code not in _INDEX_EXISTS:
            raise
