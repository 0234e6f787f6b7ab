"""Parsers for TikTok's organic API for Business: errors by their code, and numbers that end.

Facts: docs/platform-facts.md#tiktok-api-for-business.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from metrics.catalog import offered
from metrics.documents import Reason
from pipelines.platforms import answers
from pipelines.platforms.data.post import Post
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RequestRefused,
    Transient,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import Numbers, field_of

_NO_PERMISSION, _INVALID, _TOO_MANY = 40001, 40002, 40100
_DEAD = frozenset([40102, 40104, 40105])
_SERVER_ERRORS = 50_000
_IDLE = timedelta(days=7)
_ENDING = frozenset(["reach", "total_time_watched"])
_SECONDS = "total_time_watched"
_LONGEST_MESSAGE = 300


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("TikTok's API for Business"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains; its `code` decides, because errors come with the HTTP status 200.

    Raises:
        PlatformError: the leaf class of the decision (docs/platform-facts.md#tiktok-api-for-business).
    """
    code = field_of(body, "code")
    # Some answers have the code as text.
    number = int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 9 else code
    if isinstance(number, bool) or not isinstance(number, int):
        if status >= 500 or status == 429:
            raise overloaded(f"TikTok answers {status}", headers)
        raise BadAnswer(f"{status}, but not in the form of TikTok's API for Business: check the platform's base URL")
    if number != 0:
        raise _refusal(number, str(field_of(body, "message"))[:_LONGEST_MESSAGE], headers)
    if status >= 400:
        raise BadAnswer(f"TikTok answers {status} with the code of a good answer")


def _refusal(code: int, message: str, headers: Mapping[str, str]) -> PlatformError:
    if code == _TOO_MANY:
        return Transient(message, 1.0)
    if code in _DEAD:
        return NeedsReauth(message)
    if code == _NO_PERMISSION:
        return PermissionMissing(message)
    if code == _INVALID:
        return RequestRefused(message)
    return overloaded(message, headers) if code >= _SERVER_ERRORS else BadAnswer(f"{code}: {message}")


def data_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of an answer.

    Raises:
        LookupError, TypeError: the answer has none.
    """
    data = body["data"]
    if not isinstance(data, Mapping):
        raise TypeError("its data are not an object")
    return data


def take(numbers: Numbers, name: str, value: object, otherwise: Reason) -> None:
    """Store a value; null is what an account with under 100 followers has, and a personal one."""
    if value is None:
        numbers.miss(name, "privacy_threshold")
    else:
        numbers.take(name, value, otherwise)


def post_numbers(post: Post, video: Mapping[str, Any], now: datetime) -> Numbers:
    """Return the further counters of a video, with reasons for missing ones.

    Some fields are empty once nobody has watched the video for seven days. Nothing brings them back, so the last value
    that was read is final.
    """
    numbers = Numbers()
    may_be_idle = post.published_at is None or now - post.published_at > _IDLE
    for name, offer in offered("tiktok", post.metric_type, post.content_type).items():
        if not offer.further:
            continue
        ended = offer.field in _ENDING and may_be_idle
        value = field_of(video, offer.field)
        value = _milliseconds(value) if offer.field == _SECONDS else value
        take(numbers, name, value, "not_recoverable" if ended else "not_yet_available")
    return numbers


def _milliseconds(seconds: object) -> object:
    """Return a time in milliseconds; anything that is no number of seconds stays as it is."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds
    milliseconds = seconds * 1000
    return round(milliseconds) if isfinite(milliseconds) else seconds
