"""Tokens of the simulated Threads API: exchanged for tokens of sixty days, and renewed once a day at the most.

Facts: docs/platform-facts.md#threads-access.
"""

from datetime import datetime, timedelta
from typing import Any

from simulator.faults import Target
from simulator.logins import CODE_PREFIX, CodeRefused, granted, redeem
from simulator.state import Request, State
from simulator.threads.errors import error
from simulator.world import SimAccount

PATHS = ("refresh_access_token", "access_token", "oauth/access_token")
TOKEN_SECONDS = 5_184_000
_SHORT_SECONDS = 3_600
_SCOPES = ("threads_basic", "threads_manage_insights", "threads_read_replies", "threads_profile_discovery")
"""The scopes of tokens that no login gave."""
_LEAST_AGE = timedelta(hours=24)
"""Age from which on a token can be renewed."""


def authenticate(state: State, token: str | None, aim: Target | None = None) -> SimAccount:
    """Return the account that a token is for.

    Raises:
        GraphError: the token is absent, of another platform, or expired.
    """
    if not token:
        raise error(104, "An access token is required to request this resource.")
    account = state.world.of_token(token)
    if account is None or account.platform != "threads":
        raise error(190, "Invalid OAuth access token - Cannot parse access token", status=401)
    if state.is_dead(token, account, aim):
        message = "Error validating access token: Session has expired on an earlier day."
        raise error(190, message, subcode=463, status=401)
    return account


def answer(state: State, path: str, request: Request, aim: Target) -> dict[str, Any]:
    """Answer a request for a token.

    Raises:
        GraphError: a parameter is missing, the token is not valid, or it is too young to be renewed.
    """
    params, now = request.params, state.clock.now()
    grant = params.get("grant_type", "")
    if path == "refresh_access_token":
        if grant != "th_refresh_token":
            raise error(100, "Param grant_type must be th_refresh_token")
        return _renewed(state, params.get("access_token") or request.bearer, aim, now)
    if grant == "authorization_code" and request.method == "POST":
        return _first(state, params)
    if grant != "th_exchange_token":
        raise error(100, "Param grant_type must be th_exchange_token")
    if not params.get("client_secret"):
        raise error(101, "Missing client_secret parameter.")
    account = authenticate(state, params.get("access_token") or request.bearer, aim)
    return {"access_token": account.token, "token_type": "bearer", "expires_in": TOKEN_SECONDS}


def told(state: State, input_token: str) -> dict[str, Any]:
    """Answer `GET /v1.0/debug_token`: the state and the scopes of a token."""
    account = state.world.of_token(input_token)
    if account is None or account.platform != "threads":
        return {"data": {"is_valid": False, "scopes": []}}
    scopes = granted(state, input_token)
    return {
        "data": {
            "type": "USER",
            "application": "Tidemark simulator",
            "is_valid": input_token not in state.dead_tokens,
            "scopes": list(_SCOPES if scopes is None else scopes),
            "user_id": account.platform_account_id,
        }
    }


def _renewed(state: State, token: str | None, aim: Target, now: datetime) -> dict[str, Any]:
    account = authenticate(state, token, aim)
    renewals: dict[str, datetime] = state.memory.setdefault("threads:renewals", {})
    if account.token in renewals and now - renewals[account.token] < _LEAST_AGE:
        raise error(100, "The access token must be at least 24 hours old to be refreshed")
    renewals[account.token] = now
    return {"access_token": account.token, "token_type": "bearer", "expires_in": TOKEN_SECONDS}


def _first(state: State, params: dict[str, str]) -> dict[str, Any]:
    """Exchange the code of a login for a token of one hour. The token of an account is accepted as a code too."""
    for name in ("client_id", "client_secret", "redirect_uri", "code"):
        if not params.get(name):
            raise error(101, f"Missing {name} parameter.")
    if params["code"].startswith(CODE_PREFIX):
        try:
            account = redeem(state, "threads", params, params["client_id"]).account
        except CodeRefused as refused:
            raise error(100, f"This authorization code cannot be used: {refused}") from None
    else:
        account = authenticate(state, params["code"])
    return {
        "access_token": account.token,
        "token_type": "bearer",
        "expires_in": _SHORT_SECONDS,
        "user_id": account.platform_account_id,
    }
