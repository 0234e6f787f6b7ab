"""How answers of any platform are read: what cannot be understood concerns its account, its post or its item alone."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.clock import utcnow
from pipelines.platforms.errors import BadAnswer

UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""Errors of Python's own that an answer of an unexpected form leads to where it is read."""

_AHEAD = timedelta(days=1)
"""Clocks differ; an instant further ahead than that is no time of publication."""
_NO_TIME = datetime.fromtimestamp(0, UTC)
"""The beginning of 1970: how a missing time is written at times."""
_LONGEST_LIFE = timedelta(days=3650)
_LONGEST = 300
_REFUSALS = (400, 599)
_SERVER_ERRORS = 500
_LONGEST_NAME = 200


@contextmanager
def understood(whose: str) -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`; `whose` names the API, for the message.

    Raises:
        BadAnswer: the answer could not be read.
    """
    try:
        yield
    except UNEXPECTED as error:
        raise BadAnswer(
            f"{whose}'s answer has an unexpected form: {type(error).__name__}: {error}"[:_LONGEST]
        ) from error


def status_of(status: int, body: object) -> int:
    """Return what an answer really has as its status: gateways send refusals of the platform with a 200 or a 500.

    The status within the body counts then, which a refusal has and an answer with something in it has not.
    """
    within = body.get("status") if isinstance(body, Mapping) and not {"data", "elements"} & body.keys() else None
    if isinstance(within, bool) or not isinstance(within, int) or not _REFUSALS[0] <= within <= _REFUSALS[1]:
        return status
    return within if status < _REFUSALS[0] or status >= _SERVER_ERRORS else status


def id_of(value: object, form: re.Pattern[str]) -> str:
    """Return an id as text, in the form that its platform gives out; some answers have a number instead of text.

    Raises:
        ValueError: it is no such id.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not form.fullmatch(text):
        raise ValueError("its id is none")
    return text


def name_of(value: object) -> str | None:
    """Return the name under which a platform shows an account, or None where an answer holds none that can be one."""
    return value if isinstance(value, str) and value.strip() and len(value) <= _LONGEST_NAME else None


def renewed(credentials: Mapping[str, Any], body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return credentials with what a renewal answered: a new token, when it ends, and the next refresh token, if any.

    `expires_at` is left out where the answer does not say when the token ends (RFC 6749, 5.1, leaves that open) and a
    refresh token is there: it serves once at some platforms, so that the new pair has to be kept in any case.

    Raises:
        LookupError, TypeError, ValueError: the answer has no new token; or it does not say when that ends, and nothing
            could renew it after its end.
    """
    token, following = body["access_token"], body.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise TypeError(f"a token was expected to be text, and is of the type {type(token).__name__}")
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
    """Return how long a token lasts.

    Raises:
        TypeError, ValueError: it is no number of seconds, or none that a token can last.
    """
    lasts = float(seconds)
    if not 0 < lasts < _LONGEST_LIFE.total_seconds():
        raise ValueError(f"a token lasts {lasts} seconds")
    return lasts


def items_of(value: object) -> list[Any]:
    """Return the items of a list.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, and the value is of the type {type(value).__name__}")
    return value


def published(instant: datetime, founded: datetime | None = None) -> datetime:
    """Return a time of publication in UTC, if it can be one; `founded` is when the platform had its first post.

    Where posts may be dated back, as pages of Facebook do with their history, there is no such instant. A time before
    that is a mistake, in seconds where milliseconds belong or of nothing: taken for true, it would make the post one
    that is too old to be followed, and nobody would be told.

    Raises:
        ValueError: it has no offset, lies in the future, or before the platform.
    """
    if instant.tzinfo is None:
        raise ValueError("a time without an offset")
    if instant > utcnow() + _AHEAD:
        raise ValueError(f"published in the future, {instant:%Y-%m-%d}")
    if instant == _NO_TIME or (founded is not None and instant < founded):
        raise ValueError(f"published before the platform was, {instant:%Y-%m-%d}")
    return instant.astimezone(UTC)


def of_days(entries: Iterable[tuple[date, object]]) -> dict[date, object]:
    """Return values by day. A day that comes twice with different values has none that is known: it is null."""
    found: dict[date, object] = {}
    for day, value in entries:
        found[day] = value if found.get(day, value) == value else None
    return found
