"""The short way of a read that was asked before: from the request to the kept answer without parsing anything again.

A plan is what a request came to: which answer of which workspace. It is noted when the long way has answered, for the
same path, query, key, rights and hour; with it a kept answer is found, checked against the workspace's present version
and sent. Whatever is missing, the request takes the long way.
"""

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from metrics.clock import utcnow
from metrics.store.api_keys import ApiKey
from serving.cache.answer_cache import Kind
from serving.cache.finished import Answer, reply
from serving.process.logs import redact
from serving.process.measures import REQUESTS
from serving.wire.middleware import access, request_id_of, security_headers
from serving.wire.problems import Problem

_SIZE = 20_000
_BEARER = b"Bearer "
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """Which answer a request is given, and the route that it came by."""

    workspace_id: str
    kind: Kind
    digest: str
    route: str


class Plans:
    """The plans of the requests that came most recently."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], Plan] = OrderedDict()

    def find(self, scope: Scope, key: ApiKey) -> Plan | None:
        """Return the plan of a request by a key, if it is known."""
        return self._known.get(_asked(scope, key))

    def note(self, scope: Scope, workspace_id: str, kind: Kind, digest: str) -> None:
        """Note what a request came to."""
        route = getattr(scope.get("route"), "path", "none")
        self._known[_asked(scope, scope["api_key"])] = Plan(workspace_id, kind, digest, route)
        while len(self._known) > _SIZE:
            self._known.popitem(last=False)


def _asked(scope: Scope, key: ApiKey) -> tuple[Any, ...]:
    # «The last 30 days» are those of this hour, and so are the digests of answers.
    hour = int(utcnow().timestamp() // _HOUR)
    return scope.get("raw_path"), scope["query_string"], key.key_id, key.workspaces, key.scopes, hour


class HotReads:
    """Answers reads that are planned and kept; passes everything else on.

    It stands in front of all other middleware and does for its answers what they do: their id, their headers, their
    number. A line in the log costs as much as such an answer, so there is one at level DEBUG only.
    """

    def __init__(self, app: ASGIApp, *, behind_tls: bool) -> None:
        self._app = app
        self._security = security_headers(behind_tls=behind_tls)
        self._series: dict[tuple[str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the short way, or through the application."""
        if scope["type"] != "http" or scope["method"] != "GET" or not await self._answered(scope, send):
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, send: Send) -> bool:
        began = time.perf_counter()
        authorization = accept = matches = asked_id = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = authorization or value
            elif name == b"accept-encoding":
                accept = b"%s,%s" % (accept, value) if accept else value
            elif name == b"if-none-match":
                matches = b"%s,%s" % (matches, value) if matches else value
            elif name == b"x-request-id":
                asked_id = value
            elif name == b"origin":
                return False
        if not authorization.startswith(_BEARER):
            return False
        parts = scope["app"].state.services
        key = parts.auth.remembered(authorization[len(_BEARER) :].decode("latin-1"))
        plan: Plan | None = None if key is None else parts.plans.find(scope, key)
        if plan is None:
            return False
        answer: Answer | None
        _, answer = await parts.cache.find(plan.workspace_id, plan.kind, plan.digest)
        if answer is None:
            return False
        try:
            await parts.auth.spend(scope, key)
        except Problem:
            # The long way finds the same, and says so.
            return False
        status, headers, body = reply(answer, accept, matches)
        own = [*headers, *self._security, *scope["rate_headers"], (b"x-request-id", request_id_of(asked_id).encode())]
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": body})
        self._count(scope, plan, status, time.perf_counter() - began)
        return True

    def _count(self, scope: Scope, plan: Plan, status: int, spent: float) -> None:
        series = self._series.get((plan.route, status))
        if series is None:
            series = self._series[plan.route, status] = REQUESTS.labels("GET", plan.route, status)
        series.observe(spent)
        if access.isEnabledFor(logging.DEBUG):
            fields = {"method": "GET", "path": redact(scope["path"]), "route": plan.route, "status": status}
            access.debug("answered", extra={"fields": fields})
