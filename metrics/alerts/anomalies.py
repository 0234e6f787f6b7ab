"""Alerts of anomalies: the rule of a workspace, and the messages that follow from what was found."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import SecretStr

from metrics.alerts.channels import sealed_channels
from metrics.errors import InvalidInput
from metrics.store import Store
from metrics.store.workspace.anomaly_alerts import (
    AnomalyAlertDocument,
    AnomalyMessageDocument,
    owner_of_anomaly_channels,
)
from metrics.store.workspace.channels import waiting_deliveries
from metrics.vault import Vault

COOL_DOWN = timedelta(minutes=15)
"""A workspace gets at most one new message in that time; what is found meanwhile is sent together."""
LEAST_SEVERITY, MOST_SEVERITY = 1, 10


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule as a person gives it. With `channels` None, those that the workspace has stay."""

    min_severity: int
    channels: tuple[SecretStr, ...] | None = None


def set_rule(
    store: Store, workspace_id: str, wanted: NewRule, now: datetime, vault: Vault | None = None
) -> AnomalyAlertDocument:
    """Store the rule of a workspace in place of its former one, and return it; `vault` seals channels, if any.

    Raises:
        InvalidInput: the severity or a channel is not accepted; nothing is changed.
        MongoUnavailable: MongoDB does not answer.
    """
    if not LEAST_SEVERITY <= wanted.min_severity <= MOST_SEVERITY:
        raise InvalidInput(f"minSeverity: must be {LEAST_SEVERITY} to {MOST_SEVERITY}", "minSeverity")
    before = store.anomaly_alerts.get(workspace_id)
    if wanted.channels is None:
        channels = before["channels"] if before else []
    else:
        channels = sealed_channels(owner_of_anomaly_channels(workspace_id), wanted.channels, vault)
    rule: AnomalyAlertDocument = {
        "_id": workspace_id,
        "workspaceId": workspace_id,
        "minSeverity": wanted.min_severity,
        "channels": channels,
        "createdAt": before["createdAt"] if before else now,
        "changedAt": now,
        "nextAt": before["nextAt"] if before else now,
    }
    store.anomaly_alerts.put(rule)
    return rule


def make_messages(store: Store, now: datetime) -> int:
    """Store a message for each workspace that has something new to hear of; return how many there are.

    Nothing is sent here. Killed at any place, this can be repeated: an anomaly is in one message at most, and one that
    is in none waits for the next.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    made = 0
    for rule in store.anomaly_alerts.due(now):
        found = store.anomalies.to_tell(rule["workspaceId"], rule["minSeverity"], rule["createdAt"], now)
        told = store.anomaly_alerts.told([one["_id"] for one in found])
        news = [one["_id"] for one in found if one["_id"] not in told]
        if not news:
            continue
        message: AnomalyMessageDocument = {
            "_id": f"am_{uuid4().hex[:24]}",
            "workspaceId": rule["workspaceId"],
            "anomalyIds": news,
            "madeAt": now,
            "pending": True,
            "nextAt": now,
            "deliveries": waiting_deliveries(rule["channels"]),
        }
        made += store.anomaly_alerts.claim(rule, message, now + COOL_DOWN)
    return made
