"""Alerts of anomalies: read, set and delete the rule of a workspace. The URLs of its channels are never answered."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.alerts.anomalies import NewRule, set_rule
from metrics.clock import utcnow
from metrics.store import Store
from metrics.vault import Vault
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import fresh
from serving.endpoints.query import NoQuery, parse
from serving.schemas.alerts import AlertChannel
from serving.schemas.anomaly_alerts import AnomalyAlerts, AnomalyAlertsToSet, AnomalyMessage
from serving.schemas.base import declared_names, public_fields
from serving.services import services
from serving.wire.problems import not_found

_MESSAGES = 20


async def anomaly_alerts(request: Request) -> Response:
    """Answer the rule of a workspace with its newest messages."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, _existing, parts.store, workspace_id)})


async def put_anomaly_alerts(request: Request) -> Response:
    """Set the rule of a workspace, in place of the one that it had."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, AnomalyAlertsToSet), services(request)
    wanted = NewRule(body.min_severity, None if body.channels is None else tuple(body.channels))
    keys = parts.settings.secret_keys

    def change() -> dict[str, Any]:
        set_rule(parts.store, workspace_id, wanted, utcnow(), Vault(keys) if keys else None)
        return _existing(parts.store, workspace_id)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def delete_anomaly_alerts(request: Request) -> Response:
    """Delete the rule of a workspace with its messages."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    parts = services(request)

    def change() -> dict[str, Any]:
        found = _existing(parts.store, workspace_id)
        parts.store.anomaly_alerts.remove(workspace_id)
        return found

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


def _existing(store: Store, workspace_id: str) -> dict[str, Any]:
    found = shown_rule(store, workspace_id)
    if found is None:
        raise not_found()
    return found


def shown_rule(store: Store, workspace_id: str) -> dict[str, Any] | None:
    """Return the rule of a workspace with its newest messages, as the API shows it; None if it has none.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.anomaly_alerts.get(workspace_id)
    if found is None:
        return None
    names, of_channel = declared_names(AnomalyAlerts), declared_names(AlertChannel)
    shown: dict[str, Any] = {name: value for name, value in found.items() if name in names}
    channels = [{name: value for name, value in one.items() if name in of_channel} for one in found["channels"]]
    messages = store.anomaly_alerts.messages(workspace_id, _MESSAGES)
    of_message = [public_fields(one, AnomalyMessage, "messageId") for one in messages]
    return {**shown, "channels": channels, "messages": of_message}
