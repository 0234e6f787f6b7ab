"""What all alerts share: sealed channels, and messages that stay pending until each channel has taken them."""

from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict

from pymongo import ReturnDocument
from pymongo.collection import Collection

from metrics.documents import Document
from metrics.store.errors import mongo_errors

MESSAGES_KEPT_DAYS = 400
"""Days that firings and messages are kept, which is much longer than late data can change a period."""

DeliveryState = Literal["pending", "sent", "given_up"]


class ChannelDocument(TypedDict):
    """A receiver of an alert. `sealed` is its URL, encrypted; `failures` counts attempts since the last success."""

    id: str
    scheme: str
    sealed: bytes
    failures: int
    sentAt: NotRequired[datetime]
    failedAt: NotRequired[datetime]
    error: NotRequired[str]


class Delivery(TypedDict):
    """How a message to one channel stands."""

    channel: str
    state: DeliveryState
    attempts: int


def waiting_deliveries(channels: list[ChannelDocument]) -> list[Delivery]:
    """Return the deliveries of a new message."""
    return [{"channel": one["id"], "state": "pending", "attempts": 0} for one in channels]


class Outbox:
    """Messages with `pending`, `nextAt` and `deliveries`, and the documents whose `channels` they go to.

    Each method raises `MongoUnavailable` if MongoDB does not answer.
    """

    def __init__(self, messages: Collection[Document], owners: Collection[Document]) -> None:
        self._messages, self._owners = messages, owners

    def lease(self, now: datetime, lasting: timedelta) -> Any:
        """Return a message to work on, None if there is none; until the lease ends, no one else gets it."""
        with mongo_errors():
            return self._messages.find_one_and_update(
                {"pending": True, "nextAt": {"$lte": now}},
                {"$set": {"nextAt": now + lasting}},
                sort=[("nextAt", 1)],
                return_document=ReturnDocument.AFTER,
            )

    def note_delivery(self, message: str, owner: str, delivery: Delivery, at: datetime, error: str | None) -> None:
        """Record an attempt to send a message to a channel: with the message, and with the channel of its owner."""
        changed: Document = (
            {"$set": {"channels.$.sentAt": at, "channels.$.failures": 0}, "$unset": {"channels.$.error": ""}}
            if error is None
            else {"$set": {"channels.$.failedAt": at, "channels.$.error": error}, "$inc": {"channels.$.failures": 1}}
        )
        with mongo_errors():
            self._messages.update_one(
                {"_id": message, "deliveries": {"$elemMatch": {"channel": delivery["channel"]}}},
                {"$set": {"deliveries.$": dict(delivery)}},
            )
            self._owners.update_one({"_id": owner, "channels": {"$elemMatch": {"id": delivery["channel"]}}}, changed)

    def finish(self, message: str, *, again_at: datetime | None) -> None:
        """End the lease of a message: it is worked on again at an instant, or is done."""
        change: Document = {"pending": False} if again_at is None else {"nextAt": again_at}
        with mongo_errors():
            self._messages.update_one({"_id": message}, {"$set": change})

    def give_up(self, message: str) -> None:
        """End the lease of a message that has nothing left to say: the channels that wait for it do not get it."""
        change = {"$set": {"pending": False, "deliveries.$[waiting].state": "given_up"}}
        with mongo_errors():
            self._messages.update_one({"_id": message}, change, array_filters=[{"waiting.state": "pending"}])

    def reseal(self, owner: str, channel: ChannelDocument, sealed: bytes) -> bool:
        """Replace the sealed URL of a channel, unless it was changed meanwhile; tell whether it was replaced."""
        query = {"_id": owner, "channels": {"$elemMatch": {"id": channel["id"], "sealed": channel["sealed"]}}}
        with mongo_errors():
            return self._owners.update_one(query, {"$set": {"channels.$.sealed": sealed}}).modified_count == 1
