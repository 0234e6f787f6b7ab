"""Pictures of simulated posts: small PNG images, served at the URLs that lists give as thumbnails.

A URL expires as those of Meta's picture servers do (docs/platform-facts.md#content-of-posts): its parameter `oe` has
hexadecimal seconds since 1970, and an expired one is answered with 403.
"""

import re
import struct
import zlib
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.periods import midnight
from simulator.clock import Clock

SIZE = 96
"""Width and height of a picture in pixels."""

LIFE = timedelta(days=3)
"""A URL expires at the end of the third day after the answer, so that it stays the same throughout a day."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB = 2
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
"""Matches a name without characters that a URL would encode."""


def picture_url(base_url: str, name: str, now: datetime | None = None) -> str:
    """Return the URL of a picture; it expires if it is given in an answer at the instant `now`."""
    url = f"{_origin(base_url)}/pictures/{name if _PLAIN(name) else quote(name, safe='')}.png"
    return url if now is None else f"{url}?oe={int((midnight(now.date()) + LIFE).timestamp()):X}"


@lru_cache(maxsize=64)
def _origin(base_url: str) -> str:
    """Return scheme and host of a URL."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def routes(clock: Clock) -> list[Route]:
    """Return the route of pictures."""

    async def answer(request: Request) -> Response:
        return _answer(request, clock.now())

    return [Route("/pictures/{name:path}.png", answer, methods=["GET"])]


def _answer(request: Request, now: datetime) -> Response:
    try:
        expires = int(request.query_params.get("oe", "0"), 16)
    except ValueError:
        return Response("Bad URL hash", 403, media_type="text/plain")
    if expires and expires <= now.timestamp():
        return Response("URL signature expired", 403, media_type="text/plain")
    return Response(_png(request.path_params["name"]), media_type="image/png")


@lru_cache(maxsize=512)
def _png(name: str) -> bytes:
    """Return a picture whose colours follow from its name: a diagonal gradient between two of them."""
    digest = blake2b(name.encode(), digest_size=6).digest()
    start, end = digest[:3], digest[3:]
    steps = [bytes((a * (2 * SIZE - n) + b * n) // (2 * SIZE) for a, b in zip(start, end, strict=True))
             for n in range(2 * SIZE)]  # fmt: skip
    rows = (b"\0" + b"".join(steps[line : line + SIZE]) for line in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, _RGB, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
