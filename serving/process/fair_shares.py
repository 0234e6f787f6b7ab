"""Fair shares of the machine: an owner that works without a pause gives way while lighter owners are active.

Every owner, that is, an API key, has a token bucket of seconds that its calls spend in threads. An owner whose bucket
is empty gets one call at a time while another owner is active that has more left, and each call waits until the bucket
has been filled for the calls before it. So an owner that asks for much alone uses the whole machine, and one that does
so beside others is held to a quarter of the cores; a page that needs several answers at once is within the bucket. Of
two owners that both ask for much, the one that has used more gives way.
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from cachetools import TTLCache

_CORES_SHARE = 0.25
"""What an owner that has used up its bucket gets of the cores of this machine while others are active."""
BURST_SECONDS = 0.5
"""Thread seconds in a full bucket."""
MOST_OF_A_CALL = 2.0
"""A longer call counts as so many thread seconds, so that the next one need not wait for minutes."""
ACTIVE_SECONDS = 1.0
"""An owner counts as active for so long after each of its requests."""
_OWNERS, _REMEMBERED_SECONDS = 10_000, 60
"""A bucket is full again long before it is forgotten."""
_NEVER_LESS = 0.001
"""Seconds of the shortest wait for a bucket."""


@dataclass(eq=False, slots=True)
class _Share:
    """One owner's places, its turn for the calls beyond its bucket, and the bucket (thread seconds left at a time)."""

    places: asyncio.Semaphore
    filled_at: float
    left: float = BURST_SECONDS
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def fill(self, rate: float, now: float) -> float:
        """Fill the bucket up to now, and return the thread seconds in it; they are negative while the owner owes."""
        self.left, self.filled_at = min(BURST_SECONDS, self.left + rate * (now - self.filled_at)), now
        return self.left


class FairShares:
    """The shares of all owners in this process. Create it inside a running event loop."""

    def __init__(
        self, places: int, cores: int | None = None, *,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """`places` is how many calls of one owner run at once; `clock` gives seconds, and `sleep` waits for some."""
        self._places = places
        self._clock = clock
        self._sleep = sleep
        self._rate = _CORES_SHARE * (cores or _cores())
        self._shares: TTLCache[str, _Share] = TTLCache(_OWNERS, _REMEMBERED_SECONDS)
        self._active: OrderedDict[str, float] = OrderedDict()
        """The last request of each active owner, the latest one last."""
        self._latest = ""

    def note(self, owner: str) -> None:
        """Note that an owner is active: it has sent a request, perhaps one that needs no thread."""
        self._active[owner] = self._clock()
        if owner == self._latest:
            return
        self._latest = owner
        self._active.move_to_end(owner)
        if len(self._active) > _OWNERS:
            self._active.popitem(last=False)

    async def enter(self, owner: str, held: ExitStack) -> None:
        """Wait for a place of an owner's share; closing `held` gives it back."""
        share = self._share(owner)
        await hold(share.places, held)
        if self._may_begin(owner, share):
            return
        await hold(share.turn, held)
        while not self._may_begin(owner, share):
            await self._sleep(min(-share.left / self._rate, ACTIVE_SECONDS) + _NEVER_LESS)

    def charge(self, owner: str, began: float) -> None:
        """Take the time since `began`, by the clock, from an owner's bucket: a call in a thread has ended."""
        share = self._share(owner)
        taken = min(self._clock() - began, MOST_OF_A_CALL)
        share.left = max(share.fill(self._rate, self._clock()) - taken, -MOST_OF_A_CALL)

    def _share(self, owner: str) -> _Share:
        share = self._shares.get(owner) or _Share(asyncio.Semaphore(self._places), self._clock())
        self._shares[owner] = share  # This also begins the time anew after which it is forgotten.
        return share

    def _may_begin(self, owner: str, share: _Share) -> bool:
        return share.fill(self._rate, self._clock()) > 0 or not self._lighter_is_active(owner, share.left)

    def _lighter_is_active(self, owner: str, left: float) -> bool:
        """Tell whether another owner that has more than `left` in its bucket has sent a request lately."""
        now = self._clock()
        for other, at in reversed(self._active.items()):
            if now - at > ACTIVE_SECONDS:
                return False
            share = self._shares.get(other)
            if other != owner and (share is None or share.fill(self._rate, now) > left):
                return True
        return False


async def hold(place: asyncio.Semaphore, held: ExitStack) -> None:
    """Wait for a place; closing `held` gives it back."""
    await place.acquire()
    held.callback(place.release)


def _cores() -> int:
    """Return how many cores this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
