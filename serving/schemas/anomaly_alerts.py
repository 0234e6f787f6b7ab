"""The shapes of alerts of anomalies, and the list of all alerts of a workspace."""

from typing import Any

from pydantic import ConfigDict, Field, SecretStr

from metrics.alerts.channels import LONGEST_CHANNEL, MAX_CHANNELS
from serving.schemas.alerts import Alert, AlertChannel, Delivery
from serving.schemas.anomalies import Severity
from serving.schemas.base import Instant, Page, Shape, absent

_SEVERE: Any = {"minSeverity": 7}


class AnomalyAlertsToSet(Shape):
    """Which anomalies are told to whom, as the caller gives it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SEVERE]})

    min_severity: Severity = Field(description="Anomalies of this severity or more are told.")
    channels: list[SecretStr] | None = Field(
        None, max_length=MAX_CHANNELS,
        description=f"URLs of apprise, of at most {LONGEST_CHANNEL:,} characters each, that messages go to. They are "
        "secrets: stored encrypted, and never answered. Left out, those that the workspace has stay; an empty list "
        "removes them.",
        json_schema_extra={"items": {"type": "string"}},
    )  # fmt: skip


class AnomalyMessage(Shape):
    """A message about anomalies."""

    message_id: str = Field(description="The same in the message, by which repetitions are told apart.")
    anomaly_ids: list[str] = Field(description="The anomalies that it was made for.")
    made_at: Instant = Field(description="When it was made.")
    deliveries: list[Delivery] = Field(description="How the message to each channel stands.")


class AnomalyAlerts(Shape):
    """Which anomalies of a workspace are told, where to, and the newest messages."""

    min_severity: Severity = Field(description="Anomalies of this severity or more are told.")
    channels: list[AlertChannel] = Field(description="Where messages go.")
    created_at: Instant = Field(description="When it was first set: anomalies that were found earlier are not told.")
    changed_at: Instant = Field(description="When it was last set.")
    messages: list[AnomalyMessage] = Field(description="The newest messages, newest first; at most 20.")


class Alerts(Shape):
    """The alerts of a workspace by thresholds, by name, and which anomalies are told."""

    data: list[Alert]
    page: Page
    anomalies: AnomalyAlerts = absent("Which anomalies are told, and where to; absent if nobody is told of any.")


class AnomalyAlertsAnswer(Shape):
    """Which anomalies of a workspace are told, and where to."""

    data: AnomalyAlerts
