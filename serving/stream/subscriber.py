"""One client's subscription to a workspace, and the bounded queue between the hub and its connection."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from serving.process.measures import DROPS
from serving.schemas.events import ResetReason
from serving.stream.frames import BEAT, RESET, START, Frame, Position, ping, reset

QUEUE = 1000
BEAT_SECONDS = 15.0
STALLED_SECONDS = 10.0


@dataclass(eq=False, slots=True)
class Subscriber:
    """A client's filters, and the queue of frames that wait to be sent to it.

    `lost` is the reason why the client lost its place, which closes the connection; `ended` means that the subscription
    is over.
    """

    workspace_id: str
    account_id: str | None = None
    post_id: str | None = None
    events: frozenset[str] = frozenset()
    after: Position = START
    queue: deque[Frame] = field(default_factory=deque)
    lost: ResetReason | None = None
    ended: bool = False
    joined: bool = False
    abort: Callable[[], object] | None = None
    _waiter: "asyncio.Future[None] | None" = None
    _over_since: float = 0.0
    _beats: int = 0
    _next_beat: float = field(default_factory=lambda: time.monotonic() + BEAT_SECONDS)

    def wants(self, item: Frame) -> bool:
        """Tell whether the client's filters let an event through; a `reset` passes all filters."""
        if item.event == RESET:
            return True
        return (
            (not self.events or item.event in self.events)
            and (self.account_id is None or item.account_id == self.account_id)
            and (self.post_id is None or item.post_id == self.post_id)
        )

    def offer(self, item: Frame) -> None:
        """Queue an event if the client wants it; if the queue is full, the client loses its place."""
        if self.lost is not None or item.position <= self.after or not self.wants(item):
            return
        if len(self.queue) >= QUEUE:
            DROPS.labels("slow_reader").inc()
            self.lost, self._over_since = "slow_reader", time.monotonic()
            self.queue.clear()
        else:
            self.queue.append(item)
        self._wake()

    def enqueue(self, item: Frame) -> None:
        """Queue a frame that is not an event of the workspace, without a check of filters and limits."""
        if self.lost is None:
            self.queue.append(item)
            self._wake()

    def lose_place(self, reason: ResetReason, at: Position) -> None:
        """Tell the client that events up to `at` may be missing; the stream continues after it."""
        DROPS.labels(reason).inc()
        self.after = at
        self.enqueue(reset(self.workspace_id, reason, at=at))

    def end(self) -> None:
        """End the connection as soon as the queued frames are sent."""
        self.ended, self._over_since = True, self._over_since or time.monotonic()
        self._wake()

    def beat(self, now: float, *, away: bool) -> None:
        """Send a heartbeat on a silent connection, and abort one that should end but has not read for too long."""
        if self.lost is not None or self.ended:
            if self.abort is not None and now - self._over_since > STALLED_SECONDS:
                self.abort()
            return
        if now < self._next_beat:
            return
        self._next_beat, self._beats = now + BEAT_SECONDS, self._beats + 1
        if self.queue:
            return
        self.enqueue(BEAT)
        if self._beats % 2 == 0:
            self.enqueue(ping(away=away))

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until something is queued or the subscription is over."""
        if self.queue or self.ended or self.lost is not None:
            return
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            if seconds is None:
                await waiter
            else:
                await asyncio.wait([waiter], timeout=seconds)
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
