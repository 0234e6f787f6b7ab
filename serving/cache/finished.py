"""Finished answers: bytes, their compressed form, their headers; kept in Redis as one value, and some in memory."""

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from serving.cache.states import State

Headers = list[tuple[bytes, bytes]]
_GZIP_FROM = 1024
_FIXED: Headers = [
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Accept-Encoding"),
]
_OVERHEAD = 1000


@dataclass(eq=False, slots=True)
class Answer:
    """Finished bytes until `expires` (Unix seconds). `gzipped` is empty where it would not pay."""

    body: bytes
    gzipped: bytes
    etag: str
    cursor: str | None
    expires: float = 0.0
    hit: bool = False
    _headers: dict[tuple[bool, bool], Headers] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the answer as one value of Redis."""
        head = orjson.dumps([self.etag, self.cursor, len(self.body), self.expires])
        return head + b"\n" + self.body + self.gzipped

    @classmethod
    def unpack(cls, packed: bytes) -> "Answer":
        """Return a packed answer."""
        head, _, rest = packed.partition(b"\n")
        etag, cursor, size, expires = orjson.loads(head)
        return cls(rest[:size], rest[size:], etag, cursor, expires, hit=True)

    @property
    def size(self) -> int:
        """Return what the answer takes in memory, roughly."""
        return len(self.body) + len(self.gzipped) + _OVERHEAD

    def tag(self, *, gzipped: bool) -> str:
        """Return the strong ETag of one form: the two are different bytes."""
        return self.etag[:-1] + '-gz"' if gzipped else self.etag

    def headers(self, *, gzipped: bool, modified: bool = True) -> Headers:
        """Return the headers of one form, or of the 304 that stands for it; made once."""
        found = self._headers.get((gzipped, modified))
        if found is None:
            found = [*_FIXED, (b"etag", self.tag(gzipped=gzipped).encode())]
            found.append((b"x-cache", b"hit" if self.hit else b"miss"))
            if self.cursor is not None:
                found.append((b"stream-cursor", self.cursor.encode()))
            if modified:
                found.append((b"content-type", b"application/json"))
                found.append((b"content-length", b"%d" % len(self.gzipped if gzipped else self.body)))
            if modified and gzipped:
                found.append((b"content-encoding", b"gzip"))
            self._headers[gzipped, modified] = found
        return found


def reply(answer: Answer, accept_encoding: bytes, if_none_match: bytes) -> tuple[int, Headers, bytes]:
    """Return status, headers and body: compressed where that is accepted, none where the client has them."""
    gzipped = bool(answer.gzipped) and accepts_gzip(accept_encoding)
    if if_none_match and _matches(if_none_match.decode("latin-1"), answer.tag(gzipped=gzipped)):
        return 304, answer.headers(gzipped=gzipped, modified=False), b""
    return 200, answer.headers(gzipped=gzipped), answer.gzipped if gzipped else answer.body


@lru_cache(maxsize=1000)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Tell whether the header `Accept-Encoding` lets gzip through."""
    accepted: dict[str, bool] = {}
    for part in accept_encoding.decode("latin-1").split(","):
        name, _, parameters = part.strip().partition(";")
        accepted[name.strip().lower()] = parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return accepted.get("gzip", accepted.get("*", False))


def _matches(if_none_match: str, etag: str) -> bool:
    asked = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in asked or asked == ["*"]


async def finish(body: bytes, state: State) -> Answer:
    """Return bytes with their compressed form and an ETag that is true of no other bytes."""
    etag = hashlib.sha256(f"{state.version}|".encode() + body).hexdigest()[:32]
    gzipped = await asyncio.to_thread(gzip.compress, body, 5) if len(body) >= _GZIP_FROM else b""
    return Answer(body, gzipped, f'"{etag}"', state.cursor)


class HotCopies:
    """Answers in the memory of this process, the most recently used ones, up to a number of bytes.

    A copy counts for the key that it was kept under, which holds the version, and until the cache is cleared.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._kept: OrderedDict[str, tuple[Answer, bytes]] = OrderedDict()

    def __contains__(self, key: str | None) -> bool:
        return key in self._kept

    def get(self, key: str, cleared: bytes) -> Answer | None:
        """Return the copy under a key, unless it is too old."""
        found = self._kept.get(key)
        if found is None:
            return None
        answer, kept_at = found
        if kept_at != cleared or answer.expires <= time.time():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: str, answer: Answer, cleared: bytes) -> None:
        """Keep a copy, in place of those that were not used for the longest time."""
        if answer.size > self._room // 8:
            return
        self._drop(key)
        self._kept[key] = answer, cleared
        self._used += answer.size
        while self._used > self._room:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._used -= found[0].size
