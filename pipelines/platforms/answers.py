"""How answers of any platform are read: what cannot be understood concerns its account, its post or its item alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from metrics.clock import utcnow
from pipelines.platforms.errors import BadAnswer

UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""Errors of Python's own that an answer of an unexpected form leads to where it is read."""

_AHEAD = timedelta(days=1)
"""Clocks differ; an instant further ahead than that is no time of publication."""
_LONGEST = 300


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


def published(instant: datetime) -> datetime:
    """Return a time of publication in UTC, if it can be one.

    Raises:
        ValueError: it has no offset, or lies in the future.
    """
    if instant.tzinfo is None:
        raise ValueError("a time without an offset")
    if instant > utcnow() + _AHEAD:
        raise ValueError(f"published in the future, {instant:%Y-%m-%d}")
    return instant.astimezone(UTC)
