"""Send a stored message to the channels that have not taken it, and record what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from metrics.alerts.channels import opened_channel
from metrics.alerts.receivers import send_to
from metrics.settings import Settings
from metrics.store.workspace.channels import ChannelDocument, Delivery, DeliveryState, Outbox

LEASE = timedelta(minutes=5)
"""How long one evaluation works on a message; if it is killed, another one goes on after that time."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVEN_UP = timedelta(hours=24)
"""For how long a channel that takes no message is tried; after that the delivery counts as given up."""


@dataclass
class Sent:
    """How many messages were sent, how many channels did not take one, and how many were given up."""

    messages: int = 0
    refused: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Owner:
    """What a message comes from: its id, its channels, and what their URLs are bound to when they are sealed."""

    id: str
    bound_to: str
    channels: Sequence[ChannelDocument] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message: its id, since when it waits, how its deliveries stand, and what is sent."""

    id: str
    since: datetime
    deliveries: Sequence[Delivery]
    title: str = field(repr=False)
    body: str = field(repr=False)
    attachment: Path | None = None


def deliver(
    settings: Settings, outbox: Outbox, owner: Owner, message: Message, now: datetime, sent: Sent, *, more: bool = False
) -> None:
    """Send a message to the channels that wait for it, and end its lease: it is done, or tried again later.

    `more` says that something else of the message has to be tried again too.

    Raises:
        MongoUnavailable: MongoDB does not answer; the message is sent again when its lease has ended.
    """
    channels = {one["id"]: one for one in owner.channels}
    waiting = [one for one in message.deliveries if one["state"] == "pending"]
    pending = [one for one in waiting if one["channel"] in channels]
    for delivery in waiting:
        if delivery["channel"] not in channels:  # The alert was given other channels since.
            outbox.note_delivery(message.id, owner.id, {**delivery, "state": "given_up"}, now, "the channel is gone")
    taken = _send(settings, owner, message, [channels[one["channel"]] for one in pending])
    too_late = now - message.since > GIVEN_UP
    again = more and not too_late
    for delivery, error in zip(pending, taken, strict=True):
        state: DeliveryState = "sent" if error is None else "given_up" if too_late else "pending"
        again |= state == "pending"
        sent.messages += state == "sent"
        sent.refused += state == "pending"
        sent.given_up += state == "given_up"
        attempt: Delivery = {"channel": delivery["channel"], "state": state, "attempts": delivery["attempts"] + 1}
        outbox.note_delivery(message.id, owner.id, attempt, now, error)
    attempts = max((one["attempts"] for one in message.deliveries), default=0)
    wait = min(FIRST_WAIT * 2 ** min(attempts, 10), LONGEST_WAIT)
    outbox.finish(message.id, again_at=now + wait if again else None)


def failures(sent: Sent) -> str | None:
    """Return a line for the log about channels that did not take a message, None if all did."""
    parts = []
    if sent.refused:
        parts.append(f"{sent.refused} channels of alerts did not take their message; it is sent again")
    if sent.given_up:
        parts.append(f"{sent.given_up} channels did not take theirs within a day; it is given up")
    return "; ".join(parts) or None


def _send(settings: Settings, owner: Owner, message: Message, channels: Sequence[ChannelDocument]) -> list[str | None]:
    """Send a message to channels; return for each what went wrong, None if it took the message."""
    opened: list[SecretStr | str] = [opened_channel(settings, one, owner.bound_to) for one in channels]
    urls = [one for one in opened if isinstance(one, SecretStr)]
    answers = iter(send_to(settings, urls, message.title, message.body, message.attachment))
    return [
        one if isinstance(one, str) else None if next(answers) else "the receiver did not take the message"
        for one in opened
    ]
