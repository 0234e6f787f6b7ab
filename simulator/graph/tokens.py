"""Tokens of the Graph API: authentication, exchange and inspection (docs/platform-facts.md#meta-tokens)."""

from typing import Any

from simulator.faults import Target
from simulator.graph.call import Params
from simulator.graph.errors import GraphError
from simulator.instagram.login import LOGIN_MARK
from simulator.logins import CodeRefused, redeem
from simulator.state import State
from simulator.world import SimAccount


def authenticate(state: State, token: str | None, aim: Target | None = None, *, at_instagram: bool) -> SimAccount:
    """Return the account that a token is for.

    Tokens of Instagram Login work only at graph.instagram.com, all others at graph.facebook.com.

    Facts: docs/platform-facts.md#instagram-access.

    Raises:
        GraphError: the token is absent, of another platform, of the other host, or expired.
    """
    if not token:
        raise GraphError(104, "An access token is required to request this resource.", status=400)
    account = state.world.of_token(token)
    there = account is not None and account.platform in ("instagram", "facebook")
    if account is None or not there or _of_instagram_login(state, account) != at_instagram:
        raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
    if state.is_dead(token, account, aim):
        message = "Error validating access token: Session has expired on an earlier day."
        raise GraphError(190, message, subcode=463, status=401)
    return account


def _of_instagram_login(state: State, account: SimAccount) -> bool:
    if account.platform != "instagram":
        return False
    if f"~{LOGIN_MARK}" in account.token:
        return True
    aim = Target(state.faults, account.platform_account_id, frozenset(), "", None)
    return aim.strike("instagram_login") is not None


def redeem_code(state: State, params: Params, *, at_instagram: bool) -> dict[str, Any]:
    """Exchange the code of a login; that of Instagram Login at api.instagram.com, whose answer is in a list.

    Raises:
        GraphError: parameters are missing, or the code is not accepted.
    """
    for name in ("client_id", "client_secret", "redirect_uri"):
        if not params.get(name):
            raise GraphError(101, f"Missing {name} parameter.")
    try:
        login = redeem(state, "instagram" if at_instagram else "facebook", params, params["client_id"])
    except CodeRefused as refused:
        raise GraphError(100, f"This authorization code cannot be used: {refused}.", subcode=36009) from None
    account = login.account
    if at_instagram:
        told = {"access_token": account.token, "user_id": account.platform_account_id}
        return {"data": [{**told, "permissions": ",".join(login.scopes)}]}
    return {"access_token": account.token, "token_type": "bearer", "expires_in": 5_183_944}


def exchange_token(state: State, params: Params) -> dict[str, Any]:
    """Exchange a token, or return an app token: `/oauth/access_token`, and `/access_token` of Instagram Login.

    Raises:
        GraphError: parameters are missing, or the token is invalid.
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


def expired_token_info(body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of `debug_token` for an expired token, derived from its answer for the valid one."""
    message = "Error validating access token: Session has expired on an earlier day."
    ended = {"is_valid": False, "error": {"code": 190, "subcode": 463, "message": message}}
    return {"data": body["data"] | ended}
