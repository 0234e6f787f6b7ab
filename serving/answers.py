"""From documents to answers: JSON names, envelopes and headers."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import isoformat, utcnow
from metrics.documents import Document
from metrics.periods import slot_of
from serving.cache import Answer, Fill, Kind, State
from serving.query import Query, RangeQuery
from serving.services import services


def encode(value: object) -> bytes:
    """Return JSON; instants as RFC 3339 with `Z`."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return isoformat(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def renamed(document: Mapping[str, Any], id_name: str, *hidden: str) -> dict[str, Any]:
    """Return a document with its `_id` under a name of the API, without what is hidden."""
    rest = {name: value for name, value in document.items() if name != "_id" and name not in hidden}
    return {id_name: document["_id"], **rest}


def envelope(data: object, query: Query, state: State, *, cursor: str | None = None, **meta: Any) -> dict[str, Any]:
    """Return data with its page and its meta."""
    limit = getattr(query, "limit", None)
    page = {"nextCursor": cursor, "hasMore": cursor is not None, "limit": limit}
    span: dict[str, Any] = {}
    if isinstance(query, RangeQuery):
        first, last = query.days()
        span = {"startDate": first.isoformat(), "endDate": last.isoformat()}
    return {
        "data": data,
        "page": page,
        "meta": {**span, "generatedAt": utcnow(), "dataVersion": state.version, **meta},
    }


def digest(query: Query, *scope: str) -> str:
    """Return what a query and its scope are known by in the cache; «the last 30 days» are those of this hour."""
    asked = query.model_dump(mode="json")
    days = [day.isoformat() for day in query.days()] if isinstance(query, RangeQuery) else []
    said = orjson.dumps([scope, asked, days, isoformat(slot_of(utcnow()))], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()[:32]


async def cached(request: Request, workspace_id: str, kind: Kind, query: Query, fill: Fill) -> Response:
    """Return the answer to a read, from the cache or from `fill`."""
    answer = await services(request).cache.get(workspace_id, kind, digest(query, request.url.path), fill)
    return respond(request, answer)


def respond(request: Request, answer: Answer) -> Response:
    """Return finished bytes, compressed where asked for, or 304 where the client has them."""
    headers = {
        "ETag": answer.etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Encoding",
        "X-Cache": "hit" if answer.hit else "miss",
    }
    if answer.cursor is not None:
        headers["Stream-Cursor"] = answer.cursor
    gzipped = bool(answer.gzipped) and _accepts_gzip(request)
    if gzipped:
        # The two forms are different bytes, so they have different strong tags.
        headers["ETag"] = answer.etag[:-1] + '-gz"'
    if _matches(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    body = answer.gzipped if gzipped else answer.body
    return Response(body, headers=headers, media_type="application/json")


def _accepts_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, parameters = part.strip().partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _matches(request: Request, etag: str) -> bool:
    asked = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in asked or asked == ["*"]


def milliseconds(value: datetime) -> int:
    """Return an instant as a cursor keeps it."""
    return round(value.timestamp() * 1000)


def rows(documents: Sequence[Any]) -> list[Document]:
    """Return typed documents as plain ones."""
    return cast("list[Document]", list(documents))
