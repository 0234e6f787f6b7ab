"""Simulated APIs of YouTube: authentication, quotas, faults, and routing to methods.

Facts: docs/platform-facts.md#youtube.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from simulator.faults import Target
from simulator.state import Answer, Request, State, target
from simulator.wire import encode_json
from simulator.world import SimAccount
from simulator.youtube import analytics, channels, playlists, quota, reporting, tokens, videos
from simulator.youtube.call import Call, check_known, max_results, parse
from simulator.youtube.paging import place_in
from simulator.youtube.problem import Problem, unauthenticated

DATA, REPORTS = "/youtube/v3/", "/v2/reports"
_OF_TOKENS = {"/token": tokens.token, "/tokeninfo": tokens.told}
APP = "YouTube, an API key"
"""Name under which calls with an API key are counted, because they belong to no account."""

Method = Callable[[Call], dict[str, Any]]
_METHODS: Mapping[str, tuple[Method, tuple[str, ...]]] = {
    "channels": (channels.channels, channels.PARAMETERS),
    "playlistItems": (playlists.playlist_items, playlists.PARAMETERS),
    "videos": (videos.videos, videos.PARAMETERS),
    "videos:batchGetStats": (videos.batch_get_stats, videos.STATS_PARAMETERS),
    "search": (videos.search, videos.SEARCH_PARAMETERS),
}


class YouTube:
    """The Data API under `/youtube/v3/`, the Analytics and Reporting APIs, and the token endpoint."""

    def __init__(self, state: State) -> None:
        self.state = state

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to YouTube."""
        return path.startswith((DATA, *reporting.PREFIXES)) or path == REPORTS or path in _OF_TOKENS

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries."""
        return tokens.owner(self.state, request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a list of uploads."""
        if request.plain_path != f"{DATA}playlistItems":
            return None
        call = Call(self.state, None, parse(request.query), self.state.clock.now(), target_of_nothing(self.state))
        start = place_in(call.text("pageToken") or "") or 0
        try:
            return start // max(max_results(call), 1) + 1
        except Problem:
            return 1

    def handle(self, request: Request) -> Answer:
        """Answer a request; one with the `If-None-Match` of the present answer is answered with 304."""
        if request.path in _OF_TOKENS:
            return _OF_TOKENS[request.path](self.state, request)
        try:
            if request.plain_path.startswith(reporting.PREFIXES):
                return self._report(request)
            body = self._answer(request)
        except Problem as problem:
            waits = {"Retry-After": "30"} if problem.status == 503 else {}
            return Answer(problem.status, problem.body, waits)
        if request.path == REPORTS:
            return Answer(200, body)
        etag = blake2b(encode_json(body), digest_size=16).hexdigest()
        if request.headers.get("if-none-match") == etag:
            return Answer(304, None, {"ETag": etag})
        return Answer(200, {"kind": body["kind"], "etag": etag, **_with_etags(body, etag)}, {"ETag": etag})

    def _answer(self, request: Request) -> dict[str, Any]:
        now, params = self.state.clock.now(), parse(request.query)
        aim = target(self.state, self, request)
        is_data = request.plain_path.startswith(DATA)
        name = request.plain_path.removeprefix(DATA) if is_data else "reports"
        key = request.headers.get("x-goog-api-key") or (params.get("key") or [""])[-1]
        account = self._allowed(request, key, aim)
        if is_data:
            quota.spend(self.state, quota.bucket_of(name), now)
        _troubles(aim)
        if is_data and aim.strike("app_limit"):
            raise quota.exceeded()
        _check_scope(aim)
        self.state.count(name, account.platform_account_id if account else APP)
        if name not in _METHODS and is_data:
            raise Problem(404, "notFound", f"Method not found: {name}", named_status=True)
        method, known = _METHODS[name] if is_data else (analytics.reports, analytics.PARAMETERS)
        check_known(params, known)
        return method(Call(self.state, account, params, now, aim, request.base_url))

    def _report(self, request: Request) -> Answer:
        """Answer a request of the Reporting API, which accepts no API key.

        Raises:
            Problem: the error.
        """
        now, params = self.state.clock.now(), parse(request.query)
        aim = target(self.state, self, request)
        account = self._allowed(request, "", aim)
        call = Call(self.state, account, params, now, aim, request.base_url)
        reporting.spend(call)
        if aim.strike("app_limit"):
            raise reporting.too_many("day")
        if aim.strike("account_limit"):
            raise reporting.too_many("minute")
        _troubles(aim)
        _check_scope(aim)
        self.state.count(_kind(request), account.platform_account_id if account else APP)
        return reporting.handle(call, request)

    def _allowed(self, request: Request, key: str, aim: Target) -> SimAccount | None:
        """Return the account of the token; None if the request has only an API key.

        Raises:
            Problem: there is neither a valid token nor a valid key.
        """
        token = request.bearer
        if token is None and key:
            if not tokens.is_key(key):
                raise Problem(400, "keyInvalid", "Bad Request", "usageLimits")
            return None
        account = self.account(request)
        if account is None or tokens.has_ended(token or "", self.state.clock.now()):
            raise unauthenticated()
        if self.state.is_dead(token or "", account, aim):
            raise unauthenticated()
        return account


def target_of_nothing(state: State) -> Target:
    """Return the properties of a call that no fault selects by account or object."""
    return Target(state.faults, None, frozenset(), "", None)


def _with_etags(body: dict[str, Any], etag: str) -> dict[str, Any]:
    """Return an answer of which each item has an `etag` as well, derived from that of the answer."""
    if "items" not in body:
        return body
    items = [{"kind": item["kind"], "etag": f"{etag[:20]}{n:02}", **item} for n, item in enumerate(body["items"])]
    return {**body, "items": items}


def _kind(request: Request) -> str:
    """Return the name under which a call of the Reporting API is counted."""
    parts = request.plain_path.split("/")
    return "media" if parts[2] == "media" else f"{request.method} {'job reports' if len(parts) > 4 else parts[2]}"


def _troubles(aim: Target) -> None:
    """Raise the errors of the faults that hit the call.

    Raises:
        Problem: the error, in the words of Google.
    """
    if aim.strike("error"):
        raise Problem(500, "backendError", "Backend Error")
    if aim.strike("account_limit"):
        raise Problem(403, "userRateLimitExceeded", "User Rate Limit Exceeded", "usageLimits")


def _check_scope(aim: Target) -> None:
    """Refuse a call that a fault denies.

    Raises:
        Problem: the token lacks a scope.
    """
    if aim.strike("permission"):
        message = "Request had insufficient authentication scopes."
        raise Problem(403, "insufficientPermissions", message, named_status=True)
