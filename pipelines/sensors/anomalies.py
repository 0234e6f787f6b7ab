"""The sensor `watch_anomalies`: tells workspaces of anomalies by severity, grouped, with a picture and a link."""

from collections.abc import Sequence
from datetime import datetime
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import dagster as dg

from metrics.alerts.anomalies import make_messages
from metrics.anomalies import AnomalyDocument
from metrics.clock import utcnow
from metrics.store.workspace.anomaly_alerts import AnomalyMessageDocument, owner_of_anomaly_channels
from pipelines.resources import Clients, Tidemark
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.sensors.anomaly_words import by_severity, message, title_of_picture
from pipelines.sensors.deliveries import LEASE, Message, Owner, Sent, deliver, failures

log = getLogger(__name__)

_AT_ONCE = 20
"""Messages that one evaluation sends: the daemon stops an evaluation that takes minutes."""


@dg.sensor(
    name="watch_anomalies",
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Tells workspaces of anomalies that reach the severity of their rule: in one message for all that are "
    "new, at most one in fifteen minutes, with a picture and a link to the dashboard.",
)
def watch_anomalies(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> dg.SkipReason:
    """Make a message for each workspace with news, then send what waits; both go on where a killed one stopped."""
    clients, now = tidemark.clients(), utcnow()
    made = make_messages(clients.store, now)
    sent = send_pending(clients, now)
    if (failed := failures(sent)) is not None:
        context.log.warning(failed)
    return dg.SkipReason(f"{made} workspaces have something new to hear of, {sent.messages} messages sent")


def send_pending(clients: Clients, now: datetime) -> Sent:
    """Send the messages that wait; what fails is tried again later, and keeps nothing else waiting.

    Delivery is at least once: a process that is killed between sending and recording it sends again. The message has
    an id, by which a receiver tells repetitions apart. It says what holds when it is sent: an anomaly that was
    withdrawn, muted or acknowledged meanwhile is left out.

    Raises:
        MongoUnavailable: MongoDB does not answer; messages stay pending.
    """
    sent = Sent()
    for _ in range(_AT_ONCE):
        found: AnomalyMessageDocument | None = clients.store.anomaly_alerts.outbox.lease(now, LEASE)
        if found is None:
            break
        _send(clients, found, now, sent)
    return sent


def _send(clients: Clients, found: AnomalyMessageDocument, now: datetime, sent: Sent) -> None:
    store, workspace_id = clients.store, found["workspaceId"]
    rule = store.anomaly_alerts.get(workspace_id)
    anomalies = by_severity(store.anomalies.still_to_tell(workspace_id, found["anomalyIds"]))
    if not anomalies:
        store.anomaly_alerts.outbox.give_up(found["_id"])
        return
    owner = Owner(workspace_id, owner_of_anomaly_channels(workspace_id), rule["channels"] if rule else ())
    zone = ZoneInfo(store.calendars.get(workspace_id).current.time_zone)
    title, body = message(clients, workspace_id, anomalies, found["_id"])
    with TemporaryDirectory(prefix="tidemark-picture-") as folder:
        picture = _picture(anomalies, zone, Path(folder))
        text = Message(found["_id"], found["madeAt"], found["deliveries"], title, body, picture)
        deliver(clients.settings, store.anomaly_alerts.outbox, owner, text, now, sent)


def _picture(anomalies: Sequence[AnomalyDocument], zone: ZoneInfo, folder: Path) -> Path | None:
    """Return a file with the history of the most severe anomaly that has one, None if there is no picture."""
    shown = next((one for one in anomalies if len(one["evidence"].get("history", ())) > 1), None)
    if shown is None:
        return None
    try:
        # The library for drawing is imported here, because few evaluations send a message.
        from pipelines.insights.anomalies.picture import draw

        picture = draw(shown, title_of_picture(shown), zone)
    except Exception:
        # A message without a picture is worth more than none.
        log.exception("the picture of the anomaly %s was not drawn", shown["_id"])
        return None
    file = folder / "anomaly.png"
    file.write_bytes(picture)
    return file
