"""Headers: content negotiation by those of a request (RFC 9110), request ids, and those of every response."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import getrandbits

from starlette.requests import Request

_WEIGHT = re.compile(r"(?:0(?:\.[0-9]*)?|1(?:\.0*)?)")
_MEMBER = re.compile(rb'[ \t]*(?:(?:W/)?(?P<tag>"[^"]*"))?[ \t]*(?:,|\Z)')
"""A member of the list in `If-None-Match`: an entity tag, strong or weak, or nothing. A tag may contain commas."""


_LINE_END = re.compile(rb"[\x00\r\n]")
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# The pages under /docs have an inline stylesheet, and icons are data: URLs. The dashboard sets a stricter policy.
_CSP = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _CSP),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


@lru_cache(maxsize=1000)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Tell whether a value of the header `Accept-Encoding` allows gzip."""
    accepted: dict[str, bool] = {}
    for part in accept_encoding.decode("latin-1").split(","):
        name, *parameters = part.split(";")
        accepted[name.strip().lower()] = all(map(_is_accepted, parameters))
    return accepted.get("gzip", accepted.get("*", False))


def _is_accepted(parameter: str) -> bool:
    """Tell whether a parameter of a coding accepts it: a weight of 0, in any notation, and a malformed one refuse."""
    name, _, weight = parameter.partition("=")
    if name.strip().lower() != "q":
        return True
    weight = weight.strip()
    return _WEIGHT.fullmatch(weight) is not None and float(weight) > 0


@lru_cache(maxsize=1000)
def has_etag(if_none_match: bytes, etag: bytes) -> bool:
    """Tell whether a value of the header `If-None-Match` names an entity tag, which includes its quotes.

    The comparison is weak: `W/"a"` names `"a"`. `*` names every tag; a malformed value names none.
    """
    if if_none_match.strip() == b"*":
        return True
    place, found = 0, False
    while place < len(if_none_match):
        member = _MEMBER.match(if_none_match, place)
        if member is None:
            return False
        found |= member["tag"] == etag
        place = member.end()
    return found


def header_lines(request: Request, name: str) -> bytes:
    """Return the value of a header that may come on several lines, which count as one list."""
    return ",".join(request.headers.getlist(name)).encode("latin-1")


def security_headers(*, behind_tls: bool) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers that every response carries."""
    return (*_SECURITY, _HSTS) if behind_tls else _SECURITY


def request_id_of(header: bytes) -> str:
    """Return the id in the header `X-Request-ID` of a client if it is well-formed, or else a new one."""
    chosen = header.decode("latin-1")
    return chosen if chosen and _ID.fullmatch(chosen) else f"{getrandbits(128):032x}"


def header_lines_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers in the form in which they are sent.

    Raises:
        ValueError: a value has a character that would end its line, and could begin a header of somebody else's.
    """
    lines = []
    for name, value in headers:
        if _LINE_END.search(value):
            raise ValueError(f"the header {name.decode()} has a line break or a null byte")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)
