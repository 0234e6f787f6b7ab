"""Responses to reads: makes the read plan, gets the answer from the cache, and negotiates its form with the client."""

import hashlib
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import isoformat, utcnow
from metrics.periods import slot_of
from serving.cache.finished import Answer, reply
from serving.cache.plan import AnswerKey, Kind, ReadPlan
from serving.cache.states import State
from serving.endpoints.query import Query, RangeQuery
from serving.services import services
from serving.wire.disconnects import CLIENT_CLOSED_REQUEST, while_connected
from serving.wire.negotiation import header_lines


async def answer(
    request: Request, workspace_id: str, kind: Kind, query: Query, read: Callable[[State], bytes]
) -> Response:
    """Return the response to a read: the cached answer, or else the result of `read`, which runs in a thread."""
    parts = services(request)
    key = AnswerKey(workspace_id, kind, _digest(query, request.url.path))
    plan = ReadPlan(key, lambda state: parts.threads.run(read, state))
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
    status, headers, body = reply(answer, encodings, tags)
    response = Response(body, status)
    response.raw_headers = list(headers)
    return response
