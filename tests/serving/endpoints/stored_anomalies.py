"""Anomalies as the pipeline stores them."""

from datetime import datetime
from typing import Any, cast

from metrics.anomalies import MODEL, AnomalyDocument
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
