"""Cache of API keys: a key is looked up once, then refreshed together with all others in use; uses are saved in bulk.

So clients that send requests all day cost MongoDB a few queries a minute per process, not a few per key.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from heapq import nlargest

from cachetools import LRUCache, TTLCache

from metrics.clock import utcnow
from metrics.errors import Unavailable
from metrics.store import Store
from metrics.store.api_keys import ApiKey, hash_key
from serving.process.threads import Threads

log = logging.getLogger(__name__)

FRESH_SECONDS = 15.0
"""How long a key is trusted after it was read: a revocation takes effect within this time."""
UNKNOWN_SECONDS = 5.0
"""How long an unknown key is refused without another look-up."""
USE_SECONDS = 60.0
_RECENT_SECONDS = 3 * USE_SECONDS
_KEYS_PER_QUERY = 1000
_SIZE = 10_000
_LAST_WRITE_SECONDS = 2.0


@dataclass(slots=True)
class _Known:
    key: ApiKey
    until: float
    used: float


class KnownKeys:
    """The most recently used keys, by their hash (LRU), and with them the grants of tokens."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads
        self._known: LRUCache[str, _Known] = LRUCache(_SIZE)
        # Apart, so that made-up keys push no real one out.
        self._unknown: TTLCache[str, bool] = TTLCache(_SIZE, UNKNOWN_SECONDS)
        self._used: set[str] = set()
        self._refreshing: asyncio.Task[None] | None = None

    def fresh(self, hashed: str) -> ApiKey | None:
        """Return the key of a hash, valid or not, if it was read recently enough to be trusted."""
        known, now = self._known.get(hashed), time.monotonic()
        if known is None or known.until < now:
            return None
        known.used = now
        if known.key.key_id == hashed:
            self._used.add(hashed)
        return known.key

    def holds(self, hashed: str) -> bool:
        """Tell whether the hash is of a key that was found before, also if it has to be read again."""
        return hashed in self._known

    def remember(self, hashed: str, key: ApiKey | None, read_at: float) -> None:
        """Trust the result of a look-up, None for an unknown key, that began at `read_at` (monotonic seconds)."""
        if key is None:
            self._known.pop(hashed, None)
            self._unknown[hashed] = True
        else:
            self._known[hashed] = _Known(key, read_at + FRESH_SECONDS, time.monotonic())

    async def find(self, token: str) -> ApiKey | None:
        """Return the key, valid or not, or None if it is unknown.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        hashed, now = hash_key(token), time.monotonic()
        known = self._known.get(hashed)
        if known is not None and known.until < now and now - known.used < _RECENT_SECONDS:
            await self._refresh()
            known = self._known.get(hashed)
        if (known is None or known.until < now) and hashed not in self._unknown:
            self.remember(hashed, await self._threads.run(self._store.keys.look_up, token), now)
        return self.fresh(hashed)

    async def _refresh(self) -> None:
        """Read all recently used keys again with one query (single flight: concurrent callers share it)."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._read_recent_keys())
            self._refreshing.add_done_callback(self._refreshed)
        await asyncio.shield(self._refreshing)

    def _refreshed(self, task: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()

    async def _read_recent_keys(self) -> None:
        now = time.monotonic()
        used = [(known.used, hashed) for hashed, known in self._known.items() if _is_recent_key(hashed, known, now)]
        ids = [hashed for _, hashed in nlargest(_KEYS_PER_QUERY, used)]
        found = await self._threads.run(self._store.keys.of_ids, ids)
        for hashed in ids:
            key, known = found.get(hashed), self._known.get(hashed)
            if key is None:
                self.remember(hashed, None, now)
            elif known is not None:
                known.key, known.until = key, now + FRESH_SECONDS

    async def valid(self, key_ids: Collection[str]) -> dict[str, ApiKey]:
        """Return the keys among these ids that exist and are neither revoked nor expired, by id.

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
            log.warning("the last use of %d keys was not recorded: %s", len(used), error)


def _is_recent_key(hashed: str, known: _Known, now: float) -> bool:
    """Tell whether an entry is a recently used API key, not the grant of a token, whose id differs from its hash."""
    return known.key.key_id == hashed and now - known.used <= _RECENT_SECONDS
