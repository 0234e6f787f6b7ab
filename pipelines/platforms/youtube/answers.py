"""Parsers for YouTube: turn bodies of Google's APIs into videos, numbers and errors.

Facts: docs/platform-facts.md#youtube-data-api, #youtube-limits-and-errors.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Reason
from metrics.periods import next_midnight
from metrics.platforms.youtube import YOUTUBE
from pipelines.platforms import answers
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    QuotaUsed,
    RateLimited,
    RequestRefused,
    pause_until,
)
from pipelines.platforms.http.retries import overloaded, retry_after
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
UPLOADS_LIST = re.compile(r"UU[A-Za-z0-9_-]{22}")

_DECIMAL = re.compile(r"-?[0-9]{1,30}")
_FOUNDED = datetime(2005, 2, 14, tzinfo=UTC)
_MINUTE = timedelta(minutes=1).total_seconds()
_PER_DAY = re.compile("per ?day", re.IGNORECASE)
_DAILY = ("quotaExceeded", "dailyLimitExceeded")
_NOT_PUBLIC = ("private", "privacyStatusUnspecified")
"""States of entries of the list of uploads that are no videos for the public: private, or deleted."""
_LONGEST = 300
KEY_REFUSED = "check the project of the app and TIDEMARK_YOUTUBE_API_KEY"
"""The end of the error for a refused key."""


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("YouTube"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains, if any. The reason decides, and then the HTTP status.

    Raises:
        QuotaUsed: a daily quota is used; its name is that of the platform, because the answer does not name the quota.
        PlatformError: the leaf class of the decision.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if status < 400 and error is None:
        return
    code = error.get("code") if isinstance(error, Mapping) else None
    if not isinstance(error, Mapping) or not isinstance(code, int):
        if status >= 500 or status == 429:
            raise overloaded(f"YouTube answers {status}", headers)
        raise BadAnswer(f"{status}, but not in YouTube's form: check the platform's base URL")
    reasons = _reasons(error)
    if status < 400:
        # Gateways pass on a platform's errors with the status 200.
        status = code if 400 <= code < 600 else 500
    message = str(error.get("message") or next(iter(reasons), f"YouTube answers {status}"))
    raise _decision(status, reasons, re.sub(r"<[^>]*>", "", message)[:_LONGEST], headers)


def _reasons(error: Mapping[str, Any]) -> set[str]:
    """Return the reasons in an error: those of its parts, and those of its details."""
    parts = [*(error.get("errors") or ()), *(error.get("details") or ())]
    return {str(part["reason"]) for part in parts if isinstance(part, Mapping) and "reason" in part}


def _decision(status: int, reasons: set[str], message: str, headers: Mapping[str, str]) -> PlatformError:
    """Return the error for the reasons and the status of an answer."""
    if reasons & set(_DAILY) or (status == 429 and _PER_DAY.search(message)):
        return QuotaUsed(YOUTUBE.name, next_midnight(utcnow(), YOUTUBE.quota_zone))
    if "userRateLimitExceeded" in reasons:
        seconds = retry_after(headers.get("Retry-After", ""))
        return RateLimited(message, pause_until(seconds or _MINUTE), "account")
    if status == 429 or reasons & {"rateLimitExceeded", "RATE_LIMIT_EXCEEDED"}:
        return overloaded(message, headers)
    if status == 401:
        return NeedsReauth(message)
    if reasons & {"channelSuspended", "channelClosed", "channelNotFound"}:
        return AccountUnreachable(message)
    if reasons & {"accessNotConfigured", "SERVICE_DISABLED", "keyInvalid"} or "API key not valid" in message:
        return BadAnswer(f"{status}: {message}: {KEY_REFUSED}")
    if status == 403:
        return PermissionMissing(message)
    if status == 404:
        return PostGone(message)
    if status >= 500:
        return overloaded(message, headers)
    return RequestRefused(f"{status}: {message}")


def items_of(body: Mapping[str, Any], kind: str) -> list[Any]:
    """Return the items of a list; `kind` is the kind of the answer. A list without items may lack the field.

    Raises:
        BadAnswer: it is another kind of answer, or it lacks items that it counts.
    """
    if body.get("kind") != kind:
        raise BadAnswer("YouTube's answer has an unexpected form: it is not the list that was requested")
    with parsing_answer():
        items = answers.items_of(body.get("items", []))
        total = body["pageInfo"]["totalResults"] if "pageInfo" in body else 0
    if total and not items and "nextPageToken" not in body:
        raise BadAnswer(f"YouTube's answer has an unexpected form: it counts {total} items and has none")
    return items


def by_id(items: list[Any], form: re.Pattern[str]) -> dict[str, Mapping[str, Any]]:
    """Return items by their ids; an item without a valid id is left out."""
    return {item["id"]: item for item in items if has_id(item, form)}


def has_id(item: object, form: re.Pattern[str]) -> bool:
    """Tell whether an item is an object with an id of this form."""
    return isinstance(item, Mapping) and isinstance(item.get("id"), str) and form.fullmatch(item["id"]) is not None


def decimal(value: object) -> object:
    """Return the number of a text of decimal digits, the form of statistics; every other value unchanged."""
    return int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def account_numbers(channel: Mapping[str, Any]) -> Numbers:
    """Return the subscribers and the public videos of a channel."""
    numbers, statistics = Numbers(), field_of(channel, "statistics")
    if field_of(statistics, "hiddenSubscriberCount") is True:
        numbers.miss("followers", "permission_missing")
    else:
        numbers.take("followers", decimal(field_of(statistics, "subscriberCount")), "provider_error")
    numbers.take("posts", decimal(field_of(statistics, "videoCount")), "provider_error")
    return numbers


def shown_name(channel: Mapping[str, Any]) -> str | None:
    """Return the handle of a channel without its `@`, or its title if it has none."""
    snippet = field_of(channel, "snippet")
    handle = answers.name_of(field_of(snippet, "customUrl"))
    return answers.name_of(handle.removeprefix("@")) if handle else answers.name_of(field_of(snippet, "title"))


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return the video of an entry of the list of uploads; entries that are not public have no time of publication.

    Raises:
        LookupError, TypeError, ValueError: the entry has no valid id, or an invalid time.
    """
    details = item["contentDetails"]
    published = details.get("videoPublishedAt")
    at = answers.publication_time(datetime.fromisoformat(published), _FOUNDED) if published is not None else None
    video_id = answers.id_of(details["videoId"], VIDEO)
    return Post(video_id, "post", "video", at, content=_content(video_id, item.get("snippet")))


