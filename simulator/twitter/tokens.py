"""X's token endpoints: access tokens for two hours, refresh tokens that work once, app tokens without expiry."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.logins import CodeRefused, redeem
from simulator.state import Answer, Request, State
from simulator.world import SimAccount

TOKEN_SECONDS = 7200
_OF_APPS = "AAAAAAAAAAAAAAAAAAAAA"
"""Prefix of an app token."""
_NO_APP = {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}
"""The answer to an app without an id and a secret, and to one whose secret is wrong."""


def first_refresh_token(account: SimAccount) -> str:
    """Return the refresh token with which an account is first connected."""
    return f"refresh.{account.token}"


def is_of_app(token: str) -> bool:
    """Tell whether a token is an app token."""
    name, check = token.removeprefix(_OF_APPS)[:-16], token[-16:]
    return token.startswith(_OF_APPS) and bool(name) and check == _digest(name)[:16]


def app_token(request: Request) -> Answer:
    """Answer `POST /oauth2/token`: an app token, for the app's key and secret."""
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    try:
        key, colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except ValueError:
        key, colon, secret = "", "", ""
    if kind.lower() != "basic" or not (key and colon and secret):
        return _refused(99, "Unable to verify your credentials", "authenticity_token_error")
    if request.params.get("grant_type") != "client_credentials":
        return _refused(170, "Missing required parameter: grant_type", "forbidden_missing_parameter")
    return Answer(200, {"token_type": "bearer", "access_token": token_of_app(key)})


def token_of_app(key: str) -> str:
    """Return the token of the app with a key."""
    name = _digest(key)[:40]
    return f"{_OF_APPS}{name}{_digest(name)[:16]}"


def _refused(code: int, message: str, label: str) -> Answer:
    return Answer(403, {"errors": [{"code": code, "message": message, "label": label}]})


@dataclass
class _Given:
    renewed: dict[str, SimAccount] = field(default_factory=dict)
    grants: dict[str, tuple[SimAccount, int]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


class Tokens:
    """Renewed tokens, in addition to those of the world; using a refresh token twice ends the whole grant."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _given(self) -> _Given:
        given: _Given = self._state.memory.setdefault("twitter:tokens", _Given())
        return given

    def owner(self, token: str) -> SimAccount | None:
        """Return the account of an access token."""
        account = self._given.renewed.get(token) or self._state.world.of_token(token)
        return account if account is not None and account.platform == "twitter" else None

    def answer(self, form: Mapping[str, str], authorization: str = "") -> Answer:
        """Answer `POST /2/oauth2/token`; an app with a secret names itself in the header `Authorization`."""
        if self._state.faults.strike("app_secret", path="/2/oauth2/token"):
            return Answer(401, _NO_APP)
        if form.get("grant_type") == "authorization_code":
            return self._login(form, authorization)
        token = form.get("refresh_token", "")
        account, turn = self._given.grants.get(token) or (self._first(token), 0)
        if form.get("grant_type") != "refresh_token" or account is None or self._misused(token, account):
            body = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return Answer(400, body)
        access, refresh = (_token(account, turn + 1, kind) for kind in ("access", "refresh"))
        self._given.renewed[access] = account
        self._given.grants[refresh] = (account, turn + 1)
        return Answer(
            200,
            {
                "token_type": "bearer",
                "expires_in": TOKEN_SECONDS,
                "access_token": access,
                "scope": "tweet.read users.read offline.access",
                "refresh_token": refresh,
            },
        )

    def _login(self, form: Mapping[str, str], authorization: str) -> Answer:
        """Exchange the code of a login; a refresh token comes with the scope `offline.access` only."""
        kind, _, pair = authorization.partition(" ")
        try:
            client_id, colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
        except ValueError:
            client_id, colon, secret = "", "", ""
        if kind.lower() != "basic" or not (client_id and colon and secret):
            return Answer(401, _NO_APP)
        try:
            login = redeem(self._state, "twitter", form, client_id)
        except CodeRefused as error:
            body = {"error": "invalid_request", "error_description": f"Value passed was invalid: {error}."}
            return Answer(400, body)
        found = {
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "access_token": login.account.token,
            "scope": " ".join(login.scopes),
        }
        if "offline.access" in login.scopes:
            found["refresh_token"] = first_refresh_token(login.account)
        return Answer(200, found)

    def _first(self, token: str) -> SimAccount | None:
        account = self._state.world.of_token(token.removeprefix("refresh."))
        return account if token.startswith("refresh.") and account and account.platform == "twitter" else None

    def _misused(self, token: str, account: SimAccount) -> bool:
        if token in self._given.used:
            self._given.ended.add(account.token)
        self._given.used.add(token)
        return account.token in self._given.ended


def _token(account: SimAccount, turn: int, kind: str) -> str:
    return _digest(f"{account.token}:{turn}:{kind}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
