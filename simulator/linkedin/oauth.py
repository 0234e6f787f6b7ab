"""LinkedIn's token endpoints: refresh and introspection."""

from datetime import datetime, timedelta

from simulator.logins import CodeRefused, granted, redeem
from simulator.state import Answer, Request, State
from simulator.world import EPOCH, SimAccount

TOKEN_SECONDS = 5_184_000
_LIFE = timedelta(seconds=TOKEN_SECONDS)
_RENEWED = "renewed."
_SCOPES = "openid,profile,email,r_organization_admin,rw_organization_admin,r_organization_social"


def owner(state: State, token: str) -> SimAccount | None:
    """Return the account of an access token, or None if it was never issued."""
    account = state.world.of_token(token.removeprefix(_RENEWED))
    return account if account is not None and account.platform == "linkedin" else None


def access_token(state: State, request: Request) -> Answer:
    """Answer `POST /oauth/v2/accessToken`: the refresh token and its expiry stay the same."""
    params = request.params
    if state.faults.strike("app_secret", path=request.path):
        return Answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    if params.get("grant_type") == "authorization_code":
        return _first(state, params)
    token = params.get("refresh_token", "")
    account = owner(state, token.removeprefix("refresh.")) if token.startswith("refresh.") else None
    if params.get("grant_type") != "refresh_token" or account is None or not params.get("client_secret"):
        return Answer(400, {"error": "invalid_grant", "error_description": "The provided grant is invalid"})
    body = {
        "access_token": f"{_RENEWED}{account.token}",
        "expires_in": TOKEN_SECONDS,
        "refresh_token": token,
        "refresh_token_expires_in": 20_000_000,
    }
    return Answer(200, body)


def _first(state: State, params: dict[str, str]) -> Answer:
    """Exchange the code of a login."""
    for name in ("code", "redirect_uri", "client_id", "client_secret"):
        if not params.get(name):
            return Answer(400, _missing(name))
    try:
        login = redeem(state, "linkedin", params, params["client_id"])
    except CodeRefused as error:
        return Answer(400, {"error": "invalid_grant", "error_description": f"Unable to retrieve access token: {error}"})
    body = {
        "access_token": login.account.token,
        "expires_in": TOKEN_SECONDS,
        "refresh_token": f"refresh.{login.account.token}",
        "refresh_token_expires_in": 31_536_000,
        "scope": ",".join(login.scopes),
    }
    return Answer(200, body)


def introspect(state: State, request: Request) -> Answer:
    """Answer `POST /oauth/v2/introspectToken`: whether a token is active, its expiry and its scopes.

    Tokens of the simulator do not expire; the answer gives each the current period of sixty days.
    """
    params = request.params
    for name in ("client_id", "client_secret", "token"):
        if not params.get(name):
            return Answer(400, _missing(name))
    token = params["token"]
    if owner(state, token) is None:
        return Answer(200, {"active": False})
    begun = _begun(state.clock.now())
    dead, scopes = token in state.dead_tokens, granted(state, token)
    body = {
        "active": not dead,
        "status": "expired" if dead else "active",
        "client_id": params["client_id"],
        "authorized_at": int(begun.timestamp()),
        "created_at": int(begun.timestamp()),
        "expires_at": int((begun + _LIFE).timestamp()),
        "scope": _SCOPES if scopes is None else ",".join(scopes),
        "auth_type": "3L",
    }
    return Answer(200, body)


def _missing(name: str) -> dict[str, str]:
    return {"error": "invalid_request", "error_description": f'A required parameter "{name}" is missing'}


def _begun(now: datetime) -> datetime:
    return EPOCH + (now - EPOCH) // _LIFE * _LIFE
