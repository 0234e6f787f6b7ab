"""The Graph API: versions, tokens, batches, `?ids=`, field expansion, paging and errors, as platforms.md 1 has them.

What an object is, its platform's module knows (`simulator.instagram.node`). Calls are plain function calls here, so
that a batch is a loop over its elements.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from metrics.documents import Platform
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

Params = Mapping[str, str]


class GraphError(Exception):
    """An answer that is an error: HTTP status and the envelope of platforms.md 1.4."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        transient: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, **more}
        if subcode is not None:
            self.body["error_subcode"] = subcode
        if transient:
            self.body["is_transient"] = True
        self.body["fbtrace_id"] = "AsimulatedTraceId"


def _too_many(account: SimAccount) -> GraphError:
    """Return the error of an account's own budget: pages and Instagram accounts have each a code."""
    if account.platform == "facebook":
        message = "(#80001) There have been too many calls to this Page account. Wait a bit and try again."
        return GraphError(80001, message, subcode=2494055)
    return GraphError(80002, "(#80002) There have been too many calls to this Instagram account.")


def _forbidden(account: SimAccount) -> GraphError:
    """Return the error of a permission that a token lacks: code 10, of pages the one of objects that are not there."""
    if account.platform == "facebook":
        return GraphError(
            100,
            "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does "
            "not support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page "
            "Public Content Access' feature or the 'Page Public Metadata Access' feature.",
        )
    return GraphError(10, "(#10) Application does not have permission for this action", status=403)


def missing(object_id: str) -> GraphError:
    """Return the error of an object that is not there, or not for this token: the same body."""
    return GraphError(
        100,
        f"Unsupported get request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation",
        subcode=33,
        error_data={},
    )


@dataclass(frozen=True)
class Call:
    """One call of one account's token."""

    state: State
    account: SimAccount
    params: Params
    base_url: str
    now: datetime


Node = Callable[[Call, str, str | None], Any]
"""Answers `GET /{object}` and `GET /{object}/{edge}`; raises GraphError."""


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
            raise _too_many(account)

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
            raise _forbidden(call.account)
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


def names(text: str) -> list[str]:
    """Return a list of names: separated by commas, or as JSON, which other people's clients send."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise GraphError(100, "(#100) Invalid parameter") from None
        return [str(name) for name in found]
    return [name for name in text.split(",") if name]


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


def page_number(params: Params) -> int:
    """Return which page of a list is asked for; 1 is the first."""
    limit, after = params.get("limit") or "25", params.get("after") or "0"
    if not (limit.isdecimal() and after.isdecimal() and int(limit)):
        return 1
    return int(after) // min(int(limit), 100) + 1


def page(items: list[dict[str, Any]], call: Call, path: str, params: Params) -> dict[str, Any]:
    """Return one page of a list by cursor; `after` stands on the last page too, only `next` is missing there."""
    try:
        limit = min(int(params.get("limit", 25)), 100)
        start = int(params.get("after", "0") or 0)
    except ValueError:
        raise GraphError(100, "(#100) Invalid parameter") from None
    chosen = items[start : start + limit]
    if chosen and call.state.faults.strike("empty_page", call.account.platform_account_id):
        chosen = []
    elif not chosen:
        return {"data": []}
    cursors = {"before": str(start), "after": str(start + len(chosen))}
    paging: dict[str, Any] = {"cursors": cursors}
    if start + len(chosen) < len(items):
        again = {"access_token": call.account.token, **params, "limit": str(limit), "after": cursors["after"]}
        paging["next"] = f"{call.base_url}/{VERSIONS[-2]}/{path}?{urlencode(again)}"
    return {"data": chosen, "paging": paging}
