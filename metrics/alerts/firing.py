"""Evaluate alerts that are due, and claim the periods in which they fire before anything is sent."""

import logging
from dataclasses import dataclass
from datetime import datetime

from metrics.alerts.evaluate import Outcome, evaluate_alert
from metrics.documents import Document
from metrics.errors import Unavailable
from metrics.store import Store
from metrics.store.workspace.alerts import AlertDocument, Evaluation, FiringDocument, firing_id
from metrics.store.workspace.channels import waiting_deliveries

log = logging.getLogger(__name__)
_BATCH = 200
"""Alerts per call, so that firings are sent in between."""


@dataclass
class Evaluated:
    """How many alerts were evaluated, how many firings are new, and how many alerts failed."""

    alerts: int = 0
    fired: int = 0
    failed: int = 0


def evaluate_due(store: Store, now: datetime) -> Evaluated:
    """Evaluate the alerts that are marked, and claim the periods in which they fire.

    An alert that cannot be evaluated stops no other.

    A period that has fired before does not fire again, whatever late data changed. Killed at any place, this can be
    repeated: an alert stays marked until its firings are stored.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    report = Evaluated()
    for alert in store.alerts.due(_BATCH):
        try:
            outcomes = list(evaluate_alert(store, alert, now))
        except Unavailable:
            raise
        except Exception:
            log.exception("the alert %s of %s could not be evaluated", alert["name"], alert["workspaceId"])
            store.alerts.settle(alert, {"state": "unknown"})
            report.failed += 1
            continue
        report.alerts += 1
        fired = sum(store.alerts.claim(_firing(alert, one, now)) for one in outcomes if one.fires)
        report.fired += fired
        store.alerts.settle(alert, _found(outcomes, now) | ({"firedAt": now} if fired else {}))
    return report


def _firing(alert: AlertDocument, outcome: Outcome, now: datetime) -> FiringDocument:
    assert outcome.value is not None  # noqa: S101 - told to mypy: what fires has a value
    firing: FiringDocument = {
        "_id": firing_id(alert["workspaceId"], alert["name"], alert["period"], outcome.span.start),
        "workspaceId": alert["workspaceId"],
        "alert": alert["name"],
        "title": alert["title"],
        "metric": alert["metric"],
        "comparison": alert["comparison"],
        "threshold": alert["threshold"],
        "period": alert["period"],
        "periodStart": outcome.span.start,
        "periodEnd": outcome.span.end,
        "periodLabel": outcome.span.label,
        "value": outcome.value,
        "firedAt": now,
        "pending": True,
        "nextAt": now,
        "deliveries": waiting_deliveries(alert["channels"]),
    }
    if outcome.change_percent is not None:
        firing["changePercent"] = outcome.change_percent
    return firing


def _found(outcomes: list[Outcome], now: datetime) -> Document:
    """Return what the alert shows: the newest closed period."""
    if not outcomes:
        return {}
    newest = outcomes[-1]
    last: Evaluation = {
        "periodStart": newest.span.start,
        "periodEnd": newest.span.end,
        "periodLabel": newest.span.label,
        "evaluatedAt": now,
    }
    if newest.value is not None:
        last["value"] = newest.value
    if newest.change_percent is not None:
        last["changePercent"] = newest.change_percent
    if newest.reason is not None:
        last["reason"] = newest.reason
    state = "unknown" if newest.reason else "firing" if newest.fires else "ok"
    return {"state": state, "last": dict(last)}
