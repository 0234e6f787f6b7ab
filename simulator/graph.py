"""The Graph API: paths, versions, `?ids=`, batches and errors, as platforms.md 1 has them.

What an object is, its platform's module knows (`simulator.instagram.node`). Calls are plain function calls here, so
that a batch is a loop over its elements.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from metrics.documents import Platform
from simulator.graph_batch import Element, elements_of, filled, referred
from simulator.graph_budget import Budget
from simulator.graph_call import Call, GraphPlatform, Params
from simulator.graph_errors import GraphError, forbidden, missing
from simulator.graph_tokens import authenticated, exchanged, told_dead
from simulator.listing import page_number
from simulator.patches import patched
from simulator.state import Answer, Request, State
from simulator.versions import answering, parted
from simulator.wire import encoded
from simulator.world import SimAccount

_OF_TOKENS = frozenset(["oauth/access_token", "access_token"])
_WITHOUT_VERSION = frozenset(["", "refresh_access_token", "debug_token", *_OF_TOKENS])
_OBJECT = re.compile(r"(me|\d{10,}(_\d+)?)(/.*)?")
_MALFORMED = {"code": 190, "message": "Malformed access token"}


class Graph:
    """Dispatches calls to the platform whose token is used."""

    def __init__(self, state: State, platforms: Mapping[Platform, GraphPlatform]) -> None:
        self.state = state
        self._platforms = platforms
        self._budget = Budget(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path begins with a version, `/v25.0/…`, or names an object without one."""
        version, rest = parted(path)
        return version is not None or rest in _WITHOUT_VERSION or _OBJECT.fullmatch(rest) is not None

    def account(self, request: Request) -> SimAccount | None:
        """Return whose token a request carries, in its header, its query or its form."""
        return self.state.world.of_token(request.params.get("access_token") or request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return which page of a list is asked for; the elements of a batch have pages of their own."""
        params = request.params
        return None if "batch" in params else page_number(params)

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        answer = self._answer(request)
        if not isinstance(answer.body, list):
            # Of a batch each element was patched by itself.
            rest = parted(request.path)[1]
            answer.body = self._patched(answer.body, self.account(request), rest, request.params)
        answer.patched = True
        return answer

    def _answer(self, request: Request) -> Answer:
        asked, path = parted(request.path)
        params, now = request.params, self.state.clock.now()
        headers: dict[str, str] = {}
        try:
            version = answering(asked, now)
            headers["facebook-api-version"] = version
            if path in _OF_TOKENS:
                return Answer(200, exchanged(self.state, params), headers)
            token = params.pop("access_token", None) or request.bearer
            if path == "debug_token" and "input_token" in params:
                return Answer(200, self._told(request, version), headers)
            account = authenticated(self.state, token)
            headers |= self._budget.headers(account)
            self._budget.check(account)
            call = Call(self.state, account, account, params, request.base_url, version, now)
            if request.method == "POST" and "batch" in params:
                return Answer(200, self._batch(call), headers)
            return Answer(200, self._get(path, call), headers)
        except GraphError as error:
            return Answer(error.status, {"error": error.body}, headers)

    def _told(self, request: Request, version: str) -> Any:
        """Return what `debug_token` says of a token, of one that has ended too; whoever asks."""
        token = request.params["input_token"]
        account = self.state.world.of_token(token)
        if account is None or account.platform not in self._platforms:
            return {"data": {"error": _MALFORMED, "is_valid": False, "scopes": []}}
        call = Call(self.state, account, account, {}, request.base_url, version, self.state.clock.now())
        body = self._platforms[account.platform].node(call, "debug_token", None)
        return told_dead(body) if token in self.state.dead_tokens else body

    def _get(self, path: str, call: Call) -> Any:
        if "ids" in call.params:
            # One bad id fails them all; with an edge each has that edge's own page.
            return {one: self._object(one, path or None, call) for one in call.params["ids"].split(",")}
        object_id, _, edge = path.partition("/")
        return self._object(object_id, edge or None, call)

    def _object(self, object_id: str, edge: str | None, call: Call) -> Any:
        call = self._about(object_id, edge, call)
        account_id = call.account.platform_account_id
        self.state.count(edge or "node", account_id)
        self._budget.take(call.account)
        if self.state.faults.strike("permission", account_id):
            raise forbidden(call.account)
        if object_id != account_id and self.state.faults.strike("partial", object_id):
            raise missing(object_id)
        return self._platforms[call.account.platform].node(call, object_id, edge)

    def _about(self, object_id: str, edge: str | None, call: Call) -> Call:
        """Return the call with the account that its object belongs to, of those that its token reads."""
        index = call.reader.index
        for name, platform in self._platforms.items():
            if (object_id, edge, name) == ("me", "accounts", "facebook") or platform.owner(object_id) == index:
                return replace(call, account=self.state.world.account(name, index))
        return call

    def _batch(self, call: Call) -> list[Any]:
        elements = elements_of(call.params["batch"])
        told, needed = call.params.get("include_headers") != "false", referred(elements)
        answers, found = list[Any](), dict[str, Any]()
        for element in elements:
            if not element.needs <= found.keys() or self._timed_out(element, call):
                answers.append(None)
                continue
            status, body = self._element(element, call, found)
            if element.name in needed and status == 200:
                found[str(element.name)] = body
                if element.omitted:
                    answers.append(None)
                    continue
            headers = {"headers": [{"name": "Content-Type", "value": "text/javascript; charset=UTF-8"}]} if told else {}
            answers.append({"code": status, **headers, "body": encoded(body).decode()})
        return answers

    def _timed_out(self, element: Element, call: Call) -> bool:
        """Tell whether an element comes back as null, as one that ran out of time."""
        url, _, query = element.relative_url.partition("?")
        path, params = parted(url)[1], dict(_parsed(query))
        account_id, name = call.account.platform_account_id, path.partition("/")[0]
        strike = self.state.faults.strike
        return strike("null_element", account_id, name=name, path=path, page=page_number(params)) is not None

    def _element(self, element: Element, call: Call, found: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the status and the body of an element."""
        account, path, params = call.account, "", dict[str, str]()
        try:
            url, _, query = filled(element.relative_url, found).partition("?")
            version, path = parted(url)
            params = dict(_parsed(query))
            if "access_token" in params:
                # An element may have a token of its own, a page's among those of its user.
                account = authenticated(self.state, params.pop("access_token"))
            answered = answering(version, call.now) if version else call.version
            asked = replace(call, account=account, reader=account, params=params, version=answered)
            status, body = 200, self._get(path, asked)
        except GraphError as error:
            status, body = error.status, {"error": error.body}
        return status, self._patched(body, account, path, params)

    def _patched(self, body: Any, account: SimAccount | None, path: str, params: Params) -> Any:
        """Return an answer with the patches of those who test in it."""
        account_id = account.platform_account_id if account else None
        for name in params.get("ids", path.partition("/")[0]).split(","):
            for fault in self.state.faults.strikes("patch", account_id, name=name, path=path, page=page_number(params)):
                body = patched(body, fault)
        return body


@lru_cache(maxsize=1024)
def _parsed(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a batch element: its neighbours have the same."""
    return parse_qsl(query)
