"""Simulated Graph API: paths, versions, `?ids=`, batches and errors (docs/platform-facts.md#meta).

The module of each platform reads its objects (`simulator.instagram.node`). A call is a plain function call, so a batch
is a loop over its elements.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from metrics.documents import Platform
from simulator.faults import Target
from simulator.graph.batch import Element, elements_of, referenced_names, resolve_references
from simulator.graph.budget import Budget
from simulator.graph.call import Call, GraphPlatform, Params
from simulator.graph.errors import GraphError, forbidden, missing
from simulator.graph.listing import page_number
from simulator.graph.localised import localised
from simulator.graph.tokens import authenticate, exchange_token, expired_token_info, redeem_code
from simulator.graph.versions import answering_version, split_version
from simulator.patches import spoilt_body
from simulator.state import Answer, Request, State
from simulator.wire import encode_json
from simulator.world import SimAccount

_OF_TOKENS = frozenset(["oauth/access_token", "access_token"])
_WITHOUT_VERSION = frozenset(["", "refresh_access_token", "debug_token", *_OF_TOKENS])
_OBJECT = re.compile(r"(me|\d{10,}(_\d+)?)(/.*)?")
_INSTAGRAM = "graph.instagram.com"
_INSTAGRAM_TOKENS = "api.instagram.com"
_HOSTS = (_INSTAGRAM, "graph.facebook.com", _INSTAGRAM_TOKENS)
_OF_USERS = (("me", "accounts"), ("me", "permissions"))
"""Objects and edges of the user: they can be read even if the account is gone."""

_MALFORMED = {"code": 190, "message": "Malformed access token"}


class Graph:
    """Graph API that passes each call to the platform of its token."""

    def __init__(self, state: State, platforms: Mapping[Platform, GraphPlatform]) -> None:
        self.state = state
        self._platforms = platforms
        self._budget = Budget(state)
        self._calm = Target(state.faults, None, frozenset(), "", None)
        """Shared target of all calls while no faults are active; it is never evaluated."""
        self._lists = frozenset(["accounts"]).union(*(platform.lists for platform in platforms.values()))

    def serves(self, path: str) -> bool:
        """Tell whether a path begins with a version, `/v25.0/…`, or names an object without one."""
        version, rest = split_version(_at_host(path)[1])
        return version is not None or rest in _WITHOUT_VERSION or _OBJECT.fullmatch(rest) is not None

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries in its header, query or form."""
        return self.state.world.of_token(request.params.get("access_token") or request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a list; None for a batch, whose elements have their own pages."""
        return (
            None
            if "batch" in request.params
            else self._page(split_version(_at_host(request.path)[1])[1], request.params)
        )

    def _page(self, path: str, params: Params) -> int | None:
        """Return the number of the requested page of a list, None if the answer is not paged."""
        edge = path.partition("/")[2] or ("" if "ids" not in params else path)
        return page_number(params) if edge in self._lists else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        host, path = _at_host(request.path)
        if host:
            base_url = f"{request.base_url}/{host}"
            request = replace(request, path=path, base_url=base_url, headers={**request.headers, "host": host})
        answer = self._answer(request)
        if not isinstance(answer.body, list):
            # In a batch, each element has been patched separately.
            account, rest = self.account(request), split_version(request.path)[1]
            answer.body = self._patched(answer.body, self._aim(account, rest, request.params))
        answer.patched = True
        return answer

    def _answer(self, request: Request) -> Answer:
        requested, path = split_version(request.path)
        params, now = request.params, self.state.clock.now()
        at_instagram = request.headers.get("host", "").startswith(_INSTAGRAM)
        headers: dict[str, str] = {}
        aim = self._aim(self.account(request), "" if "batch" in params else path, params)
        try:
            version = answering_version(requested, now)
            headers["facebook-api-version"] = version
            if path in _OF_TOKENS and "code" in params:
                at_token_host = request.headers.get("host", "").startswith(_INSTAGRAM_TOKENS)
                return Answer(200, redeem_code(self.state, params, at_instagram=at_token_host), headers)
            if path in _OF_TOKENS:
                return Answer(200, exchange_token(self.state, params), headers)
            token = params.pop("access_token", None) or request.bearer
            if path == "debug_token" and "input_token" in params:
                return Answer(200, self._told(request, version), headers)
            account = authenticate(self.state, token, aim, at_instagram=at_instagram)
            headers |= self._budget.headers(account)
            self._budget.check(account, aim)
            call = Call(self.state, account, account, params, request.base_url, version, now, aim, at_instagram)
            if request.method == "POST" and "batch" in params:
                return Answer(200, self._batch(call), headers)
            return Answer(200, self._get(path, call), headers)
        except GraphError as error:
            return Answer(error.status, {"error": self._worded(error.body, aim)}, headers)

    def _aim(self, account: SimAccount | None, path: str, params: Params) -> Target:
        """Return the properties of a request, or of a batch element, by which faults select it."""
        if not self.state.faults.active:
            return self._calm
        account_id = account.platform_account_id if account else None
        if "batch" in params:
            return Target(self.state.faults, account_id, frozenset(), "", None)
        name = path.partition("/")[0]
        names = {name, account_id or ""} if name == "me" else {name, *params.get("ids", "").split(",")}
        return Target(self.state.faults, account_id, frozenset(names - {""}), path, self._page(path, params))

    def _worded(self, error: dict[str, Any], aim: Target) -> dict[str, Any]:
        """Return an error, with a user-facing text in another language if a fault asks for it."""
        fault = aim.strike("localised")
        return localised(error, str(fault.value)) if fault else error

    def _told(self, request: Request, version: str) -> Any:
        """Return the answer of `debug_token` for a token, valid or expired; any caller may ask."""
        token = request.params["input_token"]
        account = self.state.world.of_token(token)
        if account is None or account.platform not in self._platforms:
            return {"data": {"error": _MALFORMED, "is_valid": False, "scopes": []}}
        call = Call(
            self.state, account, account, {}, request.base_url, version, self.state.clock.now(),
            self._aim(account, "debug_token", {}),
        )  # fmt: skip
        body = self._platforms[account.platform].node(call, "debug_token", None)
        return expired_token_info(body) if token in self.state.dead_tokens else body

    def _get(self, path: str, call: Call) -> Any:
        if "ids" in call.params:
            # One bad id fails the whole call; with an edge, each id returns its own page of that edge.
            return {one: self._object(one, path or None, call) for one in call.params["ids"].split(",")}
        object_id, _, edge = path.partition("/")
        return self._object(object_id, edge or None, call)

    def _object(self, object_id: str, edge: str | None, call: Call) -> Any:
        account = self._owner(object_id, edge, call)
        self.state.count(edge or "node", account.platform_account_id)
        self._budget.take(account, call.now)
        if self.state.faults.active or account is not call.account:
            path = object_id if edge is None else f"{object_id}/{edge}"
            aim = self._aim(account, path, {name: value for name, value in call.params.items() if name != "ids"})
            call = replace(call, account=account, aim=aim)
            self._check(object_id, edge, call)
        return self._platforms[account.platform].node(call, object_id, edge)

    def _check(self, object_id: str, edge: str | None, call: Call) -> None:
        """Raise the error of a fault that refuses the read, if any."""
        if call.aim.strike("permission"):
            raise forbidden(call.account)
        if (object_id, edge) not in _OF_USERS and (fate := self.state.fate(call.account, call.aim)):
            raise missing(object_id) if fate == "deleted" else forbidden(call.account)
        if object_id != call.account.platform_account_id and call.aim.hides(object_id):
            raise missing(object_id)

    def _owner(self, object_id: str, edge: str | None, call: Call) -> SimAccount:
        """Return the account that an object belongs to, among those that the call's token may read."""
        if call.at_instagram:
            # Instagram Login has no Pages.
            return call.account
        index = call.reader.index
        if (object_id, edge) == ("me", "accounts"):
            of_page = call.reader.platform == "facebook"
            return call.reader if of_page else self.state.world.account("facebook", index)
        if self._platforms[call.reader.platform].owner(object_id) == index:
            return call.reader
        for name, platform in self._platforms.items():
            if platform.owner(object_id) == index:
                return self.state.world.account(name, index)
        return call.account

    def _batch(self, call: Call) -> list[Any]:
        elements = elements_of(call.params["batch"])
        with_headers, needed = call.params.get("include_headers") != "false", referenced_names(elements)
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
            headers = (
                {"headers": [{"name": "Content-Type", "value": "text/javascript; charset=UTF-8"}]}
                if with_headers
                else {}
            )
            answers.append({"code": status, **headers, "body": encode_json(body).decode()})
        return answers

    def _timed_out(self, element: Element, call: Call) -> bool:
        """Tell whether a fault lets an element come back as null, like one that timed out."""
        if not self.state.faults.active:
            return False
        url, _, query = element.relative_url.partition("?")
        return self._aim(call.account, split_version(url)[1], dict(_parsed(query))).strike("null_element") is not None

    def _element(self, element: Element, call: Call, found: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the status and the body of an element."""
        account, aim = call.account, call.aim
        try:
            url, _, query = resolve_references(element.relative_url, found).partition("?")
            version, path = split_version(url)
            params = dict(_parsed(query))
            aim = self._aim(account, path, params)
            if "access_token" in params:
                # An element may carry its own token: the token of a page in a batch of its user.
                token = params.pop("access_token")
                account = authenticate(self.state, token, at_instagram=call.at_instagram)
                aim = self._aim(account, path, params)
            if self.state.faults.active:
                self._budget.check_element(account, aim)
            answered = answering_version(version, call.now) if version else call.version
            requested = Call(
                self.state, account, account, params, call.base_url, answered, call.now, aim, call.at_instagram
            )
            status, body = 200, self._get(path, requested)
        except GraphError as error:
            status, body = error.status, {"error": self._worded(error.body, aim)}
        return status, self._patched(body, aim)

    def _patched(self, body: Any, aim: Target) -> Any:
        """Return an answer with the active patches applied."""
        if self.state.faults.active:
            body = spoilt_body(body, aim, self.state.world)
        return body


def _at_host(path: str) -> tuple[str, str]:
    """Return the host at the beginning of a path, if any, and the rest; this serves both hosts on one port."""
    first, _, rest = path.lstrip("/").partition("/")
    return (first, f"/{rest}") if first in _HOSTS else ("", path)


@lru_cache(maxsize=1024)
def _parsed(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a batch element; cached, because its neighbours have the same."""
    return parse_qsl(query)
