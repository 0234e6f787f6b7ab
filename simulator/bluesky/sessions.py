"""Sessions of the simulated PDS: app passwords, access tokens for two hours, refresh tokens that rotate.

A rotated refresh token still works for two hours. The token of the world (`SimAccount.token`) counts as an access
token, as on the other platforms.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from simulator.bluesky.problem import Problem, expired
from simulator.state import Request, State
from simulator.world import SimAccount

ACCESS_LIFE, REFRESH_LIFE = timedelta(minutes=120), timedelta(days=90)
GRACE = timedelta(hours=2)
PER_WINDOW, PER_DAY, WINDOW = 30, 300, timedelta(minutes=5)


def app_password(account: SimAccount) -> str:
    """Return the app password of an account, four groups of four letters."""
    letters = hashlib.sha256(f"app password:{account.token}".encode()).hexdigest()
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


@dataclass
class _Issued:
    access: dict[str, tuple[SimAccount, datetime]] = field(default_factory=dict)
    refresh: dict[str, tuple[SimAccount, datetime]] = field(default_factory=dict)
    attempts: dict[str, list[datetime]] = field(default_factory=dict)


class Sessions:
    """The sessions that were opened so far."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _issued(self) -> _Issued:
        issued: _Issued = self._state.memory.setdefault("bluesky:sessions", _Issued())
        return issued

    def owner(self, token: str) -> SimAccount | None:
        """Return the account of an access token, expired ones included."""
        known = self._issued.access.get(token)
        account = known[0] if known else self._state.world.of_token(token)
        return account if account is not None and account.platform == "bluesky" else None

    def has_expired(self, token: str, now: datetime) -> bool:
        """Tell whether an access token has reached its end."""
        known = self._issued.access.get(token)
        return known is not None and known[1] <= now

    def create(self, request: Request, named: SimAccount | None, now: datetime) -> dict[str, Any]:
        """Answer `com.atproto.server.createSession` for the account that the identifier names, None if there is none.

        Raises:
            Problem: the password is wrong, or there were too many attempts.
        """
        if named is not None:
            attempts = self._issued.attempts.setdefault(named.platform_account_id, [])
            attempts[:] = [at for at in attempts if at > now - timedelta(days=1)]
            attempts.append(now)
            if len(attempts) > PER_DAY or sum(at > now - WINDOW for at in attempts) > PER_WINDOW:
                raise Problem(429, "RateLimitExceeded", "Rate Limit Exceeded")
        if named is None or request.params.get("password") != app_password(named):
            raise Problem(401, "AuthenticationRequired", "Invalid identifier or password")
        return self._session(named, now)

    def refresh(self, token: str, now: datetime) -> dict[str, Any]:
        """Answer `com.atproto.server.refreshSession`; the old token lives for two more hours.

        Raises:
            Problem: the token was never issued, or has ended.
        """
        known = self._issued.refresh.get(token)
        if known is None:
            raise Problem(400, "InvalidToken", "Token could not be verified")
        account, ends = known
        if ends <= now:
            raise expired()
        self._issued.refresh[token] = (account, min(ends, now + GRACE))
        return self._session(account, now)

    def _session(self, account: SimAccount, now: datetime) -> dict[str, Any]:
        number = len(self._issued.access)
        access = _jwt("at+jwt", "com.atproto.appPass", account, number, now, ACCESS_LIFE)
        refresh = _jwt("refresh+jwt", "com.atproto.refresh", account, number, now, REFRESH_LIFE)
        self._issued.access[access] = (account, now + ACCESS_LIFE)
        self._issued.refresh[refresh] = (account, now + REFRESH_LIFE)
        return {"accessJwt": access, "refreshJwt": refresh}


def _jwt(kind: str, scope: str, account: SimAccount, number: int, now: datetime, life: timedelta) -> str:
    """Return a token in the form of a JWT (RFC 7519); its signature is made up."""
    claims = {
        "scope": scope, "sub": account.platform_account_id, "aud": "did:web:bsky.social", "jti": f"{number}",
        "iat": int(now.timestamp()), "exp": int((now + life).timestamp()),
    }  # fmt: skip
    signed = ".".join(_encoded(orjson.dumps(part)) for part in ({"typ": kind, "alg": "HS256"}, claims))
    return f"{signed}.{_encoded(hashlib.sha256(f'{account.token}:{signed}'.encode()).digest())}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
