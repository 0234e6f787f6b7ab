"""Alerts by thresholds: list, read, set and delete. The URLs of their channels are never answered."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.alerts.changes import NewAlert, set_alert
from metrics.clock import utcnow
from metrics.store import Store
from metrics.store.workspace.alerts import AlertDocument
from metrics.vault import Vault
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.answering import WHOLE
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.anomaly_alerts import shown_rule
from serving.endpoints.configuration.changed import fresh
from serving.endpoints.query import NoQuery, parse
from serving.schemas.alerts import Alert, AlertChannel, AlertFiring, AlertToSet
from serving.schemas.base import declared_names, public_fields
from serving.services import services
from serving.wire.problems import not_found

_FIRINGS = 20


async def alerts(request: Request) -> Response:
    """Answer the alerts of a workspace with their state, by name, and which anomalies are told."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)

    def read() -> dict[str, Any]:
        found: dict[str, Any] = {"data": [_shown(one) for one in parts.store.alerts.all(workspace_id)], "page": WHOLE}
        rule = shown_rule(parts.store, workspace_id)
        return found | ({} if rule is None else {"anomalies": rule})

    return fresh(await parts.threads.run_for(key_of(request).key_id, read))


async def alert(request: Request) -> Response:
    """Answer one alert with its newest firings."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts, name = services(request), request.path_params["name"]
    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, _read, parts.store, workspace_id, name)})


async def put_alert(request: Request) -> Response:
    """Set an alert, in place of one of the same name."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts, name = await json_body(request, AlertToSet), services(request), request.path_params["name"]
    wanted = NewAlert(
        name,
        body.title,
        body.metric,
        body.comparison,
        body.threshold,
        body.period,
        None if body.account_ids is None else tuple(body.account_ids),
        None if body.channels is None else tuple(body.channels),
    )
    keys = parts.settings.secret_keys

    def change() -> dict[str, Any]:
        set_alert(parts.store, workspace_id, wanted, utcnow(), Vault(keys) if keys else None)
        return _read(parts.store, workspace_id, name)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def delete_alert(request: Request) -> Response:
    """Delete an alert with its firings."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    parts, name = services(request), request.path_params["name"]

    def change() -> dict[str, Any]:
        found = _read(parts.store, workspace_id, name)
        parts.store.alerts.remove(workspace_id, name)
        return found

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


def _read(store: Store, workspace_id: str, name: str) -> dict[str, Any]:
    found = store.alerts.all(workspace_id, [name])
    if not found:
        raise not_found()
    firings = store.alerts.firings(workspace_id, name, _FIRINGS)
    return {**_shown(found[0]), "firings": [public_fields(one, AlertFiring, "firingId") for one in firings]}


def _shown(found: AlertDocument) -> dict[str, Any]:
    names, of_channel = declared_names(Alert), declared_names(AlertChannel)
    shown: dict[str, Any] = {name: value for name, value in found.items() if name in names}
    channels = [{name: value for name, value in one.items() if name in of_channel} for one in found["channels"]]
    return {**shown, "channels": channels}
