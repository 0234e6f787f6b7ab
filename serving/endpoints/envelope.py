"""From documents to answers: JSON names, envelopes and headers."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import isoformat, utcnow
from metrics.documents import Document
from metrics.periods import slot_of
from serving.cache.answer_cache import Fill, Kind
from serving.cache.finished import Answer, reply
from serving.cache.states import State
from serving.endpoints.query import Query, RangeQuery
from serving.schemas.base import Shape
from serving.schemas.work import AccountHistory
from serving.services import services


def encode(value: object) -> bytes:
    """Return JSON; instants as RFC 3339 with `Z`."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


_written = lru_cache(maxsize=4096)(isoformat)
"""The instants of an answer repeat: each document of a period has the same two."""


def _default(value: object) -> str:
    if isinstance(value, datetime):
        return _written(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


WHOLE = {"nextCursor": None, "hasMore": False, "limit": None}
"""The page of an answer that is never cut."""


def shown(document: Mapping[str, Any], shape: type[Shape], id_name: str) -> dict[str, Any]:
    """Return of a document what its shape knows, `_id` under a name of the API: nothing else ever gets out."""
    known = _names(shape)
    return {id_name: document["_id"], **{name: value for name, value in document.items() if name in known}}


def history_shown(history: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an account's history what its shape knows; empty lists of problems and reasons are left out."""
    known = _names(AccountHistory)
    return {name: value for name, value in history.items() if name in known and value not in ([], {})}


@cache
def _names(shape: type[Shape]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in shape.model_fields.items())


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
    parts, known_as = services(request), digest(query, request.url.path)
    answer = await parts.cache.get(workspace_id, kind, known_as, fill)
    parts.plans.note(request.scope, workspace_id, kind, known_as)
    return respond(request, answer)


def respond(request: Request, answer: Answer) -> Response:
    """Return finished bytes, compressed where asked for, or 304 where the client has them."""
    encodings, tags = (",".join(request.headers.getlist(name)) for name in ("accept-encoding", "if-none-match"))
    status, headers, body = reply(answer, encodings.encode("latin-1"), tags.encode("latin-1"))
    response = Response(body, status)
    response.raw_headers = list(headers)
    return response


def milliseconds(value: datetime) -> int:
    """Return an instant as a cursor keeps it."""
    return round(value.timestamp() * 1000)


def rows(documents: Sequence[Any]) -> list[Document]:
    """Return typed documents as plain ones."""
    return cast("list[Document]", list(documents))
