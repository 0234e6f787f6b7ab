"""The keys that this process knows: looked up once, looked at again all together, and their use recorded together.

So who asks all day costs MongoDB a few queries a minute per process, not some per key.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.store import Store
from metrics.store.api_keys import ApiKey, hash_key
from serving.process.threads import Threads

log = logging.getLogger(__name__)

FRESH_SECONDS = 15.0
"""How long a key is trusted: a revocation works within this time."""
UNKNOWN_SECONDS = 5.0
"""How long a key is refused that was not there."""
USE_SECONDS = 60.0
_RECENT_SECONDS = 3 * USE_SECONDS
_TOGETHER = 1000
_SIZE = 10_000
_LAST_WRITE_SECONDS = 2.0


@dataclass(slots=True)
class _Known:
    key: ApiKey | None
    until: float
    used: float


class KnownKeys:
    """Keys by their hash, the most recently used ones; the grants of tokens beside them."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._used: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    def fresh(self, hashed: str) -> ApiKey | None:
        """Return the key of a hash, valid or not, if it was looked at just now."""
        known, now = self._known.get(hashed), time.monotonic()
        if known is None or known.key is None or known.until < now:
            return None
        known.used = now
        self._known.move_to_end(hashed)
        if known.key.key_id == hashed:
            self._used.add(hashed)
        return known.key

    def remember(self, hashed: str, key: ApiKey | None, asked: float) -> None:
        """Trust what was found when it was asked for at `asked` (monotonic seconds)."""
        seconds = FRESH_SECONDS if key is not None else UNKNOWN_SECONDS
        self._known[hashed] = _Known(key, asked + seconds, time.monotonic())
        self._known.move_to_end(hashed)
        while len(self._known) > _SIZE:
            self._known.popitem(last=False)

    async def find(self, token: str) -> ApiKey | None:
        """Return the key, valid or not, or None where it is unknown.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        hashed, now = hash_key(token), time.monotonic()
        known = self._known.get(hashed)
        if known is not None and known.until < now and known.key is not None and now - known.used < _RECENT_SECONDS:
            await self._look_again()
            known = self._known.get(hashed)
        if known is None or known.until < now:
            self.remember(hashed, await self._threads.run(self._store.keys.look_up, token), now)
        return self.fresh(hashed)

    async def _look_again(self) -> None:
        """Look at all keys that were used of late, in one query for all who want it."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()

    async def _look(self) -> None:
        now, ids = time.monotonic(), list[str]()
        for hashed, known in reversed(self._known.items()):
            if len(ids) == _TOGETHER or now - known.used > _RECENT_SECONDS:
                break
            if known.key is not None and known.key.key_id == hashed:
                ids.append(hashed)
        found = await self._threads.run(self._store.keys.of_ids, ids)
        for hashed in ids:
            if hashed in self._known:
                one = self._known[hashed]
                one.key, one.until = found.get(hashed), now + FRESH_SECONDS

    async def valid(self, key_ids: Collection[str]) -> dict[str, ApiKey]:
        """Return those of these keys, by id, that are there, neither revoked nor expired.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        found = await self._threads.run(self._store.keys.of_ids, list(key_ids))
        now = utcnow()
        return {key_id: key for key_id, key in found.items() if key.valid(now)}

    async def record_use(self) -> None:
        """Write last-used times once a minute, and once more when cancelled."""
        try:
            while True:
                await asyncio.sleep(USE_SECONDS)
                await self._write_use()
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WRITE_SECONDS):
                    await self._write_use()

    async def _write_use(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await self._threads.run(self._store.keys.touch, list(used), utcnow())
        except Unavailable as error:
            log.warning("the use of %d keys was not recorded: %s", len(used), error)
