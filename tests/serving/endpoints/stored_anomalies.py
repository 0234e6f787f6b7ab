"""Anomalies as the pipeline stores them."""

from datetime import datetime
from typing import Any, cast

from metrics.anomalies import MODEL, AnomalyDocument
from metrics.breakouts import MODEL as BREAKOUT_MODEL
from metrics.periods import HOUR
from metrics.store import Store


def put_anomaly(store: Store, anomaly_id: str, first: datetime, **fields: Any) -> AnomalyDocument:
    """Store an anomaly of an hour; `fields` replace or complete those that it has."""
    document: dict[str, Any] = {
        "_id": anomaly_id, "workspaceId": "w1", "accountId": "a1", "platform": "instagram", "scope": "account",
        "metric": "totalViews", "grain": "hour", "from": first, "to": first + HOUR, "kind": "spike", "direction": "up",
        "observed": 900.0, "expected": 60.0, "lo": 30.0, "hi": 95.0, "score": 21.5, "severity": 8, "model": MODEL,
        "status": "ended", "foundAt": first + HOUR, "changedAt": first + HOUR, "runId": "r",
        "evidence": {"history": [{"at": first, "value": 900.0}], "similar": [], "posts": []}, **fields,
    }  # fmt: skip
    found = cast("AnomalyDocument", document)
    store.anomalies.write([("opened", found)])
    return found


def put_breakout(store: Store, anomaly_id: str, published: datetime, **fields: Any) -> AnomalyDocument:
    """Store a breakout of a post at an age of six hours; `fields` replace or complete those that it has."""
    named: dict[str, Any] = {
        "postId": "post_1", "metricType": "post", "scope": "post", "metric": "engagement", "kind": "breakout",
        "to": published + 6 * HOUR, "age": 6.0, "observed": 1230.0, "expected": 205.0, "lo": 70.0, "hi": 610.0,
        "score": 4.1, "multiple": 6.0, "percentile": 98.0, "severity": 5, "model": BREAKOUT_MODEL, "status": "open",
        "foundAt": published + 7 * HOUR, "changedAt": published + 7 * HOUR,
    }  # fmt: skip
    return put_anomaly(store, anomaly_id, published, **named | fields)
