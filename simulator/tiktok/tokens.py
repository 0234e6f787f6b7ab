"""TikTok's token endpoint: access tokens for two hours, refresh tokens for 180 days that work once.

The token of the world (`SimAccount.token`) counts as an access token without an end and with all scopes, as on the
other platforms. The tokens of a login have the scopes that the person granted, also after a renewal.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulator.logins import CodeRefused, redeem
from simulator.state import Answer, Request, State
from simulator.tiktok.problem import log_id
from simulator.world import SimAccount

ACCESS_LIFE, REFRESH_LIFE = timedelta(hours=2), timedelta(days=180)
SCOPES = ("user.info.basic", "user.info.profile", "user.info.stats", "video.list")
_FORM = "application/x-www-form-urlencoded"


def first_refresh_token(account: SimAccount) -> str:
    """Return the refresh token that an account's user got when the app was authorised; it has not ended."""
    return f"rft.{account.token}"


@dataclass(frozen=True)
class _Grant:
    """A refresh token: its account, its app (None if any may use it), its end, how often it was renewed, its scopes."""

    account: SimAccount
    client_key: str | None
    ends: datetime | None
    turn: int
    scopes: tuple[str, ...] = SCOPES


@dataclass
class _Given:
    access: dict[str, tuple[SimAccount, datetime]] = field(default_factory=dict)
    grants: dict[str, _Grant] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


class Tokens:
    """The tokens that were issued so far."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _given(self) -> _Given:
        given: _Given = self._state.memory.setdefault("tiktok:tokens", _Given())
        return given

    def owner(self, token: str | None) -> SimAccount | None:
        """Return the account of an access token, also of one that has ended."""
        known = self._given.access.get(token or "")
        account = known[0] if known else self._state.world.of_token(token or "")
        return account if account is not None and account.platform == "tiktok" else None

    def has_ended(self, token: str, now: datetime) -> bool:
        """Tell whether the two hours of an access token are over."""
        known = self._given.access.get(token)
        return known is not None and known[1] <= now

    def scopes(self, token: str) -> tuple[str, ...]:
        """Return the scopes of an access token."""
        return self._given.scopes.get(token, SCOPES)

    def grantor(self, refresh_token: str) -> SimAccount | None:
        """Return the account of a refresh token, also of one that no longer works."""
        grant = self._grant(refresh_token)
        return grant.account if grant else None

    def answer(self, request: Request, now: datetime) -> Answer:
        """Answer `POST /v2/oauth/token/`."""
        form, kind = request.params, request.headers.get("content-type", "")
        if request.method != "POST" or not kind.startswith(_FORM):
            return _refused("invalid_request", "The request parameters are malformed.", now)
        key = form.get("client_key")
        if not key or not form.get("client_secret") or self._state.faults.strike("app_secret", path=request.path):
            return _refused("invalid_client", "Client key or secret is incorrect.", now)
        if form.get("grant_type") == "authorization_code":
            return self._first(form, key, now)
        if form.get("grant_type") != "refresh_token" or not form.get("refresh_token"):
            return _refused("invalid_request", "The request parameters are malformed.", now)
        grant = self._redeem(form, now)
        if grant is None:
            return _refused("invalid_grant", "Refresh token is invalid or expired.", now)
        self._state.count("oauth/token", grant.account.platform_account_id)
        return Answer(200, self._issue(grant, key, now))

    def _first(self, form: Mapping[str, str], key: str, now: datetime) -> Answer:
        """Exchange the code of a login."""
        try:
            login = redeem(self._state, "tiktok", form, key)
        except CodeRefused as error:
            return _refused("invalid_grant", f"Authorization code is invalid: {error}.", now)
        grant = _Grant(login.account, key, None, 0, login.scopes)
        return Answer(200, self._issue(grant, key, now, login.account.token))

    def _grant(self, token: str) -> _Grant | None:
        if token in self._given.grants:
            return self._given.grants[token]
        account = self._state.world.of_token(token.removeprefix("rft."))
        is_first = token.startswith("rft.") and account is not None and account.platform == "tiktok"
        return _Grant(account, None, None, 0) if is_first and account else None

    def _redeem(self, form: Mapping[str, str], now: datetime) -> _Grant | None:
        """Return the grant of a refresh token, which is dead from now on; None if it does not work."""
        token = form["refresh_token"]
        grant = self._grant(token)
        if grant is None or token in self._given.used or (grant.ends is not None and grant.ends <= now):
            return None
        if grant.client_key not in (None, form["client_key"]):
            return None
        self._given.used.add(token)
        return grant

    def _issue(self, grant: _Grant, client_key: str, now: datetime, first: str | None = None) -> dict[str, object]:
        """Return a new pair of tokens; `first` is the access token of a login."""
        account, turn = grant.account, grant.turn + 1
        access, refresh = (_token(prefix, account, client_key, turn) for prefix in ("act", "rft"))
        access = first or access
        self._given.access[access] = (account, now + ACCESS_LIFE)
        self._given.scopes[access] = grant.scopes
        self._given.grants[refresh] = _Grant(account, client_key, now + REFRESH_LIFE, turn, grant.scopes)
        return {
            "access_token": access,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "open_id": account.platform_account_id,
            "refresh_expires_in": int(REFRESH_LIFE.total_seconds()),
            "refresh_token": refresh,
            "scope": ",".join(grant.scopes),
            "token_type": "Bearer",
        }


def _token(prefix: str, account: SimAccount, client_key: str, turn: int) -> str:
    digest = hashlib.sha256(f"{account.token}:{client_key}:{turn}:{prefix}".encode()).hexdigest()
    return f"{prefix}.{digest}"


def _refused(error: str, description: str, now: datetime) -> Answer:
    """Return an error of the token endpoint, where `error` is a text."""
    status = 401 if error == "invalid_client" else 400
    return Answer(status, {"error": error, "error_description": description, "log_id": log_id(now)})