def _content(video_id: str, snippet: object) -> Content | None:
    """Return the title and the picture of a video, or None if the answer was not asked for them.

    Facts: docs/platform-facts.md#content-of-posts.
    """
    if not isinstance(snippet, Mapping):
        return None
    picture = field_of(field_of(snippet.get("thumbnails"), "medium"), "url")
    title = snippet.get("title")
    link = f"https://www.youtube.com/watch?v={video_id}"
    return Content(link, title, None if picture is ABSENT else picture)


def is_hidden(item: Mapping[str, Any]) -> bool:
    """Tell whether an entry of the list of uploads is private, or of a deleted video."""
    return field_of(field_of(item, "status"), "privacyStatus") in _NOT_PUBLIC


_HIDDEN: Mapping[str, Reason] = {"likes": "permission_missing", "comments": "not_supported"}
"""Why a number is missing from statistics: the channel hides the likes, or the video has no comments."""


def post_numbers(post: Post, item: Mapping[str, Any]) -> Numbers:
    """Return the metrics of a video. Statistics without views have an unexpected form: then all metrics are missing."""
    numbers, statistics = Numbers(), field_of(item, "statistics")
    has_form = field_of(statistics, "viewCount") is not ABSENT
    for name, offer in offered("youtube", post.metric_type, post.content_type).items():
        otherwise = _HIDDEN.get(name, "provider_error") if has_form else "provider_error"
        numbers.take(name, decimal(field_of(statistics, offer.field)), otherwise)
    return numbers
