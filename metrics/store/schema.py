"""Collections, validators and indexes. What is here exists after `Store.ensure`, on MongoDB 6.0 and later."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from metrics.documents import ACCOUNT_STATES, OPERATION_KINDS, Document
from metrics.settings import Settings
from metrics.store.disconnections import note_disconnections
from metrics.store.identities import normalise_accounts

METRICS = "metrics"
BUCKET_SECONDS = 86_400
ONE_PER_PLATFORM_ACCOUNT = "one_per_platform_account"
_NAMESPACE_EXISTS = 48

_STRING = {"bsonType": "string", "minLength": 1}
_DATE = {"bsonType": "date"}

_REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "accounts": {
        "_id": _STRING,
        "workspaceId": _STRING,
        "platform": _STRING,
        "platformAccountId": _STRING,
        "state": {"enum": list(ACCOUNT_STATES)},
        "connectedAt": _DATE,
    },
    "posts": {
        "_id": _STRING,
        "workspaceId": _STRING,
        "accountId": _STRING,
        "platformPostId": _STRING,
        "metricType": {"enum": ["post", "story", "reel"]},
        "publishedAt": _DATE,
    },
    "collections": {
        "_id": _STRING,
        "workspaceId": _STRING,
        "accountId": _STRING,
        "slot": _DATE,
        "state": {"enum": ["collected", "failed", "skipped"]},
    },
    "operations": {
        "_id": _STRING,
        "workspaceId": _STRING,
        "kind": {"enum": list(OPERATION_KINDS)},
        "state": {"enum": ["queued", "running", "succeeded", "partial", "failed"]},
        "createdAt": _DATE,
        "scopeKey": _STRING,
    },
    "api_keys": {"_id": _STRING, "workspaces": {"bsonType": "array"}, "scopes": {"bsonType": "array"}},
    "quarantine": {"_id": _STRING, "platform": _STRING, "apiVersion": _STRING, "metric": _STRING, "since": _DATE},
    "roll_marks": {"_id": _STRING, "workspaceId": _STRING, "periodStart": _DATE},
    "shard_reports": {"_id": _STRING, "at": _DATE},
    "export_marks": {"_id": _STRING, "workspaceId": _STRING, "day": _DATE},
    "workspace_settings": {"_id": _STRING},
    "reading_memory": {"_id": _STRING, "workspaceId": _STRING, "accountId": _STRING},
    "erasures": {"_id": _STRING, "kind": {"enum": ["account", "workspace"]}, "at": _DATE, "by": _STRING},
    "subject_rollups": {"_id": _STRING, "workspaceId": _STRING, "accountId": _STRING, "periodStart": _DATE},
    "aggregated_metrics": {"_id": _STRING, "workspaceId": _STRING, "accountId": _STRING, "periodStart": _DATE},
}

_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    # The workspace leads every query, so that the log can be sharded by it. MongoDB makes bucket indexes of these.
    METRICS: [
        IndexModel([("metadata.workspaceId", ASCENDING), ("timestamp", ASCENDING)]),
        IndexModel([("metadata.accountId", ASCENDING), ("timestamp", ASCENDING)]),
        IndexModel([("metadata.postId", ASCENDING), ("timestamp", ASCENDING)]),
    ],
    "accounts": [
        # The workspace leads: a unique index of a sharded collection has to begin with the shard key.
        IndexModel(
            [("workspaceId", ASCENDING), ("platform", ASCENDING), ("platformAccountId", ASCENDING)],
            name=ONE_PER_PLATFORM_ACCOUNT,
            unique=True,
        ),
        # With the id, so that a shard finds its accounts without reading the others.
        IndexModel([("platform", ASCENDING), ("state", ASCENDING), ("workspaceId", ASCENDING), ("_id", ASCENDING)]),
        # The same account of a platform may be connected in several workspaces, which share one token then.
        IndexModel([("platformAccountId", ASCENDING)]),
    ],
    "posts": [
        IndexModel([("accountId", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("workspaceId", ASCENDING), ("publishedAt", DESCENDING)]),
    ],
    "collections": [
        IndexModel([("accountId", ASCENDING), ("slot", DESCENDING)]),
        IndexModel([("slot", ASCENDING), ("platform", ASCENDING), ("state", ASCENDING)]),
        IndexModel([("workspaceId", ASCENDING), ("slot", DESCENDING)]),
    ],
    "operations": [
        IndexModel([("state", ASCENDING), ("createdAt", ASCENDING)]),
        # A second request for the same scope while one is queued meets this and gets the queued one.
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
        IndexModel([("finishedAt", ASCENDING)], name="expire", expireAfterSeconds=90 * 86_400),
    ],
    "api_keys": [IndexModel([("prefix", ASCENDING)])],
    # A refusal that nobody met again for a month, because no post of its kind was read, is forgotten.
    "quarantine": [
        IndexModel([("platform", ASCENDING), ("apiVersion", ASCENDING)]),
        IndexModel([("triedAt", ASCENDING)], name="forget", expireAfterSeconds=30 * 86_400),
    ],
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
        )
    ],
    # Longer than anybody executes a failed run again.
    "shard_reports": [IndexModel([("at", ASCENDING)], name="expire", expireAfterSeconds=7 * 86_400)],
    "export_marks": [IndexModel([("day", ASCENDING)])],
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
"""Indexes of older versions that would do harm: this one forgot refusals after a week."""


def ensure(db: Database[Document], settings: Settings) -> None:
    """Create collections, validators and indexes that are missing; safe to run from several processes at once."""
    existing = set(db.list_collection_names())
    _ensure_log(db, existing, settings.retention_days * 86_400)
    for name, properties in _REQUIRED.items():
        _ensure_collection(db, name, existing, properties)
    normalise_accounts(db["accounts"])
    if ONE_PER_PLATFORM_ACCOUNT not in db["accounts"].index_information():
        note_disconnections(db)
    for name, indexes in _INDEXES.items():
        db[name].create_indexes(list(indexes))
    for name, index in _FORMER_INDEXES:
        if index in db[name].index_information():
            db[name].drop_index(index)
    for name in ("subject_rollups", "aggregated_metrics"):
        _ensure_expiry(db, name, "periodEnd", settings.rollup_retention_days * 86_400)


def bucketing(version: Sequence[int]) -> dict[str, Any]:
    """Return the options that make buckets of 24 hours: by name up to 6.2, by seconds after."""
    if tuple(version[:2]) >= (6, 3):
        return {"bucketMaxSpanSeconds": BUCKET_SECONDS, "bucketRoundingSeconds": BUCKET_SECONDS}
    return {"granularity": "minutes"}


def _ensure_log(db: Database[Document], existing: set[str], retention_seconds: int) -> None:
    if METRICS not in existing:
        version = db.client.server_info()["versionArray"]
        options = {"timeField": "timestamp", "metaField": "metadata", **bucketing(version)}
        try:
            db.create_collection(METRICS, timeseries=options, expireAfterSeconds=retention_seconds)
        except (CollectionInvalid, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
                raise
        else:
            return
    db.command("collMod", METRICS, expireAfterSeconds=retention_seconds)


def _ensure_collection(
    db: Database[Document], name: str, existing: set[str], properties: Mapping[str, Mapping[str, Any]]
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
    db.command("collMod", name, validator=validator)


def _ensure_expiry(db: Database[Document], name: str, field: str, seconds: int) -> None:
    existing = db[name].index_information().get("expire")
    if existing is None:
        db[name].create_index([(field, ASCENDING)], name="expire", expireAfterSeconds=seconds)
    elif existing.get("expireAfterSeconds") != seconds:
        db.command("collMod", name, index={"name": "expire", "expireAfterSeconds": seconds})
