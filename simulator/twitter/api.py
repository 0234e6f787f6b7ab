"""Simulated API v2 of X: authentication, rate-limit windows, caps, and routing to endpoints.

Facts: docs/platform-facts.md#x.
"""

import re
from typing import Any

from simulator.faults import Target
from simulator.state import Answer, Request, State, target
from simulator.twitter import posts, usage, users
from simulator.twitter.call import Call, ids_of, parse_requested_fields
from simulator.twitter.limits import kind_of, raise_faults, window
from simulator.twitter.problem import Problem
from simulator.twitter.tokens import Tokens, app_token, is_of_app
from simulator.world import SimAccount

APP = "X, the app's own token"
"""Name under which calls with an app token are counted, because they belong to no account."""


class Twitter:
    """X API with the paths `/2/…` and the token endpoints."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._tokens = Tokens(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to X."""
        return path.startswith("/2/") or path == "/oauth2/token"

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose user token a request carries."""
        return self._tokens.owner(request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a timeline."""
        return posts.page_of(request.params) if kind_of(request.path) in ("timeline", "mentions") else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        if request.path == "/oauth2/token":
            return app_token(request)
        if request.path == "/2/oauth2/token":
            return self._tokens.answer(request.params, request.headers.get("authorization", ""))
        headers = {"api-version": "2.163", "x-access-level": "read", "x-response-time": "41"}
        try:
            return Answer(200, self._answer(request, headers), headers)
        except Problem as problem:
            return Answer(problem.status, problem.body, headers)

    def _answer(self, request: Request, headers: dict[str, str]) -> Any:
        now, aim, kind = self.state.clock.now(), target(self.state, self, request), kind_of(request.path)
        account = self._allowed(request, aim)
        account_id = account.platform_account_id if account else None
        usage.end_caps(self.state, now)
        window(self.state, request.path, account_id, now, headers)
        raise_faults(aim, headers, is_usage=kind == "usage")
        self.state.count(kind, account_id or APP)
        params = request.params
        requested = parse_requested_fields(params, self.state.faults)
        call = Call(self.state, account, params, requested, now, aim, request.base_url)
        return _route(call, request.path.removeprefix("/2/").rstrip("/"))

    def _allowed(self, request: Request, aim: Target) -> SimAccount | None:
        """Return the account of the token; None if it is an app token.

        Raises:
            Problem: the token was never issued, or has expired.
        """
        token = request.bearer or ""
        account = self.account(request)
        if account is None and is_of_app(token):
            return None
        if account is None or self.state.is_dead(token, account, aim):
            raise Problem(401, "Unauthorized", "Unauthorized")
        fate = self.state.fate(account, aim)
        if fate == "suspended":
            raise Problem(403, "Forbidden", "Your account is suspended and is not permitted to access this feature.")
        if fate == "deleted":
            raise Problem(401, "Unauthorized", "Unauthorized")
        return account


def _route(call: Call, path: str) -> Any:
    if path == "usage/tweets":
        return usage.answer(call)
    if path == "users/me":
        return users.me(call)
    if path in ("users", "users/by"):
        return users.several(call, "ids" if path == "users" else "usernames")
    if path == "tweets/analytics":
        return posts.shown_by_time(call)
    if path == "tweets":
        return posts.lookup(call, ids_of(call.params))
    if found := re.fullmatch(r"users/by/username/([^/]+)", path):
        return users.by_name(call, found[1])
    if found := re.fullmatch(r"users/([^/]+)", path):
        return users.by_id(call, found[1])
    if found := re.fullmatch(r"users/([^/]+)/(tweets|mentions)", path):
        whose = users.of_timeline(call, found[1])
        return posts.listed(call, whose, found[2]) if isinstance(whose, SimAccount) else {"errors": [whose]}
    if found := re.fullmatch(r"tweets/([^/]+)", path):
        return posts.one(call, found[1])
    raise Problem(404, "Not Found", "Not Found")
