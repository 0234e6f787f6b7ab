"""The required fields of the documents of each collection, from which MongoDB's validators are made."""

from collections.abc import Mapping
from typing import Any

from metrics.documents import ACCOUNT_STATES, OPERATION_KINDS, WATCHED_STATES
from metrics.periods import PERIODS
from metrics.store.setup import insights
from metrics.store.setup.insights import DATE, STRING
from metrics.store.setup.namespaces import NAMESPACES, OWN, PUBLIC, Namespace

Properties = Mapping[str, Mapping[str, Any]]
"""The required fields of a collection, each with its type as a JSON schema."""

_ALONE: Mapping[str, Properties] = {
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
    "shard_reports": {"_id": STRING, "at": DATE},
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
    "store_sizes": {"_id": STRING, "at": DATE},
    "reading_memory": {"_id": STRING, "workspaceId": STRING, "accountId": STRING},
    "warehouses": {"_id": STRING, "kind": {"enum": ["duckdb", "postgres"]}, "createdAt": DATE, "createdBy": STRING},
    "warehouse_marks": {"_id": STRING, "warehouse": STRING, "workspaceId": STRING, "day": DATE},
    "erasures": {"_id": STRING, "kind": {"enum": ["account", "workspace"]}, "at": DATE, "by": STRING},
    "erasure_names": {"_id": STRING, "erasureId": STRING, "what": STRING, "ids": {"bsonType": "array"}},
}


def _of_namespace(names: Namespace) -> Mapping[str, Properties]:
    """Return the fields of the collections that both kinds of accounts have, except those of the accounts."""
    of_account: Properties = {"_id": STRING, "workspaceId": STRING, "accountId": STRING}
    of_workspace: Properties = {"_id": STRING, "workspaceId": STRING}
    return {
        names.posts: {
            **of_account,
            "platformPostId": STRING,
            "metricType": {"enum": ["post", "story", "reel"]},
            "publishedAt": DATE,
        },
        names.collections: {**of_account, "slot": DATE, "state": {"enum": ["collected", "failed", "skipped"]}},
        names.roll_marks: {**of_workspace, "periodStart": DATE},
        names.roll_openings: {**of_account, "roll": STRING, "at": DATE},
        names.export_marks: {**of_workspace, "day": DATE},
        **{name: {**of_account, "periodStart": DATE} for name in names.rollups},
    }


_ACCOUNT: Properties = {"_id": STRING, "workspaceId": STRING, "platform": STRING, "connectedAt": DATE}

REQUIRED: Mapping[str, Properties] = {
    **_ALONE,
    **insights.REQUIRED,
    OWN.accounts: {**_ACCOUNT, "platformAccountId": STRING, "state": {"enum": list(ACCOUNT_STATES)}},
    PUBLIC.accounts: {**_ACCOUNT, "key": STRING, "handle": STRING, "state": {"enum": list(WATCHED_STATES)}},
    **{name: shape for names in NAMESPACES for name, shape in _of_namespace(names).items()},
}
"""The required fields by collection; the time series have no validators."""
