"""What tests of messages about anomalies share: stored anomalies, a rule, and the sensor at an instant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from metrics.alerts.anomalies import NewRule, set_rule
from metrics.store.workspace.anomaly_alerts import AnomalyAlertDocument, AnomalyMessageDocument
from metrics.vault import Vault
from pipelines.resources import Clients
from pipelines.sensors import anomalies
from pipelines.sensors.anomalies import watch_anomalies
from tests.pipelines.sensors.ticks import tick
from tests.serving.endpoints.stored_anomalies import put_anomaly

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
SET = START - HOUR
NOW = START + 2 * HOUR
KNOWN = [
    {"kind": "holiday", "title": "Labor Day", "startDate": "2026-03-02", "endDate": "2026-03-02"},
    {"kind": "campaign", "name": "s", "title": "Spring sale", "startDate": "2026-03-01", "endDate": "2026-03-07"},
]
PNG = b"\x89PNG\r\n\x1a\n"


def rule(clients: Clients, *urls: str, severity: int = 5, at: datetime = SET) -> AnomalyAlertDocument:
    channels = tuple(map(SecretStr, urls)) if urls else None
    return set_rule(clients.store, "w", NewRule(severity, channels), at, Vault(clients.settings.secret_keys))


def put(clients: Clients, name: str, **fields: Any) -> None:
    history = [{"at": START - n * HOUR, "value": 60.0 + n} for n in range(24, 0, -1)]
    fields = {"status": "open", "evidence": {"history": [*history, {"at": START, "value": 900.0}]}, **fields}
    put_anomaly(clients.store, name, START, workspaceId="w", **fields)


def watch(clients: Clients, now: datetime = NOW) -> str:
    """Evaluate the sensor as the daemon does, at an instant."""
    return tick(watch_anomalies, anomalies, clients, now)


def messages(clients: Clients) -> list[AnomalyMessageDocument]:
    return clients.store.anomaly_alerts.messages("w", 100)


def channels(clients: Clients) -> Any:
    found = clients.store.anomaly_alerts.get("w")
    assert found is not None
    return found["channels"]
