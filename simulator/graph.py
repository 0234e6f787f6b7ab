"""The Graph API: versions, tokens, batches, `?ids=`, field expansion, paging and errors, as platforms.md 1 has them.

What an object is, its platform's module knows (`simulator.instagram.node`). Calls are plain function calls here, so
that a batch is a loop over its elements.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from metrics.documents import Platform
from simulator.graph_call import Call, Node, Params
from simulator.graph_errors import GraphError, forbidden, missing, too_many
from simulator.listing import page_number
from simulator.patches import patched
from simulator.state import Answer, Request, State
from simulator.wire import encoded
from simulator.world import SimAccount

_WITHOUT_VERSION = frozenset(
    ["oauth/access_token", "access_token", "refresh_access_token", "debug_token", "me", "me/accounts"]
)
VERSIONS = ("v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
MAX_BATCH = 50
USAGE_HEADERS_AFTER = 20
BUDGET_PER_HOUR = 4800
_USAGE_TYPES = {"facebook": "pages"}


class Graph:
    """Dispatches calls to the platform whose token is used."""

    def __init__(self, state: State, nodes: Mapping[Platform, Node]) -> None:
        self.state = state
        self._nodes = nodes

    def serves(self, path: str) -> bool:
        """Tell whether a path begins with a version, `/v25.0/…`."""
        return re.match(r"/v\d+\.\d+(/|$)", path) is not None or _unversioned(path)

    def account(self, request: Request) -> SimAccount | None:
        """Return whose token a request carries, in its header, its query or its form."""
        return self.state.world.of_token(request.params.get("access_token") or request.bearer or "")

    def handle(self, request: Request) -> Answer:
        """Answer a request; its path has the version in front."""
        answer = self._answer(request)
        if not isinstance(answer.body, list):
            # Of a batch each element was patched by itself.
            answer.body = self._patched(answer.body, self.account(request), request.path, request.params)
        answer.patched = True
        return answer

    def _answer(self, request: Request) -> Answer:
        version, _, rest = request.path.strip("/").partition("/")
        if _unversioned(request.path):
            version, rest = VERSIONS[0], request.path.strip("/")
        params, base_url = request.params, request.base_url
        headers = {"facebook-api-version": version}
        try:
            _check_version(version)
            if rest in ("oauth/access_token", "access_token"):
                return Answer(200, exchanged(self.state, params), headers)
            if rest == "debug_token" and "input_token" in params:
                return Answer(200, self._inspected(params["input_token"], base_url), headers)
            token = params.pop("access_token", None) or request.bearer
            account = self._authenticate(token)
            headers |= self._usage(account)
            self._limits(account)
            if request.method == "POST" and "batch" in params:
                return Answer(200, self._batch(params, account, base_url), headers)
            return Answer(200, self._get(rest, params, account, base_url), headers)
        except GraphError as error:
            return Answer(error.status, {"error": error.body}, headers)

    def _authenticate(self, token: str | None) -> SimAccount:
        if not token:
            raise GraphError(104, "An access token is required to request this resource.", status=400)
        account = self.state.world.of_token(token)
        if account is None or account.platform not in self._nodes:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if self.state.is_dead(token, account):
            raise GraphError(
                190, "Error validating access token: Session has expired on an earlier day.", subcode=463, status=401
            )
        return account

    def _limits(self, account: SimAccount) -> None:
        faults, platform_id = self.state.faults, account.platform_account_id
        if faults.strike("error", platform_id):
            raise GraphError(
                2, "An unexpected error has occurred. Please retry your request later.", status=500, transient=True
            )
        if faults.strike("app_limit", platform_id):
            raise GraphError(4, "(#4) Application request limit reached", subcode=1349210, status=403)
        if faults.strike("account_limit", platform_id) or self._calls(account) >= BUDGET_PER_HOUR:
            raise too_many(account)

    def _usage(self, account: SimAccount) -> dict[str, str]:
        """Usage in percent, in headers that appear only once there was some traffic."""
        calls = self._calls(account)
        whom = (None, account.platform_account_id)
        limits = [f for f in self.state.faults.active if f.kind == "account_limit" and f.account in whom]
        limited = [f for f in limits if f.times != 0]
        if calls < USAGE_HEADERS_AFTER and not limited:
            return {}
        used = 100 if limited else min(calls * 100 // BUDGET_PER_HOUR, 100)
        minutes = int(limited[0].seconds / 60) if limited else 0
        if used >= 100 and not limited:
            minutes = 60 - self.state.clock.now().minute
        case = {
            "type": _USAGE_TYPES.get(account.platform, account.platform),
            "call_count": used,
            "total_cputime": used // 4,
            "total_time": used // 4,
        }
        usage = {account.platform_account_id: [{**case, "estimated_time_to_regain_access": minutes}]}
        return {"x-business-use-case-usage": json.dumps(usage)}

    def _hours(self) -> dict[str, tuple[int, int]]:
        """Return, by account, an hour and the calls in it."""
        hours: dict[str, tuple[int, int]] = self.state.memory.setdefault("graph:hours", {})
        return hours

    def _hour(self) -> int:
        return int(self.state.clock.now().timestamp()) // 3600

    def _calls(self, account: SimAccount) -> int:
        """Count an account's calls in the hour under way."""
        hour, calls = self._hours().get(account.platform_account_id, (0, 0))
        return calls if hour == self._hour() else 0

    def _inspected(self, token: str, base_url: str) -> Any:
        """Return what `debug_token` says of a token, a dead one too; whoever asks."""
        account = self.state.world.of_token(token)
        if account is None or account.platform not in self._nodes:
            error = {"code": 190, "message": "Malformed access token"}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        call = Call(self.state, account, {}, base_url, self.state.clock.now())
        body = self._nodes[account.platform](call, "debug_token", None)
        if token in self.state.dead_tokens:
            message = "Error validating access token: Session has expired on an earlier day."
            body["data"] |= {"is_valid": False, "error": {"code": 190, "subcode": 463, "message": message}}
        return body

    def _get(self, path: str, params: Params, account: SimAccount, base_url: str) -> Any:
        call = Call(self.state, account, params, base_url, self.state.clock.now())
        if "ids" in params:
            # One bad id fails them all; with an edge each has that edge's own page.
            return {one: self._object(one, path or None, call) for one in params["ids"].split(",")}
        object_id, _, edge = path.partition("/")
        return self._object(object_id, edge or None, call)

    def _object(self, object_id: str, edge: str | None, call: Call) -> Any:
        self.state.count(edge or "node", call.account.platform_account_id)
        self._hours()[call.account.platform_account_id] = self._hour(), self._calls(call.account) + 1
        if self.state.faults.strike("permission", call.account.platform_account_id):
            raise forbidden(call.account)
        if object_id != call.account.platform_account_id and self.state.faults.strike("partial", object_id):
            raise missing(object_id)
        return self._nodes[call.account.platform](call, object_id, edge)

    def _batch(self, params: Params, account: SimAccount, base_url: str) -> list[Any]:
        try:
            elements = json.loads(params["batch"])
        except ValueError:
            elements = None
        if not isinstance(elements, list) or not all(
            isinstance(e, dict) and isinstance(e.get("relative_url"), str) for e in elements
        ):
            raise GraphError(100, "(#100) batch parameter must be a JSON array")
        if len(elements) > MAX_BATCH:
            error = GraphError(0, f"Too many requests in batch message. Maximum batch size is {MAX_BATCH}")
            error.body["type"] = "GraphBatchException"
            del error.body["code"]
            raise error
        told = params.get("include_headers") != "false"
        return [self._element(element, account, base_url, told=told) for element in elements]

    def _element(self, element: Mapping[str, str], account: SimAccount, base_url: str, *, told: bool) -> Any:
        if self.state.faults.strike("null_element", account.platform_account_id):
            return None
        path, _, query = element["relative_url"].partition("?")
        path = path.strip("/")
        if path.split("/")[0] in VERSIONS:
            path = path.partition("/")[2]
        asked = dict(_parsed(query))
        try:
            if "access_token" in asked:
                # An element may have a token of its own, a page's among those of its user.
                account = self._authenticate(asked.pop("access_token"))
            status, body = 200, self._get(path, asked, account, base_url)
        except GraphError as error:
            status, body = error.status, {"error": error.body}
        body = self._patched(body, account, path, asked)
        headers = {"headers": [{"name": "Content-Type", "value": "text/javascript; charset=UTF-8"}]} if told else {}
        return {"code": status, **headers, "body": encoded(body).decode()}

    def _patched(self, body: Any, account: SimAccount | None, path: str, params: Params) -> Any:
        """Return an answer with the patches of those who test in it."""
        account_id = account.platform_account_id if account else None
        for name in params.get("ids", _object_of(path)).split(","):
            for fault in self.state.faults.strikes("patch", account_id, name=name, path=path, page=page_number(params)):
                body = patched(body, fault)
        return body


