"""Simulated XRPC of Bluesky: hosts, sessions, limits, and routing to methods (docs/platform-facts.md#bluesky).

One port serves the public AppView and a PDS, which passes reads on to the AppView. The first part of the path may name
the host: `/public.api.bsky.app/xrpc/…` takes no tokens, `/bsky.social/xrpc/…` answers reads only with one. Without it,
both kinds of calls are answered.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from simulator.bluesky import actors, feed, posts
from simulator.bluesky.call import Call, params_of
from simulator.bluesky.problem import Problem, expired
from simulator.bluesky.sessions import Sessions
from simulator.bluesky.world import handle_of
from simulator.faults import Target
from simulator.state import Answer, Request, State, target
from simulator.world import SimAccount

PUBLIC_HOST, PDS_HOST = "public.api.bsky.app", "bsky.social"
PUBLIC = "Bluesky, without a token"
"""Name under which calls without a token are counted, because they belong to no account."""
WINDOW_SECONDS, CALLS = 300, 3_000
_FEED = "app.bsky.feed.getAuthorFeed"
_READS: Mapping[str, Callable[[Call], dict[str, Any]]] = {
    "app.bsky.actor.getProfile": actors.profile,
    "app.bsky.actor.getProfiles": actors.profiles,
    _FEED: feed.author_feed,
    "app.bsky.feed.getPosts": posts.by_uris,
    "com.atproto.identity.resolveHandle": actors.resolve_handle,
}
_SESSIONS = ("createSession", "refreshSession", "getSession")
_SERVER = "com.atproto.server."


class Bluesky:
    """XRPC with the paths `/xrpc/…`, also behind the name of a host."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._sessions = Sessions(state)

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to Bluesky."""
        return _split(path)[1].startswith("/xrpc/")

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries; without a token, the one that it asks about."""
        if request.bearer:
            return self._sessions.owner(request.bearer)
        named = params_of(request.query).get("actor", ("",))[-1]
        return self.state.world.find("bluesky", named) if named.startswith("did:") else None

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of a feed."""
        return feed.page_of(params_of(request.query)) if request.path.endswith(_FEED) else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        headers = {"atproto-repo-rev": "3l6oveex3ii2l"}
        try:
            answer = Answer(200, self._answer(request, headers))
        except Problem as problem:
            answer = problem.answer
        answer.headers |= headers
        return answer

    def _answer(self, request: Request, headers: dict[str, str]) -> Any:
        host, path = _split(request.path)
        method, now, aim = path.removeprefix("/xrpc/"), self.state.clock.now(), target(self.state, self, request)
        account = self.account(request) if request.bearer else None
        call = Call(self.state, method, params_of(request.query), account, now, aim, request.base_url)
        if method.startswith(_SERVER) and method.removeprefix(_SERVER) in _SESSIONS:
            return self._session(call, request, host, headers)
        if method not in _READS:
            raise Problem(501, "MethodNotImplemented", "Method Not Implemented")
        if request.method != "GET":
            raise Problem(400, "InvalidRequest", "Incorrect HTTP method (POST) expected GET")
        self._authorize(call, request, host)
        if request.bearer or host == PDS_HOST:
            _window(self.state, now, headers)
        _raise_faults(aim, headers, now)
        self.state.count(method, account.platform_account_id if account else PUBLIC)
        return _READS[method](call)

    def _authorize(self, call: Call, request: Request, host: str) -> None:
        """Check the token of a request, if it has one.

        Raises:
            Problem: the token is dead, or the host takes none, or it answers only with one.
        """
        if request.bearer is None:
            if host == PDS_HOST and not call.method.startswith("com.atproto.identity."):
                raise Problem(401, "AuthMissing", "Authentication Required")
            return
        if host == PUBLIC_HOST or call.account is None:
            raise Problem(401, "InvalidToken", "Token could not be verified")
        has_expired = self._sessions.has_expired(request.bearer, call.now)
        if has_expired or self.state.is_dead(request.bearer, call.account, call.aim):
            raise expired()
        fate = self.state.fate(call.account, call.aim)
        if fate == "deleted":
            raise Problem(401, "AccountNotFound", "Account not found")

    def _session(self, call: Call, request: Request, host: str, headers: dict[str, str]) -> dict[str, Any]:
        name = call.method.removeprefix(_SERVER)
        if host == PUBLIC_HOST:
            raise Problem(501, "MethodNotImplemented", "Method Not Implemented")
        if (request.method == "GET") != (name == "getSession"):
            raise Problem(400, "InvalidRequest", f"Incorrect HTTP method ({request.method})")
        _window(self.state, call.now, headers)
        _raise_faults(call.aim, headers, call.now)
        if name == "refreshSession":
            tokens = self._sessions.refresh(request.bearer or "", call.now)
            account = self._sessions.owner(tokens["accessJwt"])
        elif name == "createSession":
            account = actors.actor_of(call, request.params.get("identifier", ""))
            tokens = self._sessions.create(request, account, call.now)
        else:
            self._authorize(call, request, PDS_HOST)
            account, tokens = call.account, {}
        if account is None:
            raise Problem(400, "InvalidToken", "Token could not be verified")
        self.state.count(name, account.platform_account_id)
        about = {"did": account.platform_account_id, "handle": handle_of(self.state.handle(account, call.aim))}
        return {**about, "email": "someone@example.com", "emailConfirmed": True, "emailAuthFactor": False,
                **tokens, "active": True}  # fmt: skip


def _split(path: str) -> tuple[str, str]:
    """Return the host that a path begins with, empty if it names none, and the rest."""
    first, _, rest = path.lstrip("/").partition("/")
    return (first, f"/{rest}") if first in (PUBLIC_HOST, PDS_HOST) else ("", path)


def _window(state: State, now: datetime, headers: dict[str, str]) -> None:
    """Count a call in the window of five minutes of the caller's address, and add the headers of the limit.

    Raises:
        Problem: the calls of the window are used.
    """
    number = int(now.timestamp()) // WINDOW_SECONDS
    windows: dict[int, int] = state.memory.setdefault("bluesky:windows", {})
    windows[number] = windows.get(number, 0) + 1
    _limit_headers(headers, now, CALLS - windows[number])
    if windows[number] > CALLS:
        raise Problem(429, "RateLimitExceeded", "Rate Limit Exceeded")


def _limit_headers(headers: dict[str, str], now: datetime, left: int) -> None:
    headers |= {
        "RateLimit-Limit": str(CALLS),
        "RateLimit-Remaining": str(max(left, 0)),
        "RateLimit-Reset": str((int(now.timestamp()) // WINDOW_SECONDS + 1) * WINDOW_SECONDS),
        "RateLimit-Policy": f"{CALLS};w={WINDOW_SECONDS}",
    }


def _raise_faults(aim: Target, headers: dict[str, str], now: datetime) -> None:
    """Raise the errors of the faults that hit a call.

    Raises:
        Problem: the error, in the words of Bluesky.
    """
    if aim.strike("error"):
        raise Problem(500, "InternalServerError", "Internal Server Error")
    if aim.strike("account_limit") or aim.strike("app_limit"):
        _limit_headers(headers, now, 0)
        raise Problem(429, "RateLimitExceeded", "Rate Limit Exceeded")
    if aim.strike("permission"):
        raise Problem(400, "BlockedByActor", "Requester is blocked by actor")
