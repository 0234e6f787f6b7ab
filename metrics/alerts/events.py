"""The event of an alert that fired."""

from typing import Any

from metrics.clock import isoformat
from metrics.redis.events import Event
from metrics.store.workspace.alerts import FiringDocument


def alert_event(firing: FiringDocument) -> Event:
    """Return the event of an alert that fired in a period: `alert:fired`. Its `firingId` tells repetitions apart."""
    data: dict[str, Any] = {
        "workspaceId": firing["workspaceId"],
        "firingId": firing["_id"],
        "alert": firing["alert"],
        "title": firing["title"],
        "metric": firing["metric"],
        "comparison": firing["comparison"],
        "threshold": firing["threshold"],
        "period": firing["period"],
        "periodStart": isoformat(firing["periodStart"]),
        "periodEnd": isoformat(firing["periodEnd"]),
        "periodLabel": firing["periodLabel"],
        "value": firing["value"],
        "timestamp": isoformat(firing["firedAt"]),
    }
    if "changePercent" in firing:
        data["changePercent"] = firing["changePercent"]
    return Event("alert:fired", firing["workspaceId"], data)