@lru_cache(maxsize=1024)
def _parsed(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a batch element: its neighbours have the same."""
    return parse_qsl(query)


def exchanged(state: State, params: Params) -> dict[str, Any]:
    """Return a token for another one, or an app's own: `/oauth/access_token`, and `/access_token` of Instagram Login.

    Raises:
        GraphError: parameters are missing, or the token is none.
    """
    grant = params.get("grant_type", "")
    needed = ("client_secret",) if grant == "ig_exchange_token" else ("client_id", "client_secret")
    for name in needed:
        if not params.get(name):
            raise GraphError(101, f"Missing {name} parameter.")
    if grant == "client_credentials":
        return {"access_token": f"{params['client_id']}|simulated", "token_type": "bearer"}
    account = state.world.of_token(params.get("fb_exchange_token") or params.get("access_token") or "")
    if account is None or account.token in state.dead_tokens:
        raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
    return {"access_token": account.token, "token_type": "bearer", "expires_in": 5_184_000}


def _unversioned(path: str) -> bool:
    """Tell whether a path names an object without a version in front: the oldest one answers then."""
    asked = path.strip("/")
    return asked in _WITHOUT_VERSION or re.fullmatch(r"\d{10,}(_\d+)?(/\w+)?", asked) is not None


def _check_version(version: str) -> None:
    if version not in VERSIONS:
        raise GraphError(2635, f"You are calling a deprecated version of the API: {version}.")


def _object_of(path: str) -> str:
    """Return the object that a path names, after a version or without one."""
    parts = path.strip("/").split("/")
    return parts[1] if len(parts) > 1 and re.fullmatch(r"v\d+\.\d+", parts[0]) else parts[0]
