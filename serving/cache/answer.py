"""A finished answer: its bytes, their compressed form and its headers, and how Redis and this process keep it."""

import asyncio
import gzip
import hashlib
import logging
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from cachetools import LRUCache

from serving.cache.plan import State
from serving.wire.headers import accepts_gzip, has_etag, header_lines_of

log = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]
_GZIP_FROM = 1024
_FIXED: Headers = [
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Accept-Encoding"),
]
_OVERHEAD = 1000
_LARGEST_SHARE = 8
"""An answer that would take more than this part of the memory is not kept."""


class Reply(NamedTuple):
    """A form of an answer that a client gets; `lines` are its headers as they are sent."""

    status: int
    headers: Headers
    lines: bytes
    body: bytes


@dataclass(eq=False, slots=True)
class Answer:
    """The bytes of an answer, valid until `expires` (Unix seconds). `gzipped` is empty for bodies below 1 KiB."""

    body: bytes
    gzipped: bytes
    etag: str
    cursor: str | None
    expires: float = 0.0
    hit: bool = False
    _replies: dict[tuple[bool, bool], Reply] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the answer as one value for Redis."""
        head = orjson.dumps([self.etag, self.cursor, len(self.body), self.expires])
        return head + b"\n" + self.body + self.gzipped

    @classmethod
    def unpack(cls, packed: bytes) -> "Answer | None":
        """Return a packed answer, or None if the value in Redis is none, so that it is computed again."""
        head, _, rest = packed.partition(b"\n")
        try:
            etag, cursor, size, expires = orjson.loads(head)
            return cls(rest[:size], rest[size:], etag, cursor, expires, hit=True)
        except (ValueError, TypeError):
            log.warning("a value of the cache in Redis is no answer; it is computed again")
            return None

    def as_hit(self) -> "Answer":
        """Return the same answer as one that was found in the cache."""
        return Answer(self.body, self.gzipped, self.etag, self.cursor, self.expires, hit=True)

    @property
    def size(self) -> int:
        """The approximate number of bytes that the answer takes in memory."""
        return len(self.body) + len(self.gzipped) + _OVERHEAD

    def tag(self, *, gzipped: bool) -> str:
        """Return the strong ETag of the plain or the compressed form, whose bytes differ."""
        return self.etag[:-1] + '-gz"' if gzipped else self.etag

    def reply(self, *, gzipped: bool, modified: bool = True) -> Reply:
        """Return the plain or the compressed form, or its 304 response; each is made only once."""
        found = self._replies.get((gzipped, modified))
        if found is None:
            headers = self._headers(gzipped=gzipped, modified=modified)
            body = self.gzipped if gzipped else self.body
            found = Reply(200 if modified else 304, headers, header_lines_of(headers), body if modified else b"")
            self._replies[gzipped, modified] = found
        return found

    def _headers(self, *, gzipped: bool, modified: bool) -> Headers:
        found = [*_FIXED, (b"etag", self.tag(gzipped=gzipped).encode())]
        found.append((b"x-cache", b"hit" if self.hit else b"miss"))
        if self.cursor is not None:
            found.append((b"stream-cursor", self.cursor.encode()))
        if modified:
            found.append((b"content-type", b"application/json"))
            found.append((b"content-length", b"%d" % len(self.gzipped if gzipped else self.body)))
        if modified and gzipped:
            found.append((b"content-encoding", b"gzip"))
        return found


def reply(answer: Answer, accept_encoding: bytes, if_none_match: bytes) -> Reply:
    """Return the form that a client gets: compressed if it accepts gzip, or a 304 if it has the bytes already."""
    gzipped = bool(answer.gzipped) and accepts_gzip(accept_encoding)
    if if_none_match and has_etag(if_none_match, answer.tag(gzipped=gzipped).encode()):
        return answer.reply(gzipped=gzipped, modified=False)
    return answer.reply(gzipped=gzipped)


async def encode_answer(body: bytes, state: State) -> Answer:
    """Return an answer from its bytes: with their compressed form, and an ETag of the data version and the bytes."""
    if len(body) < _GZIP_FROM:
        return Answer(body, b"", _etag(body, state), state.cursor)
    # Both take milliseconds for a long body, and leave the interpreter to others meanwhile.
    etag, gzipped = await asyncio.to_thread(lambda: (_etag(body, state), gzip.compress(body, 5)))
    return Answer(body, gzipped, etag, state.cursor)


def _etag(body: bytes, state: State) -> str:
    return f'"{hashlib.sha256(f"{state.version}|".encode() + body).hexdigest()[:32]}"'


class AnswersInMemory:
    """The most recently used answers, by their key in Redis (LRU).

    A copy is valid until it expires or the workspace's cache is cleared.
    """

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
