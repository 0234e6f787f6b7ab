"""Content negotiation: whether a client accepts gzip."""

from functools import lru_cache

from starlette.requests import Request


@lru_cache(maxsize=1000)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Tell whether a value of the header `Accept-Encoding` allows gzip."""
    accepted: dict[str, bool] = {}
    for part in accept_encoding.decode("latin-1").split(","):
        name, _, parameters = part.strip().partition(";")
        accepted[name.strip().lower()] = parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return accepted.get("gzip", accepted.get("*", False))


def header_lines(request: Request, name: str) -> bytes:
    """Return the value of a header that may come on several lines, which count as one list."""
    return ",".join(request.headers.getlist(name)).encode("latin-1")
