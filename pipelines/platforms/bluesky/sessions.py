"""Sessions of Bluesky: opened with an app password, renewed with a refresh token that rotates.

Numbers are public, so an account needs no session; one that is connected with an app password is read through the
server of the setting `bluesky_pds_url`. Facts: docs/platform-facts.md#bluesky-access.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from metrics.clock import utcnow
from pipelines.platforms.bluesky.answers import parsing_answer, raise_for
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import NeedsReauth, WrongIdentity

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

LIFETIME = timedelta(hours=2)
"""Lifetime of an access token; answers do not state it."""
_PASSWORD = re.compile(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}")


def is_public(access: Access) -> bool:
    """Tell whether an account was connected without a token."""
    return "access_token" not in access.credentials


def app_password(access: Access) -> str | None:
    """Return the app password of an account: kept beside its session, or in place of the token until the first one."""
    kept = access.credentials.get("app_password")
    if kept is None and _PASSWORD.fullmatch(str(access.credentials.get("access_token", ""))):
        kept = access.credentials["access_token"]
    return None if kept is None else str(kept)


def is_open(access: Access) -> bool:
    """Tell whether there is a session: the token is not the app password itself."""
    return not is_public(access) and access.token != app_password(access)


def check_owner(access: Access, session: Mapping[str, Any]) -> None:
    """Check that a session is that of an account.

    Raises:
        WrongIdentity: it belongs to another account.
        BadAnswer: the answer does not say to which account it belongs.
    """
    with parsing_answer():
        owner = session["did"]
    if owner != access.platform_account_id:
        raise WrongIdentity(f"the session belongs to {session.get('handle')}: connect the right account again")


class Sessions:
    """Opens and renews sessions at one server."""

    def __init__(self, http: "Http") -> None:
        self._http = http

    def renew(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new session, or None if there is no way to one.

        The refresh token is tried first; if it is refused, a session is opened with the app password.

        Raises:
            PlatformError: the server did not answer.
        """
        if "refresh_token" in access.credentials:
            try:
                return self._credentials(access, self._refresh(str(access.credentials["refresh_token"]), tally))
            except NeedsReauth:
                pass
        if app_password(access) is None:
            return None
        try:
            return self._credentials(access, self.create(access, tally))
        except NeedsReauth:
            return None

    def create(self, access: Access, tally: Tally) -> Mapping[str, Any]:
        """Open a session with the app password; return the answer, which has `did`, `handle` and two tokens.

        Raises:
            WrongIdentity: the password is of another account.
            NeedsReauth: the password is refused.
        """
        sent = {"identifier": access.platform_account_id, "password": app_password(access) or ""}
        session = self._post("createSession", tally, json=sent)
        check_owner(access, session)
        return session

    def _refresh(self, token: str, tally: Tally) -> Mapping[str, Any]:
        return self._post("refreshSession", tally, token=token)

    def _post(self, name: str, tally: Tally, **sent: Any) -> Mapping[str, Any]:
        # Not retried: each attempt to open a session counts against a small daily limit.
        tally.count_call()
        status, body, headers = self._http.send("POST", f"/xrpc/com.atproto.server.{name}", **sent)
        with parsing_answer():
            raise_for(status, body, headers)
            if not isinstance(body, Mapping):
                raise TypeError("the session is not an object")
            return body

    def _credentials(self, access: Access, session: Mapping[str, Any]) -> Mapping[str, Any]:
        check_owner(access, session)
        with parsing_answer():
            tokens = {"access_token": session["accessJwt"], "refresh_token": session["refreshJwt"]}
            if not all(isinstance(token, str) and token for token in tokens.values()):
                raise TypeError("the session has no tokens")
        kept = {name: value for name, value in access.credentials.items() if name != "renew_at"}
        password = app_password(access)
        more = {} if password is None else {"app_password": password}
        return {**kept, **more, **tokens, "expires_at": (utcnow() + LIFETIME).timestamp()}
