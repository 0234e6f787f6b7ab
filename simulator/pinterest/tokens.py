"""Pinterest's token endpoint: access tokens for thirty days, and a new refresh token for sixty with each renewal.

The tokens of the world do not end, so that an account can be connected without a renewal. A renewed token, and that of
a login, carries the id of its app, because limits are per app. The tokens of a login have the granted scopes.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime

from simulator.logins import CodeRefused, granted, redeem
from simulator.pinterest.problem import Problem
from simulator.state import Answer, Request, State
from simulator.world import SimAccount

TOKEN_SECONDS, REFRESH_SECONDS = 2_592_000, 5_184_000
_RENEWED = re.compile(r"pina_([0-9]{1,12})_([A-Za-z0-9-]+)_(.+)")
_REFRESH = re.compile(r"pinr_([0-9]{1,12})_(.+)")
_SCOPES = ("user_accounts:read", "pins:read", "boards:read")
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "refresh_token": frozenset(["grant_type", "refresh_token", "scope", "refresh_on", "continuous_refresh"]),
    "authorization_code": frozenset(["grant_type", "code", "redirect_uri", "continuous_refresh"]),
}
"""The parameters of the token endpoint by `grant_type`."""
_REFUSED_GRANT = 283
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


def is_revoked(state: State, token: str) -> bool:
    """Tell whether a token comes from a login whose code was used again."""
    found = _RENEWED.fullmatch(token)
    return found is not None and granted(state, found[3]) is not None and found[3] in state.dead_tokens


def scopes(state: State, token: str) -> tuple[str, ...]:
    """Return the scopes of an access token; those of the world have all of them."""
    found = _RENEWED.fullmatch(token)
    chosen = granted(state, found[3]) if found else None
    return _SCOPES if chosen is None else chosen


def token(state: State, request: Request) -> Answer:
    """Answer `POST /v5/oauth/token`.

    Raises:
        Problem: the app, the code or the refresh token is not accepted, or a parameter is wrong.
    """
    app, form = _app(state, request.headers.get("authorization", "")), request.params
    if request.method != "POST":
        raise Problem(405, 405, "Method not allowed.")
    grant = form.get("grant_type", "")
    if grant not in _PARAMETERS:
        raise Problem(400, 1, f"Invalid grant_type: {grant}")
    if "form-urlencoded" not in request.headers.get("content-type", "") or not form.keys() <= _PARAMETERS[grant]:
        raise Problem(400, 1, "Invalid request body.")
    now = state.clock.now()
    account = _of_code(state, form, app) if grant == "authorization_code" else _of_refresh_token(state, form, now)
    state.count("oauth/token", account.platform_account_id)
    issued, chosen = int(now.timestamp()), granted(state, account.token)
    return Answer(
        200,
        {
            "response_type": grant,
            "access_token": f"pina_{issued}_{app}_{account.token}",
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(_SCOPES if chosen is None else chosen),
            "refresh_token": f"pinr_{issued}_{account.token}",
            "refresh_token_expires_in": REFRESH_SECONDS,
            "refresh_token_expires_at": issued + REFRESH_SECONDS,
        },
    )


def _app(state: State, header: str) -> str:
    """Return the id of the app in a header with Basic authentication.

    Raises:
        Problem: the header has no id and secret.
    """
    kind, _, pair = header.partition(" ")
    try:
        app, colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except ValueError:
        app, colon, secret = "", "", ""
    fits = kind == "Basic" and colon and secret and re.fullmatch(r"[A-Za-z0-9-]+", app)
    if not fits or state.faults.strike("app_secret", path="/v5/oauth/token"):
        raise Problem(401, 2, "Authentication failed.")
    return app


def _of_code(state: State, form: Mapping[str, str], app: str) -> SimAccount:
    """Return the account of the code of a login, with the token that the login gave.

    Raises:
        Problem: the code is not accepted.
    """
    try:
        return redeem(state, "pinterest", form, app).account
    except CodeRefused as error:
        raise Problem(400, _REFUSED_GRANT, f"Invalid authorization code: {error}.") from None


def _of_refresh_token(state: State, form: Mapping[str, str], now: datetime) -> SimAccount:
    """Return the account of a refresh token that has not ended, with the token that it renews.

    Raises:
        Problem: the refresh token is unknown or has ended.
    """
    found = _REFRESH.fullmatch(form.get("refresh_token", ""))
    account = owner(state, found[2]) if found else None
    if found is None or account is None or (int(found[1]) and int(found[1]) + REFRESH_SECONDS <= now.timestamp()):
        raise Problem(401, _REFUSED_GRANT, "The authorization grant is invalid")
    return account
