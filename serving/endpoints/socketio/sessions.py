"""Connections of Socket.IO and their subscriptions; an event that several subscriptions select is sent once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from metrics.store.api_keys import ApiKey
from serving.services import Services
from serving.stream.frames import Frame
from serving.stream.open_streams import Client
from serving.stream.subscriber import Subscriber

KINDS = ("workspace", "aggregated", "account", "post")
"""The kinds of subscriptions. An event that several select is sent for the first kind in this order."""

Name = tuple[str, str]
"""The kind of a subscription, and the id of its workspace, account or post."""


@dataclass(eq=False, slots=True)
class Subscription(Subscriber):
    """One subscription of a connection."""

    session: "Session | None" = None
    kind: str = "workspace"

    def wants(self, item: Frame) -> bool:
        """Tell whether this subscription sends an event: it selects the event, and no other one sends it already."""
        # `super()` does not work here: a dataclass with slots is a new class, which the method does not know.
        selects = Subscriber.wants(self, item)
        return selects and not (self.session is not None and self.session.sends_before(self, item))

    def selects(self, item: Frame) -> bool:
        """Tell whether the filters let an event through, whatever other subscriptions do."""
        return Subscriber.wants(self, item)


@dataclass(eq=False, slots=True)
class Session:
    """A connection: its key, and its subscriptions by kind and id."""

    parts: Services
    key: ApiKey
    client: Client | None = None
    abort: Callable[[], object] | None = None
    followed: dict[Name, tuple[Subscription, asyncio.Task[None]]] = field(default_factory=dict)

    def sends_before(self, one: Subscription, item: Frame) -> bool:
        """Tell whether another subscription, of a kind that comes first, sends an event."""
        rank = KINDS.index(one.kind)
        return any(
            KINDS.index(other.kind) < rank
            and other.workspace_id == one.workspace_id
            and other.joined
            and item.position > other.after
            and other.selects(item)
            for other, _ in self.followed.values()
        )
