"""The short way of a read that was asked before: from the request to the kept answer without parsing anything again.

A plan is what a request came to: which answer of which workspace. It is noted when the long way has answered, for the
same path, query, key, rights and hour; with it a kept answer is found, checked against the workspace's present version
and sent. Whatever is missing, the request takes the long way.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from metrics.store.keys import ApiKey
from serving.cache import Kind
from serving.finished import Answer, reply
from serving.measures import CACHE
from serving.problems import Problem, render

_SIZE = 20_000
_BEARER = b"Bearer "
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """Which answer a request is given, and the route that it came by."""

    workspace_id: str
    kind: Kind
    digest: str
    route: Any


class Plans:
    """The plans of the requests that came most recently."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], Plan] = OrderedDict()

    def find(self, scope: Scope, key: ApiKey) -> Plan | None:
        """Return the plan of a request by a key, if it is known."""
        return self._known.get(_asked(scope, key))

    def note(self, scope: Scope, workspace_id: str, kind: Kind, digest: str) -> None:
        """Note what a request came to."""
        self._known[_asked(scope, scope["api_key"])] = Plan(workspace_id, kind, digest, scope.get("route"))
        while len(self._known) > _SIZE:
            self._known.popitem(last=False)


def _asked(scope: Scope, key: ApiKey) -> tuple[Any, ...]:
    # «The last 30 days» are those of this hour, and so are the digests of answers.
    hour = int(time.time() // _HOUR)
    return scope.get("raw_path"), scope["query_string"], key.key_id, key.workspaces, key.scopes, hour


class HotReads:
    """Answers reads that are planned and kept; passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the short way, or through the application."""
        if scope["type"] == "http" and scope["method"] == "GET":
            authorization = accept = matches = b""
            for name, value in scope["headers"]:
                if name == b"authorization":
                    authorization = authorization or value
                elif name == b"accept-encoding":
                    accept = value
                elif name == b"if-none-match":
                    matches = value
            if authorization.startswith(_BEARER):
                try:
                    answer = await _kept(scope, authorization[len(_BEARER) :].decode("latin-1"))
                except Problem as problem:
                    await render(Request(scope), problem)(scope, receive, send)
                    return
                if answer is not None:
                    status, headers, body = reply(answer, accept, matches)
                    await send({"type": "http.response.start", "status": status, "headers": headers})
                    await send({"type": "http.response.body", "body": body})
                    return
        await self._app(scope, receive, send)


async def _kept(scope: Scope, token: str) -> Answer | None:
    parts = scope["app"].state.services
    key = parts.auth.remembered(token)
    plan: Plan | None = None if key is None else parts.plans.find(scope, key)
    if plan is None:
        return None
    state = await parts.cache.states.get(plan.workspace_id)
    answer: Answer | None = await parts.cache.find(plan.workspace_id, plan.kind, plan.digest, state)
    if answer is not None:
        CACHE.labels(plan.kind, "hit").inc()
        scope["route"] = plan.route
        await parts.auth.spend(scope, key)
    return answer
