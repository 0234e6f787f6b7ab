"""The cursors of paged lists: opaque texts that hold a position, and a digest of the query to which they belong."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson

from metrics.errors import InvalidInput
from serving.endpoints.query import Query


def encode_cursor(query: Query, route: str, position: list[Any]) -> str:
    """Return a cursor that continues a query after `position`."""
    return base64.urlsafe_b64encode(orjson.dumps([_query_digest(query, route), *position])).decode().rstrip("=")


def decode_cursor(query: Query, route: str, size: int) -> list[Any] | None:
    """Return the position of the query's cursor, or None without one.

    Raises:
        InvalidInput: the cursor is malformed, or it belongs to another query.
    """
    text: str | None = getattr(query, "cursor", None)
    if text is None:
        return None
    try:
        digest, *position = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError, TypeError):
        raise InvalidInput("cursor: send `page.nextCursor` of an answer, unchanged", "cursor") from None
    if digest != _query_digest(query, route) or len(position) != size:
        raise InvalidInput("cursor: it belongs to another query", "cursor")
    return list(position)


def _query_digest(query: Query, route: str) -> str:
    parameters = query.model_dump(mode="json", exclude={"cursor", "limit"})
    return hashlib.sha256(orjson.dumps([route, parameters], option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def instant(value: object) -> datetime:
    """Return the instant that a cursor holds as milliseconds since 1970.

    Raises:
        InvalidInput: the value is not an instant.
    """
    if not isinstance(value, int) or not 0 <= value < 10**13:
        raise InvalidInput("cursor: send `page.nextCursor` of an answer, unchanged", "cursor")
    return datetime.fromtimestamp(value / 1000, UTC)


def milliseconds(value: datetime) -> int:
    """Return an instant as milliseconds since 1970, the form that cursors hold."""
    return round(value.timestamp() * 1000)
