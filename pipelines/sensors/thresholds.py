"""The sensor `watch_thresholds`: evaluates alerts over periods that have closed, and sends what fired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from pydantic import SecretStr

from metrics.alerts.events import alert_event
from metrics.alerts.firing import evaluate_due
from metrics.alerts.receivers import send_to
from metrics.clock import utcnow
from metrics.errors import CredentialError, RedisUnavailable, SettingsError
from metrics.store.workspace.alerts import (
    AlertDocument,
    ChannelDocument,
    Delivery,
    DeliveryState,
    FiringDocument,
    owner_of_channels,
)
from metrics.vault import Vault
from metrics.visible import visible
from pipelines.resources import Clients, Tidemark
from pipelines.runs.automation import SENSOR_STATUS

LEASE = timedelta(minutes=5)
"""How long one evaluation works on a firing; if it is killed, another one goes on after that time."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVEN_UP = timedelta(hours=24)
"""For how long a channel that takes no message is tried; after that the delivery counts as given up."""
_AT_ONCE = 50
"""Firings that one evaluation sends: the daemon stops an evaluation that takes minutes."""


@dataclass
class Sent:
    """How many messages were sent, and how many channels did not take one."""

    messages: int = 0
    refused: int = 0


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
    if sent.refused:
        context.log.warning("%s channels of alerts did not take their message; it is sent again", sent.refused)
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
        firing = clients.store.alerts.lease(now, LEASE)
        if firing is None:
            break
        _send(clients, firing, now, sent)
    return sent


def _send(clients: Clients, firing: FiringDocument, now: datetime, sent: Sent) -> None:
    announced = _announce(clients, firing, now)
    alerts = clients.store.alerts.all(firing["workspaceId"], [firing["alert"]])
    channels = {one["id"]: one for one in alerts[0]["channels"]} if alerts else {}
    waiting = [one for one in firing["deliveries"] if one["state"] == "pending"]
    pending = [one for one in waiting if one["channel"] in channels]
    for delivery in waiting:
        if delivery["channel"] not in channels:  # The alert was given other channels since.
            clients.store.alerts.note_delivery(firing, {**delivery, "state": "given_up"}, now, "the channel is gone")
    taken = _deliver(clients, alerts[0], firing, [channels[one["channel"]] for one in pending]) if pending else []
    too_late = now - firing["firedAt"] > GIVEN_UP
    again = not announced and not too_late
    for delivery, error in zip(pending, taken, strict=True):
        state: DeliveryState = "sent" if error is None else "given_up" if too_late else "pending"
        again |= state == "pending"
        sent.messages += error is None
        sent.refused += error is not None
        attempt: Delivery = {"channel": delivery["channel"], "state": state, "attempts": delivery["attempts"] + 1}
        clients.store.alerts.note_delivery(firing, attempt, now, error)
    attempts = max((one["attempts"] for one in firing["deliveries"]), default=0)
    wait = min(FIRST_WAIT * 2 ** min(attempts, 10), LONGEST_WAIT)
    clients.store.alerts.finish(firing, again_at=now + wait if again else None)


def _announce(clients: Clients, firing: FiringDocument, now: datetime) -> bool:
    if "announcedAt" in firing:
        return True
    try:
        clients.announce(firing["workspaceId"], [alert_event(firing)])
    except RedisUnavailable:
        return False
    clients.store.alerts.note_announced(firing, now)
    return True


def _deliver(
    clients: Clients, alert: AlertDocument, firing: FiringDocument, channels: Sequence[ChannelDocument]
) -> list[str | None]:
    """Send a firing to channels; return for each what went wrong, None if it took the message."""
    opened: list[SecretStr | str] = [_open(clients, alert, one) for one in channels]
    urls = [one for one in opened if isinstance(one, SecretStr)]
    answers = iter(send_to(clients.settings, urls, *message(firing)))
    return [
        one if isinstance(one, str) else None if next(answers) else "the receiver did not take the message"
        for one in opened
    ]


def _open(clients: Clients, alert: AlertDocument, channel: ChannelDocument) -> SecretStr | str:
    """Return the URL of a channel, or why it cannot be opened."""
    try:
        found = Vault(clients.settings.secret_keys).open(channel["sealed"], owner_of_channels(alert["_id"]))
    except (CredentialError, SettingsError):
        return "its URL cannot be opened with the keys of TIDEMARK_SECRET_KEYS: set the channels again"
    return SecretStr(found["url"])


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
