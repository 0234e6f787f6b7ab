"""The sensor `watch_thresholds`: evaluates alerts over periods that have closed, and sends what fired."""

from datetime import datetime

import dagster as dg

from metrics.alerts.events import alert_event
from metrics.alerts.firing import evaluate_due
from metrics.clock import utcnow
from metrics.errors import RedisUnavailable
from metrics.store.workspace.alerts import FiringDocument, alert_id, owner_of_channels
from metrics.visible import visible
from pipelines.resources import Clients, Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.sensors.deliveries import LEASE, Message, Owner, Sent, deliver, failures

_AT_ONCE = 50
"""Firings that one evaluation sends: the daemon stops an evaluation that takes minutes."""


@dg.sensor(
    name="watch_thresholds",
    minimum_interval_seconds=15,
    default_status=SENSOR_STATUS,
    description="Evaluates the alerts of workspaces over days, weeks and months that have closed, and sends those that "
    "fired to their channels, once per period.",
)
def watch_thresholds(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Evaluate what roll-ups marked, then send what fired; both go on where a killed evaluation stopped."""
    clients, now = tidemark.clients(), utcnow()
    found = evaluate_due(clients.store, now)
    sent = send_pending(clients, now)
    if found.failed:
        context.log.error("%s alerts could not be evaluated: see the log of the code server", found.failed)
    if (failed := failures(sent)) is not None:
        context.log.warning(failed)
    return dg.SkipReason(f"{found.alerts} alerts evaluated, {found.fired} fired, {sent.messages} messages sent")


def send_pending(clients: Clients, now: datetime) -> Sent:
    """Announce and send the firings that wait; what fails is tried again later, and keeps nothing else waiting.

    Delivery is at least once: who is killed between sending and recording it sends again. The message and the event
    carry the id of the firing, by which a receiver tells repetitions apart.

    Raises:
        MongoUnavailable: MongoDB does not answer; firings stay pending.
    """
    sent = Sent()
    for _ in range(_AT_ONCE):
        firing: FiringDocument | None = clients.store.alerts.outbox.lease(now, LEASE)
        if firing is None:
            break
        _send(clients, firing, now, sent)
    return sent


def _send(clients: Clients, firing: FiringDocument, now: datetime, sent: Sent) -> None:
    announced = _announce(clients, firing, now)
    alert = alert_id(firing["workspaceId"], firing["alert"])
    found = clients.store.alerts.all(firing["workspaceId"], [firing["alert"]])
    owner = Owner(alert, owner_of_channels(alert), found[0]["channels"] if found else ())
    text = Message(firing["_id"], firing["firedAt"], firing["deliveries"], *message(firing))
    deliver(clients.settings, clients.store.alerts.outbox, owner, text, now, sent, more=not announced)


def _announce(clients: Clients, firing: FiringDocument, now: datetime) -> bool:
    if "announcedAt" in firing:
        return True
    try:
        clients.announce(firing["workspaceId"], [alert_event(firing)])
    except RedisUnavailable:
        return False
    clients.store.alerts.note_announced(firing, now)
    return True


_WORDS = {"above": "is above", "below": "is below", "rises": "rose by more than", "falls": "fell by more than"}


def message(firing: FiringDocument) -> tuple[str, str]:
    """Return title and body of the message of a firing."""
    unit = " %" if firing["comparison"] in ("rises", "falls") else ""
    what = f"{firing['metric']} {_WORDS[firing['comparison']]} {_number(firing['threshold'])}{unit}"
    value = _number(firing["value"])
    if "changePercent" in firing:
        value += f" ({firing['changePercent']:+,.1f} % against the period before)"
    lines = [
        f"{what} in {firing['periodLabel']} ({firing['period']})",
        f"value: {value}",
        f"workspace: {firing['workspaceId']}",
        f"alert: {firing['alert']}",
        f"firing: {firing['_id']}",
    ]
    return visible(f"Tidemark: {firing['title']}"), "\n".join(map(visible, lines))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"
