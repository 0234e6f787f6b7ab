"""Renewal of access tokens (RFC 6749, 6): the form of the request, the new credentials, and what a refusal means.

A refusal means one of two things. If the refresh token is dead, only a person can help, who connects the account again.
If the platform does not accept the app (a wrong id or secret, an app that was deleted or may not renew), all accounts
are refused alike, and none of them has to be connected again.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.errors import BadAnswer, NeedsReauth
from pipelines.platforms.numbers import field_of

DEAD_GRANT = frozenset(["invalid_grant"])
"""The error of RFC 6749, 5.2, that concerns the refresh token. All others concern the app or the request."""

_LONGEST_LIFE = timedelta(days=3650)
_LONGEST_ERROR = 30


def raise_for_renewal(status: int, body: Any, provider: str, dead: Collection[str] = DEAD_GRANT) -> None:
    """Raise the error of a refused renewal, which has the form of RFC 6749, 5.2.

    Args:
        status: the HTTP status; 429 and those of servers are no refusals, and nothing is raised for them.
        body: the parsed body.
        provider: the platform's name, for the message.
        dead: the errors after which only a person can help.

    Raises:
        NeedsReauth: the refresh token is dead.
        BadAnswer: the platform does not accept the app, so no person who connects accounts can help; or the refusal has
            another form, and says nothing of the refresh token.
    """
    error = field_of(body, "error")
    if status == 429 or status >= 500:
        return
    if not isinstance(error, str):
        if status >= 400:
            raise app_refused(provider, f"status {status}")
        return
    # The description may quote the tokens that were sent; the error is one of a few words.
    if error in dead:
        raise NeedsReauth(error[:_LONGEST_ERROR])
    raise app_refused(provider, error[:_LONGEST_ERROR])


def app_refused(provider: str, error: str) -> BadAnswer:
    """Return the error for an app that a platform does not accept."""
    return BadAnswer(f"{provider} does not accept the app ({error}): check its client id and client secret")


def renewal_form(credentials: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the form that asks for a new access token (RFC 6749, 6), with the app's id and secret in it.

    Return None if the credentials lack a refresh token, or the app's id or secret: then they cannot be renewed.
    """
    names = ("refresh_token", "client_id", "client_secret")
    if not set(names) <= credentials.keys():
        return None
    return {"grant_type": "refresh_token", **{name: str(credentials[name]) for name in names}}


def renewed_credentials(credentials: Mapping[str, Any], body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the credentials after a renewal: with the new access token, its expiry, and a new refresh token, if any.

    `expires_at` is left out if the answer does not say when the token expires (optional in RFC 6749, 5.1) and there is
    a refresh token. The new pair must be kept even then, because at some platforms a refresh token works only once.

    Raises:
        LookupError, TypeError, ValueError: the answer has no new token; or it has no expiry, and there is no refresh
            token to renew the access token after it expired.
    """
    token, following = body["access_token"], body.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise TypeError(f"the access token should be text, but its type is {type(token).__name__}")
    found = {name: value for name, value in credentials.items() if name not in ("expires_at", "renew_at")}
    found |= {"access_token": token}
    found |= {"refresh_token": following} if isinstance(following, str) and following else {}
    try:
        return {**found, "expires_at": now.timestamp() + _life(body["expires_in"])}
    except UNEXPECTED:
        if "refresh_token" not in found:
            raise
        return found


def _life(seconds: Any) -> float:
    """Return the lifetime of a token in seconds.

    Raises:
        TypeError, ValueError: the value is not a number of seconds, or is not a plausible lifetime.
    """
    lifetime = float(seconds)
    if not 0 < lifetime < _LONGEST_LIFE.total_seconds():
        raise ValueError(f"a token's lifetime of {lifetime} seconds is not plausible")
    return lifetime
