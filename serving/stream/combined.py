"""The events of several workspaces in one stream of server-sent events.

Each workspace is followed for itself, as in a stream of its own. The id of an event names the position of every
workspace (`serving.stream.cursor`), so that a client resumes each of them exactly. Events of one workspace keep their
order; between workspaces there is none.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

from metrics.store.api_keys import ApiKey
from serving.stream.cursor import format_cursor, positions
from serving.stream.follow import Deliver, Follow
from serving.stream.frames import BEAT, PING, START, Frame, Position, says_away
from serving.stream.hub import Hub
from serving.stream.response import EventStream
from serving.stream.subscriber import Subscriber

_AWAY_SECONDS = 10.0


class Member(Subscriber):
    """The subscription to one workspace of a combined stream.

    `after` is also raised by events that the client does not want, so that its position does not become too old to be
    resumed in a workspace of which it wants few events.
    """

    def offer(self, item: Frame) -> None:
        """Queue an event if the client wants it."""
        super().offer(item)
        if item.position > self.after and not self.wants(item):
            self.after = item.position


class Merge:
    """Merges the frames of several subscribers, one per workspace, into one sequence for `deliver`.

    `after` has the position at which the client left each workspace; those without one are followed from now on.
    """

    def __init__(self, members: Sequence[Member], after: Mapping[str, str], deliver: Deliver) -> None:
        self._members = members
        self._deliver = deliver
        self._places: dict[str, Position] = positions(after)
        self._caught_up: set[Member] = set()
        self._delivering: set[Member] = set()
        self._told_away = -math.inf
        self._sending = asyncio.Lock()
        self._placed = asyncio.Event()
        self._note_place(None, START)

    def end(self) -> None:
        """Let no frame wait any longer for the position of a workspace."""
        self._placed.set()

    async def deliver(self, member: Member, frames: Sequence[Frame]) -> None:
        """Send the frames of one workspace, each event with the positions of all workspaces as its id.

        An event waits until every workspace has a position. Otherwise a client that resumes at its id would lose the
        events of the workspaces that the id does not name.
        """
        for item in frames:
            if item.at is not None:
                self._note_place(member, item.at)
        if member.joined:
            self._note_place(member, member.after)
        self._delivering.add(member)
        try:
            if any(item.position != START or item.at is not None for item in frames):
                await self._placed.wait()
            async with self._sending:
                sent = [shown for item in frames if (shown := self._shown(member, item)) is not None]
                if sent:
                    await self._deliver(sent)
        finally:
            self._delivering.discard(member)

    def _note_place(self, member: Member | None, place: Position) -> None:
        if member is not None:
            self._places.setdefault(member.workspace_id, place)
        if len(self._places) >= len(self._members):
            self._placed.set()

    def _shown(self, member: Member, item: Frame) -> Frame | None:
        """Return a frame as this stream sends it; None for a heartbeat or ping that another workspace sends as well."""
        if item is BEAT:
            return item if member is self._members[0] or not member.joined else None
        if item.event == PING:
            return item if self._is_sent(member, item) else None
        if item.position == START and item.at is None:
            return item
        if len(self._places) < len(self._members):
            return None  # The stream has ended before every workspace had a position.
        self._places[member.workspace_id] = item.position if item.at is None else item.at
        data = b"id: %s\nevent: %s\ndata: %s\n\n" % (self._cursor(), item.event.encode(), item.json)
        return Frame(item.position, item.event, item.account_id, item.post_id, item.json, data)

    def _cursor(self) -> bytes:
        """Return the positions of all workspaces: of those without an event under way, after the unwanted ones too."""
        for member in self._members:
            if member.joined and not member.queue and member not in self._delivering and member.lost is None:
                self._places[member.workspace_id] = max(self._places[member.workspace_id], member.after)
        return format_cursor(self._places)

    def _is_sent(self, member: Member, item: Frame) -> bool:
        """Send the first ping when all workspaces have caught up, and then those of one workspace.

        A ping that says that events are unavailable is sent for any workspace, but for all together once in a while.
        """
        if says_away(item):
            now = asyncio.get_running_loop().time()
            if now - self._told_away < _AWAY_SECONDS:
                return False
            self._told_away = now
            return True
        if member not in self._caught_up:
            self._caught_up.add(member)
            return len(self._caught_up) == len(self._members)
        return member is self._members[0]


class CombinedStream(EventStream):
    """The events of several subscribers, one per workspace, in one response; it counts as one stream of its key."""

    def __init__(
        self,
        hub: Hub,
        key: ApiKey,
        members: Sequence[Member],
        after: Mapping[str, str],
        ticket: str | None = None,
    ) -> None:
        super().__init__(hub, key, members[0], None, ticket)
        self._members = self._subscribers = members
        self._positions = after

    async def _follow(self, deliver: Deliver) -> None:
        merge, replaying = Merge(self._members, self._positions, deliver), asyncio.Lock()
        try:
            async with asyncio.TaskGroup() as group:
                for member in self._members:
                    group.create_task(self._follow_one(member, merge, replaying))
        finally:
            merge.end()

    async def _follow_one(self, member: Member, merge: Merge, replaying: asyncio.Lock) -> None:
        """Follow one workspace; when its subscription is over, so are all others, because they share the connection."""

        async def deliver(frames: Sequence[Frame]) -> None:
            await merge.deliver(member, frames)

        await Follow(self._hub, member, self._positions.get(member.workspace_id), deliver, replaying).run()
        merge.end()
        self._end()
