"""The simulated Display API of TikTok: tokens, scopes, limits and routing (docs/platform-facts.md#tiktok)."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from simulator.faults import Target
from simulator.state import Answer, Request, State, target
from simulator.tiktok import limits, users, videos
from simulator.tiktok.call import Call, body_of
from simulator.tiktok.problem import Problem, envelope, invalid, invalid_token, missing_scope, too_many
from simulator.tiktok.tokens import Tokens
from simulator.world import SimAccount

_TOKEN, _LIST = "/v2/oauth/token/", "/v2/video/list/"
_METHODS: Mapping[str, tuple[str, Callable[[Call], dict[str, Any]]]] = {
    "/v2/user/info/": ("GET", users.info),
    _LIST: ("POST", videos.listed),
    "/v2/video/query/": ("POST", videos.by_ids),
}


class TikTok:
    """The Display API with the paths `/v2/user/…`, `/v2/video/…` and `/v2/oauth/…`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._tokens = Tokens(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to the Display API."""
        return path.startswith(("/v2/user/", "/v2/video/", "/v2/oauth/token"))

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose access or refresh token a request carries, if any."""
        if request.path == _TOKEN:
            return self._tokens.grantor(request.params.get("refresh_token", ""))
        return self._tokens.owner(request.bearer)

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of the list of videos."""
        account = self.account(request) if request.path == _LIST else None
        if account is None:
            return None
        try:
            body = orjson.loads(request.body or b"{}")
        except ValueError:
            return 1
        return videos.page_of(self.state, account, body) if isinstance(body, dict) else 1

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        now = self.state.clock.now()
        if request.path == _TOKEN:
            return self._tokens.answer(request, now)
        try:
            return Answer(200, envelope(self._data(request), "ok", "", now))
        except Problem as problem:
            return problem.answer(now)

    def _data(self, request: Request) -> dict[str, Any]:
        if request.path not in _METHODS:
            raise Problem(404, "invalid_params", "The path does not exist")
        method, answer = _METHODS[request.path]
        if request.method != method:
            raise invalid(f"The method must be {method}")
        now, aim = self.state.clock.now(), target(self.state, self, request)
        endpoint = request.path.strip("/").removeprefix("v2/")
        account = self._authorized(request, aim)
        limits.take(self.state, endpoint, now)
        _raise_faults(aim)
        self.state.count(endpoint, account.platform_account_id)
        body = body_of(request) if method == "POST" else {}
        granted = self._tokens.scopes(request.bearer or "")
        return answer(Call(self.state, account, request, body, now, aim, granted))

    def _authorized(self, request: Request, aim: Target) -> SimAccount:
        """Return the account of the token.

        Raises:
            Problem: the token is missing, unknown or at its end, or the account is gone.
        """
        has_scheme = request.headers.get("authorization", "").startswith("Bearer ")
        account, token = self._tokens.owner(request.bearer), request.bearer
        if not has_scheme or token is None or account is None:
            raise invalid_token()
        has_ended = self._tokens.has_ended(token, self.state.clock.now())
        if has_ended or self.state.is_dead(token, account, aim) or self.state.fate(account, aim):
            raise invalid_token()
        return account


def _raise_faults(aim: Target) -> None:
    """Raise the errors of the faults that hit a call.

    Raises:
        Problem: the error, in the words of TikTok.
    """
    if aim.strike("error"):
        raise Problem(500, "internal_error", "Internal error")
    if aim.strike("account_limit") or aim.strike("app_limit"):
        raise too_many()
    if aim.strike("permission"):
        raise missing_scope()
