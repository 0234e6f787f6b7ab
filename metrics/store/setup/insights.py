"""The part of the schema that is about insights: what a document has to have, and the indexes, by collection."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from metrics.anomalies import KINDS, STATUSES
from metrics.store.insights import announcement_marks

STRING = {"bsonType": "string", "minLength": 1}
DATE = {"bsonType": "date"}

REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "forecasts": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountId": STRING,
        "metric": STRING,
        "day": DATE,
        "madeAt": DATE,
        "model": STRING,
    },
    "workspace_forecasts": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountIds": {"bsonType": "array"},
        "metric": STRING,
        "day": DATE,
        "madeAt": DATE,
        "model": STRING,
    },
    "forecast_models": {
        "_id": STRING,
        "grain": {"enum": ["day", "hour"]},
        "version": STRING,
        "knownUntil": DATE,
        "madeAt": DATE,
    },
    "hourly_forecasts": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountId": STRING,
        "metric": STRING,
        "window": DATE,
        "madeAt": DATE,
        "model": STRING,
    },
    "workspace_hourly_forecasts": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountIds": {"bsonType": "array"},
        "metric": STRING,
        "window": DATE,
        "madeAt": DATE,
        "model": STRING,
    },
    "anomalies": {
        "_id": STRING,
        "workspaceId": STRING,
        "from": DATE,
        "to": DATE,
        "kind": {"enum": list(KINDS)},
        "status": {"enum": list(STATUSES)},
        "model": STRING,
    },
    "hourly_nets": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "day": DATE},
    "watched_series": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "at": DATE},
    "post_curves": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "publishedAt": DATE},
    "content_decay": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "day": DATE, "model": STRING},
    "best_times": {"_id": STRING, "workspaceId": STRING, "accountId": STRING, "day": DATE, "model": STRING},
    "post_outlooks": {
        "_id": STRING,
        "workspaceId": STRING,
        "accountId": STRING,
        "postId": STRING,
        "publishedAt": DATE,
        "madeAt": DATE,
        "model": STRING,
    },
    "announcement_marks": {"_id": STRING, "workspaceId": STRING, "day": DATE},
}

_OF_STATEMENTS = (
    IndexModel([("workspaceId", ASCENDING), ("day", DESCENDING)]),
    IndexModel([("accountId", ASCENDING), ("day", DESCENDING)]),
)

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "forecasts": [
        IndexModel([("workspaceId", ASCENDING), ("metric", ASCENDING), ("day", DESCENDING)]),
        IndexModel([("accountId", ASCENDING), ("day", DESCENDING)]),
    ],
    "workspace_forecasts": [
        IndexModel([("workspaceId", ASCENDING), ("metric", ASCENDING), ("day", DESCENDING)]),
        IndexModel([("accountIds", ASCENDING)]),
    ],
    "forecast_models": [IndexModel([("grain", ASCENDING), ("knownUntil", ASCENDING)])],
    "hourly_forecasts": [
        IndexModel([("workspaceId", ASCENDING), ("metric", ASCENDING), ("window", DESCENDING)]),
        IndexModel([("accountId", ASCENDING), ("window", DESCENDING)]),
    ],
    "workspace_hourly_forecasts": [
        IndexModel([("workspaceId", ASCENDING), ("metric", ASCENDING), ("window", DESCENDING)]),
        IndexModel([("accountIds", ASCENDING)]),
    ],
    "anomalies": [
        IndexModel([("workspaceId", ASCENDING), ("from", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("accountId", ASCENDING), ("to", DESCENDING)]),
        # For the messages of a workspace.
        IndexModel([("workspaceId", ASCENDING), ("status", ASCENDING), ("foundAt", ASCENDING)]),
        # For the rule of whole platforms, which looks at all workspaces.
        IndexModel([("platform", ASCENDING), ("from", ASCENDING)]),
        # For announcing what a run has left behind.
        IndexModel(
            [("workspaceId", ASCENDING)],
            name="untold",
            partialFilterExpression={"untold.change": {"$exists": True}},
        ),
    ],
    "announcement_marks": [
        IndexModel([("said", ASCENDING), ("workspaceId", ASCENDING)]),
        IndexModel([("day", ASCENDING)], name="expire", expireAfterSeconds=announcement_marks.KEPT_DAYS * 86_400),
    ],
    "hourly_nets": [IndexModel([("accountId", ASCENDING), ("day", ASCENDING)])],
    "watched_series": [IndexModel([("workspaceId", ASCENDING)]), IndexModel([("accountId", ASCENDING)])],
    "post_curves": [
        IndexModel([("workspaceId", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("platform", ASCENDING), ("metricType", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("accountId", ASCENDING), ("publishedAt", DESCENDING)]),
    ],
    "content_decay": _OF_STATEMENTS,
    "best_times": _OF_STATEMENTS,
    "post_outlooks": [
        IndexModel([("workspaceId", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("accountId", ASCENDING), ("publishedAt", DESCENDING)]),
        IndexModel([("postId", ASCENDING), ("age", DESCENDING)]),
    ],
}
