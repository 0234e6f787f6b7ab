"""Parsers for TikTok's Display API: turn answers into accounts, videos, numbers and errors.

Facts: docs/platform-facts.md#tiktok.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from metrics.catalog import offered
from metrics.documents import Reason
from pipelines.platforms import answers
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    RequestRefused,
    pause_until,
)
from pipelines.platforms.http.retries import overloaded, retry_after
from pipelines.platforms.numbers import BOUND, Numbers, field_of, number
from pipelines.platforms.pages import Place
from pipelines.platforms.renewals import DEAD_GRANT, raise_for_renewal

ID = re.compile(r"[0-9]{1,40}")
_FOUNDED = datetime(2014, 1, 1, tzinfo=UTC)
"""The oldest videos come from musical.ly, which opened in 2014 and became part of TikTok."""
_WINDOW_SECONDS = 60.0
_OK = "ok"
_DEAD = frozenset(["access_token_invalid"])
_NO_SCOPE = frozenset(["scope_not_authorized", "scope_permission_missed"])
_TOO_MANY, _INVALID, _INTERNAL = "rate_limit_exceeded", "invalid_params", "internal_error"
_REVOKED = DEAD_GRANT | {"access_denied", "invalid_scope"}
"""Errors of the token endpoint after which only the user can help; all others concern the app."""
_LONGEST_MESSAGE, _LONGEST_ERROR = 300, 30


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("TikTok"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer of the Display API contains.

    Every answer has `error`; in a good one, its code is `ok`.

    Raises:
        PlatformError: the leaf class of the decision (docs/platform-facts.md#tiktok-limits-and-errors).
    """
    error = field_of(body, "error")
    code = field_of(error, "code")
    if status < 400 and code == _OK:
        return
    message = str(field_of(error, "message") or code if isinstance(code, str) else f"TikTok answers {status}")
    raise _refusal(status, code, message[:_LONGEST_MESSAGE], headers)


def _refusal(status: int, code: object, message: str, headers: Mapping[str, str]) -> PlatformError:
    if status == 429 or code == _TOO_MANY:
        seconds = retry_after(headers.get("Retry-After", ""))
        return RateLimited(message, pause_until(_WINDOW_SECONDS if seconds is None else seconds), "app")
    if status >= 500 or code == _INTERNAL:
        return overloaded(message, headers)
    if not isinstance(code, str):
        return BadAnswer(f"{status}, but not in the form of TikTok's API: check the platform's base URL")
    if code in _DEAD:
        return NeedsReauth(message)
    if code in _NO_SCOPE:
        return PermissionMissing(message)
    return RequestRefused(message) if code == _INVALID else BadAnswer(f"{code}: {message}")


def raise_for_token(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer of the token endpoint contains, where `error` is a text.

    Raises:
        NeedsReauth: the refresh token no longer works, so the user has to connect the account again.
        BadAnswer: TikTok does not accept the app, so no user can help.
        PlatformError: any other failure.
    """
    error = field_of(body, "error")
    if not isinstance(error, str):
        if status >= 400:
            raise _refusal(status, None, f"TikTok answers {status}", headers)
        return
    raise_for_renewal(status, body, "TikTok", _REVOKED)
    raise _refusal(status, error, error[:_LONGEST_ERROR], headers)


def data_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of an answer.

    Raises:
        LookupError, TypeError: the answer has none.
    """
    data = body["data"]
    if not isinstance(data, Mapping):
        raise TypeError("its data are not an object")
    return data


def account_numbers(user: Mapping[str, Any], requested: Collection[str]) -> Numbers:
    """Return the numbers of an account; those whose fields were not requested are not allowed to this token."""
    numbers = Numbers()
    for name, offer in offered("tiktok", "account").items():
        if offer.further:
            continue
        numbers.take(name, field_of(user, offer.field), _otherwise(user, offer.field in requested))
    return numbers


def _otherwise(user: Mapping[str, Any], requested: bool) -> Reason:
    """Return why a number is missing: an answer without any of the requested counts has an unexpected form."""
    if not requested:
        return "permission_missing"
    return "no_observation" if any(str(name).endswith("_count") for name in user) else "provider_error"


def post_numbers(post: Post, video: Mapping[str, Any], refused: Collection[str]) -> Numbers:
    """Return the counters of a video; `refused` are fields that the API does not know."""
    numbers = Numbers()
    for name, offer in offered("tiktok", post.metric_type, post.content_type).items():
        if offer.further:
            continue
        if offer.field in refused:
            numbers.miss(name, "metric_retired")
        else:
            numbers.take(name, field_of(video, offer.field), _otherwise(video, requested=True))
    return numbers


def listed_post(video: Mapping[str, Any]) -> Post:
    """Return the post of a video.

    Raises:
        LookupError, TypeError, ValueError: it has no valid id, or no possible time of publication.
    """
    published = datetime.fromtimestamp(number(video["create_time"]), UTC)
    return Post(
        answers.id_of(video["id"], ID),
        "post",
        "video",
        answers.publication_time(published, _FOUNDED),
        content=content_of(video),
    )


def content_of(video: Mapping[str, Any]) -> Content:
    """Return the content of a video. The URL of its cover ends after six hours, so it is not kept."""
    return Content(video.get("share_url"), video.get("video_description"))


def next_place(data: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page, None at the end of the list; the cursor is sent back as it came.

    Raises:
        LookupError, TypeError, ValueError: the answer does not say whether and where the list goes on.
    """
    more, cursor = data["has_more"], data["cursor"]
    if not isinstance(more, bool):
        raise TypeError("has_more is neither true nor false")
    if not more:
        return None
    if isinstance(cursor, bool) or not isinstance(cursor, int) or not 0 < cursor < BOUND:
        raise ValueError("the cursor is not a number")
    return {"cursor": str(cursor)}
