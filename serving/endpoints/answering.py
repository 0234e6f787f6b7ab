"""Responses to reads: the envelope of an answer, the cache, and the form for the client."""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import isoformat, utcnow
from metrics.periods import slot_of
from metrics.store.api_keys import ApiKey
from serving.cache.answer import Answer, reply
from serving.cache.plan import AnswerKey, Kind, ReadPlan, State
from serving.endpoints.query import Query, RangeQuery
from serving.services import services
from serving.wire.disconnects import CLIENT_CLOSED_REQUEST, while_connected
from serving.wire.headers import header_lines

WHOLE = {"nextCursor": None, "hasMore": False, "limit": None}
"""The `page` of an answer that is not divided into pages."""


async def answer(
    request: Request, workspace_id: str, kind: Kind, query: Query, read: Callable[[State], bytes]
) -> Response:
    """Return the response to a read: the cached answer, or else the result of `read`, which runs in a thread."""
    parts = services(request)
    api_key: ApiKey = request.scope["api_key"]
    # Without accounts, a workspace is empty for a key that names it, and unknown for a key of all workspaces.
    named = "named" if api_key.names(workspace_id) else "all"
    # After a change of this setting, the answers that were cached before are not used.
    content = "with content" if parts.settings.store_post_content else "without content"
    key = AnswerKey(workspace_id, kind, _digest(query, request.url.path, named, content))
    plan = ReadPlan(key, lambda state: parts.threads.run_for(api_key.key_id, read, state))
    found = await while_connected(request, parts.cache.get(plan))
    if found is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    parts.answered.remember(request.scope, key)
    return respond(request, found)


def _digest(query: Query, *scope: str) -> str:
    """Return a digest of a query and its scope for the cache key.

    It includes the present hour, because the meaning of a query without dates ("the last 30 days") changes with time.
    """
    parameters = query.model_dump(mode="json")
    days = [day.isoformat() for day in query.days()] if isinstance(query, RangeQuery) else []
    text = orjson.dumps([scope, parameters, days, isoformat(slot_of(utcnow()))], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def respond(request: Request, answer: Answer) -> Response:
    """Return finished bytes, compressed if the client accepts gzip, or 304 if it has them already."""
    encodings, tags = (header_lines(request, name) for name in ("accept-encoding", "if-none-match"))
    found = reply(answer, encodings, tags)
    response = Response(found.body, found.status)
    response.raw_headers = list(found.headers)
    return response


def envelope(data: object, query: Query, state: State, *, cursor: str | None = None, **meta: Any) -> dict[str, Any]:
    """Return the body of an answer: `data` with its `page` and its `meta`."""
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
