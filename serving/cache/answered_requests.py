"""Hot reads: a request that was answered before gets its kept answer without being parsed again.

When the application has answered a read, the key of the answer is remembered for the same path, query, API key, rights
and hour. The next such request finds the kept answer by it; the answer is checked against the workspace's present
version and sent. If anything is missing, the request goes through the application.
"""

import logging
import time
from datetime import datetime
from typing import Any, NamedTuple

from cachetools import LRUCache
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from metrics.clock import utcnow
from metrics.store.api_keys import ApiKey
from serving.cache.answer import Headers, Reply, reply
from serving.cache.plan import AnswerKey
from serving.process.logs import redact
from serving.process.measures import REQUESTS
from serving.wire.headers import header_lines_of, request_id_of, security_headers
from serving.wire.middleware import access
from serving.wire.problems import Problem
from serving.wire.protocol import whole_writer

log = logging.getLogger(__name__)

_SIZE = 20_000
_BEARER = b"Bearer "
_HOUR = 3600


class AnsweredRequests:
    """The keys of the answers that the most recent requests got, and the routes that the requests came by."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[Any, ...], tuple[AnswerKey, str]] = LRUCache(_SIZE)

    def find(self, scope: Scope, key: ApiKey, now: datetime) -> tuple[AnswerKey, str] | None:
        """Return the key of the answer that the same request got in this hour, and its route, if they are known."""
        return self._known.get(_identity(scope, key, now))

    def remember(self, scope: Scope, answer: AnswerKey) -> None:
        """Remember the key of the answer that a request got."""
        route = getattr(scope.get("route"), "path", "none")
        self._known[_identity(scope, scope["api_key"], utcnow())] = answer, route


def _identity(scope: Scope, key: ApiKey, now: datetime) -> tuple[Any, ...]:
    # "The last 30 days" are those of the present hour, and the digests of answers hold the hour as well.
    hour = now.timestamp() // _HOUR
    return scope.get("raw_path"), scope["query_string"], key.key_id, key.workspaces, key.scopes, hour


class _Headers(NamedTuple):
    """The headers of a request that decide about its answer; those that came on several lines are joined."""

    token: bytes
    accept_encoding: bytes
    if_none_match: bytes
    request_id: bytes


def _headers(scope: Scope) -> _Headers | None:
    """Return the headers of a request with a bearer token, or None for requests that the application has to answer.

    That includes requests with an `Origin`, which need the headers of CORS.
    """
    authorization = accept = matches = request_id = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = authorization or value
        elif name == b"accept-encoding":
            accept = b"%s,%s" % (accept, value) if accept else value
        elif name == b"if-none-match":
            matches = b"%s,%s" % (matches, value) if matches else value
        elif name == b"x-request-id":
            request_id = value
        elif name == b"origin":
            return None
    if not authorization.startswith(_BEARER):
        return None
    return _Headers(authorization[len(_BEARER) :], accept, matches, request_id)


class _Hot(NamedTuple):
    """What a request gets that was answered before, and how its rate stands."""

    reply: Reply
    route: str
    rate_headers: Headers


class HotReads:
    """Answers reads that were answered before and whose answer is kept; passes all other requests on.

    It stands in front of the whole application, and gives its answers what the application's middleware would give
    them: a request id, headers, and a place in the statistics. A line in the log would cost as much as such an answer,
    so there is one at level DEBUG only. If it fails itself, the application answers.
    """

    def __init__(self, app: ASGIApp, state: State, *, behind_tls: bool) -> None:
        """Stand in front of `app`; `state` has its `services` while it runs."""
        self._app = app
        self._state = state
        self._security = security_headers(behind_tls=behind_tls)
        self._security_lines = header_lines_of(self._security)
        self._series: dict[tuple[str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the kept answer, or let the application answer."""
        if scope["type"] != "http" or scope["method"] != "GET" or not await self._answered(scope, send):
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, send: Send) -> bool:
        began = time.perf_counter()
        sent = _headers(scope)
        if sent is None:
            return False
        try:
            found = await self._find(scope, sent)
        except Exception:
            log.exception("a kept answer could not be looked up; the application answers")
            return False
        if found is None:
            return False
        answer = found.reply
        own = [*found.rate_headers, (b"x-request-id", request_id_of(sent.request_id).encode())]
        write = whole_writer(scope)
        lines = answer.lines + self._security_lines + header_lines_of(own) if write is not None else b""
        if write is None or not write(answer.status, lines, answer.body):
            headers = [*answer.headers, *self._security, *own]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
        self._count(scope, found.route, answer.status, time.perf_counter() - began)
        return True

    async def _find(self, scope: Scope, sent: _Headers) -> _Hot | None:
        parts, now = self._state.services, utcnow()
        key = parts.auth.remembered(sent.token.decode("latin-1"), now)
        known = None if key is None else parts.answered.find(scope, key, now)
        if known is None:
            return None
        answer_key, route = known
        _, answer = await parts.cache.find(answer_key)
        if answer is None:
            return None
        try:
            await parts.auth.spend(scope, key)
        except Problem:
            # The application finds the same problem, and answers with it.
            return None
        return _Hot(reply(answer, sent.accept_encoding, sent.if_none_match), route, scope["rate_headers"])

    def _count(self, scope: Scope, route: str, status: int, spent: float) -> None:
        series = self._series.get((route, status))
        if series is None:
            series = self._series[route, status] = REQUESTS.labels("GET", route, status)
        series.observe(spent)
        if access.isEnabledFor(logging.DEBUG):
            fields = {"method": "GET", "path": redact(scope["path"]), "route": route, "status": status}
            access.debug("answered", extra={"fields": fields})
