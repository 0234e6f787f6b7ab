"""Google's token endpoint: access tokens for an hour by a refresh token that stays the same; and API keys.

The tokens of the world do not end, so that an account can be connected without a renewal.
"""

import re
from datetime import datetime

from simulator.logins import CodeRefused, granted, redeem
from simulator.state import Answer, Request, State
from simulator.world import SimAccount

TOKEN_SECONDS = 3599
_RENEWED = re.compile(r"ya29\.([0-9]{1,12})\.(.+)")
_KEY = re.compile(r"AIza[A-Za-z0-9_-]{35}")
_SCOPE = "https://www.googleapis.com/auth/youtube.readonly https://www.googleapis.com/auth/yt-analytics.readonly"


def first_refresh_token(account: SimAccount) -> str:
    """Return the refresh token of an account."""
    return f"1//{account.token}"


def is_key(text: str) -> bool:
    """Tell whether a text has the form of an API key; the simulator accepts every such key."""
    return _KEY.fullmatch(text) is not None


def owner(state: State, token: str) -> SimAccount | None:
    """Return the account of an access token, or None if it was never issued."""
    found = _RENEWED.fullmatch(token)
    account = state.world.of_token(found[2] if found else token)
    return account if account is not None and account.platform == "youtube" else None


def has_ended(token: str, now: datetime) -> bool:
    """Tell whether the hour of a renewed access token is over."""
    found = _RENEWED.fullmatch(token)
    return found is not None and int(found[1]) + TOKEN_SECONDS <= now.timestamp()


def token(state: State, request: Request) -> Answer:
    """Answer `POST /token`, in the form of OAuth: an error is a text here, and an object in every other answer."""
    form = request.params
    if not form.get("client_id") or not form.get("client_secret"):
        return _refused(401, "invalid_client", "The OAuth client was not found.")
    if state.faults.strike("app_secret", path=request.path):
        return _refused(401, "invalid_client", "The provided client secret is invalid.")
    if form.get("grant_type") == "authorization_code":
        return _first(state, form)
    if form.get("grant_type") != "refresh_token":
        return _refused(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    text = form.get("refresh_token", "")
    account = owner(state, text.removeprefix("1//")) if text.startswith("1//") else None
    if account is None:
        return _refused(400, "invalid_grant", "Token has been expired or revoked.")
    issued = int(state.clock.now().timestamp())
    return Answer(
        200,
        {
            "access_token": f"ya29.{issued}.{account.token}",
            "expires_in": TOKEN_SECONDS,
            "scope": _SCOPE,
            "token_type": "Bearer",
        },
    )


def told(state: State, request: Request) -> Answer:
    """Answer `GET /tokeninfo`: the scopes and the remaining life of an access token."""
    text = request.params.get("access_token", "")
    if owner(state, text) is None or has_ended(text, state.clock.now()):
        return _refused(400, "invalid_token", "Invalid Value")
    scopes = granted(state, text)
    body = {
        "aud": "1000.apps.googleusercontent.com",
        "scope": _SCOPE if scopes is None else " ".join(scopes),
        "expires_in": str(TOKEN_SECONDS),
        "access_type": "offline",
    }
    return Answer(200, body)


def _first(state: State, form: dict[str, str]) -> Answer:
    """Exchange the code of a login; a refresh token comes with `access_type=offline` only."""
    try:
        login = redeem(state, "youtube", form, form["client_id"])
    except CodeRefused as error:
        return _refused(400, "invalid_grant", f"Bad Request: {error}")
    body = {
        "access_token": f"ya29.{int(state.clock.now().timestamp())}.{login.account.token}",
        "expires_in": TOKEN_SECONDS,
        "scope": " ".join(login.scopes),
        "token_type": "Bearer",
    }
    if login.offline:
        body["refresh_token"] = first_refresh_token(login.account)
    return Answer(200, body)


def _refused(status: int, error: str, description: str) -> Answer:
    return Answer(status, {"error": error, "error_description": description})
