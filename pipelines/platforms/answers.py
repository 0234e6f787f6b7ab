"""Parsers and checks shared by all platforms. An unreadable part affects only its account, post or item."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.clock import utcnow
from pipelines.platforms.errors import BadAnswer

UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""Built-in exceptions that parsing raises when an answer has an unexpected form."""

_AHEAD = timedelta(days=1)
"""Tolerance for clock differences: a time of publication further in the future than this is refused."""
_BEGAN = utcnow()
_NO_TIME = datetime.fromtimestamp(0, UTC)
"""The beginning of 1970, which some answers contain instead of a missing time."""
_LONGEST = 300
_REFUSALS = (400, 599)
_SERVER_ERRORS = 500
_LONGEST_NAME = 200


@contextmanager
def parsing_answer(whose: str) -> Iterator[None]:
    """Turn errors of parsing an answer into `BadAnswer`; `whose` names the API, for the message.

    Raises:
        BadAnswer: the answer has an unexpected form.
    """
    try:
        yield
    except UNEXPECTED as error:
        raise BadAnswer(
            f"{whose}'s answer has an unexpected form: {type(error).__name__}: {error}"[:_LONGEST]
        ) from error


def status_of(status: int, body: object) -> int:
    """Return the effective status of an answer: gateways pass on a platform's errors with the HTTP status 200 or 500.

    For these, the `status` field of the body counts. Only error bodies have one; answers with data or elements do not.
    """
    within = body.get("status") if isinstance(body, Mapping) and not {"data", "elements"} & body.keys() else None
    if isinstance(within, bool) or not isinstance(within, int) or not _REFUSALS[0] <= within <= _REFUSALS[1]:
        return status
    return within if status < _REFUSALS[0] or status >= _SERVER_ERRORS else status


def id_of(value: object, form: re.Pattern[str]) -> str:
    """Return an id as text, checked against the form of its platform's ids; some answers have a number instead of text.

    Raises:
        ValueError: the value is not an id of this form.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not form.fullmatch(text):
        raise ValueError("its id is not valid")
    return text


def name_of(value: object) -> str | None:
    """Return the name under which a platform shows an account, or None if the value cannot be such a name."""
    return value if isinstance(value, str) and value.strip() and len(value) <= _LONGEST_NAME else None


def items_of(value: object) -> list[Any]:
    """Return the value if it is a list.

    Raises:
        TypeError: the value is not a list.
    """
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, but the value's type is {type(value).__name__}")
    return value


def publication_time(instant: datetime, founded: datetime | None = None) -> datetime:
    """Return a time of publication in UTC, in whole milliseconds; `founded` is when the platform had its first post.

    MongoDB stores milliseconds: a post with a finer time would differ from its document, and be written every hour.

    `founded` is None where posts may be backdated, as on Facebook pages. A time before `founded` is a mistake (seconds
    instead of milliseconds, or a missing value). If it were accepted, the post would count as too old to be followed,
    and nobody would notice.

    Raises:
        ValueError: the time has no UTC offset, lies in the future, or before `founded`.
    """
    if instant.tzinfo is None:
        raise ValueError("a time without an offset")
    # Nearly all posts are older than this process: for these, the clock need not be read.
    if instant > _BEGAN and instant > utcnow() + _AHEAD:
        raise ValueError(f"published in the future, {instant:%Y-%m-%d}")
    if instant == _NO_TIME or (founded is not None and instant < founded):
        raise ValueError(f"published before the platform existed, {instant:%Y-%m-%d}")
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def values_by_day(entries: Iterable[tuple[date, object]]) -> dict[date, object]:
    """Return values by day. For a day that comes twice with different values, the value is None (unknown)."""
    found: dict[date, object] = {}
    for day, value in entries:
        found[day] = value if found.get(day, value) == value else None
    return found
