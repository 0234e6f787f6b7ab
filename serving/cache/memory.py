"""Answers in the memory of this process: the most recently used ones, up to a number of bytes (LRU)."""

import time

from cachetools import LRUCache

from serving.cache.finished import Answer

_LARGEST_SHARE = 8
"""An answer that would take more than this part of the memory is not kept."""


class AnswersInMemory:
    """Answers by their key in Redis. A copy is valid until it expires or the workspace's cache is cleared."""

    def __init__(self, size: int) -> None:
        """Keep up to `size` bytes."""
        self._largest = size // _LARGEST_SHARE
        self._kept: LRUCache[str, tuple[Answer, bytes]] = LRUCache(size, getsizeof=lambda entry: entry[0].size)

    def __contains__(self, key: str | None) -> bool:
        return key in self._kept

    def get(self, key: str, cleared: bytes) -> Answer | None:
        """Return the copy under a key, unless it has expired or was kept before the cache was cleared."""
        found = self._kept.get(key)
        if found is None:
            return None
        answer, kept_at = found
        if kept_at != cleared or answer.expires <= time.time():
            self._kept.pop(key, None)
            return None
        return answer

    def put(self, key: str, answer: Answer, cleared: bytes) -> None:
        """Keep a copy; the copies that were not used for the longest time make room for it."""
        if answer.size <= self._largest:
            self._kept[key] = answer, cleared
