"""The second grant of an account, for the API for Business: another id and other tokens, for another app of TikTok.

Access tokens live 24 hours, refresh tokens a year. The token of `further_credentials` does not end.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.state import State
from simulator.world import SimAccount

ACCESS_LIFE, REFRESH_LIFE = timedelta(hours=24), timedelta(days=365)
_TOKEN, _REFRESH = "biz.", "bizr."
SCOPES = ("user.info.basic", "user.info.username", "user.info.stats", "user.insights", "video.list", "video.insights")


def business_id(account: SimAccount) -> str:
    """Return the id of an account for the app of the second grant."""
    return account.platform_account_id.replace("OpenId", "Business")


def further_credentials(account: SimAccount) -> dict[str, str]:
    """Return the credentials of the second grant, in Tidemark's names."""
    return {"second_account_id": business_id(account), "second_access_token": f"{_TOKEN}{account.token}"}


def first_refresh_token(account: SimAccount) -> str:
    """Return the refresh token of the second grant."""
    return f"{_REFRESH}{account.token}"


@dataclass
class _Given:
    access: dict[str, tuple[SimAccount, datetime]] = field(default_factory=dict)
    refresh: dict[str, tuple[SimAccount, datetime]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


class Grants:
    """The tokens of second grants that were issued so far."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def _given(self) -> _Given:
        given: _Given = self._state.memory.setdefault("tiktok:grants", _Given())
        return given

    def owner(self, token: str) -> SimAccount | None:
        """Return the account of an access token, also of one that has ended."""
        known = self._given.access.get(token)
        return known[0] if known else self._of_world(token, _TOKEN)

    def has_ended(self, token: str, now: datetime) -> bool:
        """Tell whether an access token has reached its end."""
        known = self._given.access.get(token)
        return known is not None and known[1] <= now

    def grantor(self, token: str) -> SimAccount | None:
        """Return the account of a refresh token, also of one that no longer works."""
        known = self._given.refresh.get(token)
        return known[0] if known else self._of_world(token, _REFRESH)

    def renew(self, token: str, now: datetime) -> dict[str, Any] | None:
        """Return a new pair of tokens for a refresh token, which is dead from now on; None if it does not work."""
        account, known = self.grantor(token), self._given.refresh.get(token)
        if account is None or token in self._given.used or (known is not None and known[1] <= now):
            return None
        self._given.used.add(token)
        return self.issue(account, token, now)

    def issue(self, account: SimAccount, seed: str, now: datetime, scopes: tuple[str, ...] = SCOPES) -> dict[str, Any]:
        """Return a new pair of tokens; `seed` makes them differ from other ones."""
        digest = hashlib.sha256(seed.encode()).hexdigest()
        access, refresh = f"biz.{digest[:32]}", f"bizr.{digest[32:]}"
        self._given.access[access] = (account, now + ACCESS_LIFE)
        self._given.refresh[refresh] = (account, now + REFRESH_LIFE)
        return {
            "access_token": access,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "open_id": business_id(account),
            "refresh_token": refresh,
            "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
            "scope": ",".join(scopes),
            "token_type": "Bearer",
        }

    def _of_world(self, token: str, prefix: str) -> SimAccount | None:
        account = self._state.world.of_token(token.removeprefix(prefix)) if token.startswith(prefix) else None
        return account if account is not None and account.platform == "tiktok" else None
