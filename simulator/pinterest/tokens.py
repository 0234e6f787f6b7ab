"""Pinterest's token endpoint: access tokens for thirty days, and a new refresh token for sixty with each renewal.

The tokens of the world do not end, so that an account can be connected without a renewal. A renewed token carries the
id of the app that renewed it, because limits are per app.
"""

import base64
import re
from datetime import datetime

from simulator.pinterest.problem import Problem
from simulator.state import Answer, Request, State
from simulator.world import SimAccount

TOKEN_SECONDS, REFRESH_SECONDS = 2_592_000, 5_184_000
_RENEWED = re.compile(r"pina_([0-9]{1,12})_([A-Za-z0-9-]+)_(.+)")
_REFRESH = re.compile(r"pinr_([0-9]{1,12})_(.+)")
_SCOPE = "user_accounts:read pins:read boards:read"
_PARAMETERS = frozenset(["grant_type", "refresh_token", "scope", "refresh_on", "continuous_refresh"])
TRIAL = "trial"
"""Beginning of the id of an app with Trial access; every other app has Standard access."""


def first_refresh_token(account: SimAccount) -> str:
    """Return the refresh token with which an account is first connected; it does not end."""
    return f"pinr_0_{account.token}"


def owner(state: State, token: str) -> SimAccount | None:
    """Return the account of an access token, or None if it was never issued."""
    found = _RENEWED.fullmatch(token)
    account = state.world.of_token(found[3] if found else token)
    return account if account is not None and account.platform == "pinterest" else None


def app_of(token: str) -> str:
    """Return the id of the app that a token belongs to; empty for the tokens of the world."""
    found = _RENEWED.fullmatch(token)
    return found[2] if found else ""


def has_ended(token: str, now: datetime) -> bool:
    """Tell whether the thirty days of a renewed access token are over."""
    found = _RENEWED.fullmatch(token)
    return found is not None and int(found[1]) + TOKEN_SECONDS <= now.timestamp()


def token(state: State, request: Request) -> Answer:
    """Answer `POST /v5/oauth/token`.

    Raises:
        Problem: the app or the refresh token is not accepted, or a parameter is wrong.
    """
    app, form = _app(request.headers.get("authorization", "")), request.params
    if request.method != "POST":
        raise Problem(405, 405, "Method not allowed.")
    if "form-urlencoded" not in request.headers.get("content-type", "") or not form.keys() <= _PARAMETERS:
        raise Problem(400, 1, "Invalid request body.")
    if form.get("grant_type") != "refresh_token":
        raise Problem(400, 1, f"Invalid grant_type: {form.get('grant_type', '')}")
    now = state.clock.now()
    account = _of_refresh_token(state, form.get("refresh_token", ""), now)
    if account is None:
        raise Problem(401, 2, "Authentication failed.")
    state.count("oauth/token", account.platform_account_id)
    issued = int(now.timestamp())
    return Answer(
        200,
        {
            "response_type": "refresh_token",
            "access_token": f"pina_{issued}_{app}_{account.token}",
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": _SCOPE,
            "refresh_token": f"pinr_{issued}_{account.token}",
            "refresh_token_expires_in": REFRESH_SECONDS,
            "refresh_token_expires_at": issued + REFRESH_SECONDS,
        },
    )


def _app(header: str) -> str:
    """Return the id of the app in a header with Basic authentication.

    Raises:
        Problem: the header has no id and secret.
    """
    kind, _, pair = header.partition(" ")
    try:
        app, colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except ValueError:
        app, colon, secret = "", "", ""
    if kind != "Basic" or not (colon and secret and re.fullmatch(r"[A-Za-z0-9-]+", app)):
        raise Problem(401, 2, "Authentication failed.")
    return app


def _of_refresh_token(state: State, text: str, now: datetime) -> SimAccount | None:
    """Return the account of a refresh token that has not ended, or None."""
    found = _REFRESH.fullmatch(text)
    if found is None or (int(found[1]) and int(found[1]) + REFRESH_SECONDS <= now.timestamp()):
        return None
    return owner(state, found[2])
