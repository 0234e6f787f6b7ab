"""Parsers for Pinterest: turn bodies of the API into pins, numbers and errors (docs/platform-facts.md#pinterest)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.documents import ContentType, Reason
from metrics.platforms.facts import Offer
from pipelines.platforms import answers
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    RequestRefused,
    Transient,
    pause_until,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import ABSENT, Numbers, field_of
from pipelines.platforms.renewals import app_refused

ID = re.compile(r"[0-9]{1,19}")

_FOUNDED = datetime(2009, 12, 1, tzinfo=UTC)
_LIFETIME_SINCE = datetime(2023, 3, 20, tzinfo=UTC)
"""Pins that were created before have numbers of their whole life only if they are videos or ideas."""
_MINUTE = timedelta(minutes=1).total_seconds()
_UNDER_REVIEW = (2625, 2626)
_SCOPES, _NOT_OURS = 3, 7
_DEAD_GRANT = 283
"""The number in the refusal of a refresh token, or of a code, that is unknown, used, ended or revoked."""
_BOARD_OR_PIN = "board or Pin"
_TOO_OLD = "last 90 days"
_LONGEST = 300
_SIZES = ("400x300", "600x", "150x150")
"""Sizes of a pin's picture, the most suitable for a thumbnail first."""
_KINDS: Mapping[str, ContentType] = {
    "image": "image",
    "video": "video",
    "multiple_images": "carousel",
    "multiple_mixed": "carousel",
    "multiple_videos": "carousel",
}
_KNOWN = ("READY", "ESTIMATE")
"""States of a day that has numbers. Estimates are corrected later."""


class TooOld(RequestRefused):
    """Pinterest says that a range begins more than 90 days ago; it does so for other ranges too, in passing."""


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("Pinterest"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains, if any.

    The HTTP status decides, because the same number in the body stands for different errors.

    Raises:
        PlatformError: the leaf class of the decision (docs/platform-facts.md#pinterest-limits-and-errors).
    """
    if status < 400:
        return
    problem = body if isinstance(body, Mapping) else {}
    code, message = problem.get("code"), str(problem.get("message") or f"Pinterest answers {status}")[:_LONGEST]
    if status == 429:
        raise _limited(message, headers)
    if status >= 500:
        raise overloaded(message, headers)
    if not isinstance(code, int):
        raise BadAnswer(f"{status}, but not in Pinterest's form: check the platform's base URL")
    raise _refusal(status, code, message)


def raise_for_token(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer of the token endpoint contains, if any.

    There, the number of an error says whether the refresh token or the app is refused; both have the status 401.

    Raises:
        NeedsReauth: the refresh token is dead.
        BadAnswer: Pinterest does not accept the app, so no user can help.
        PlatformError: any other failure.
    """
    if status in (400, 401) and isinstance(body, Mapping) and isinstance(code := body.get("code"), int):
        raise NeedsReauth(f"code {code}") if code == _DEAD_GRANT else app_refused("Pinterest", f"code {code}")
    raise_for(status, body, headers)


def _limited(message: str, headers: Mapping[str, str]) -> RateLimited:
    """Return the limit until the next minute, by which Pinterest counts, or until the end of the requested pause."""
    error = overloaded(message, headers)
    if isinstance(error, Transient):
        return RateLimited(message, pause_until(error.retry_after or _MINUTE), "account")
    return error


def _refusal(status: int, code: int, message: str) -> PlatformError:
    """Return the error for a status from 400 to 499."""
    if status == 401 and code == _SCOPES:
        return PermissionMissing(message)
    if status == 404 or (status == 401 and code == _NOT_OURS) or (status == 403 and _BOARD_OR_PIN in message):
        return PostGone(message)
    if status == 401:
        return NeedsReauth(message)
    if status == 403:
        return AccountUnreachable(message) if code in _UNDER_REVIEW else PermissionMissing(message)
    if status == 400:
        return TooOld(message) if _TOO_OLD in message else RequestRefused(f"{status}: {message}")
    return BadAnswer(f"{status}: {message}")


def account_numbers(body: Mapping[str, Any]) -> Numbers:
    """Return the levels of an account. They may be null; -1 stands for monthly views that are not known."""
    numbers = Numbers()
    for name, offer in offered("pinterest", "account").items():
        value = field_of(body, offer.field)
        if by_day(offer):
            continue
        if value is None or (name == "monthlyViews" and value == -1):
            numbers.miss(name, "no_observation")
        else:
            numbers.take(name, value, "provider_error")
    return numbers


def by_day(offer: Offer) -> bool:
    """Tell whether Pinterest has a number as amounts of days only: the metrics of its analytics are in upper case."""
    return offer.field.isupper()


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return a pin of the list, or one that was requested by its id.

    Raises:
        LookupError, TypeError, ValueError: the pin has no valid id, or no possible time of creation.
    """
    pin_id = answers.id_of(item["id"], ID)
    return Post(pin_id, "post", _content_type(item.get("media")), _created_at(item), content=_content(pin_id, item))


def is_saved(item: Mapping[str, Any]) -> bool:
    """Tell whether a pin is one that the account saved from another pin."""
    return item.get("parent_pin_id") is not None


def is_older(item: object, since: datetime) -> bool:
    """Tell whether a pin of the list was created before an instant; an item without a valid time is not old."""
    try:
        return isinstance(item, Mapping) and _created_at(item) < since
    except answers.UNEXPECTED:
        return False


def _created_at(item: Mapping[str, Any]) -> datetime:
    """Return when a pin was created; Pinterest writes UTC without a zone, with or without microseconds."""
    found = datetime.fromisoformat(item["created_at"])
    return answers.publication_time(found if found.tzinfo else found.replace(tzinfo=UTC), _FOUNDED)


def _content_type(media: object) -> ContentType:
    return _KINDS.get(str(field_of(media, "media_type")), "other")


def _content(pin_id: str, item: Mapping[str, Any]) -> Content:
    """Return the address, the text and the picture of a pin (docs/platform-facts.md#content-of-posts)."""
    link = f"https://www.pinterest.com/pin/{pin_id}/"
    return Content(link, _text(item.get("title"), item.get("description")), _picture(item.get("media")))


def _text(title: object, description: object) -> object:
    """Return title and description below each other; just one of them if the other is missing or repeats it."""
    if not title or not description:
        return title or description
    if not isinstance(title, str) or not isinstance(description, str):
        return title
    return description if description.startswith(title) else f"{title}\n{description}"


def _picture(media: object) -> object:
    """Return the URL of the picture of a pin, or of the first of its pictures, or None."""
    items = field_of(media, "items")
    pictures = field_of(items[0] if isinstance(items, list) and items else media, "images")
    found = (field_of(field_of(pictures, size), "url") for size in _SIZES)
    return next((url for url in found if url is not ABSENT and url is not None), None)


def post_numbers(post: Post, item: Mapping[str, Any]) -> Numbers:
    """Return the numbers of a pin over its life, with reasons for missing ones."""
    metrics = field_of(item, "pin_metrics")
    lifetime = None if metrics is None else field_of(metrics, "lifetime_metrics")
    offers = {n: o for n, o in offered("pinterest", post.metric_type, post.content_type).items() if not by_day(o)}
    numbers = Numbers()
    reason = _reason_without(lifetime, post, metrics)
    if reason is not None:
        for name in offers:
            numbers.miss(name, reason)
        return numbers
    has_fields = any(field_of(lifetime, offer.field) is not ABSENT for offer in offers.values())
    for name, offer in offers.items():
        numbers.take(name, field_of(lifetime, offer.field), "no_observation" if has_fields else "provider_error")
    return numbers


def _reason_without(lifetime: object, post: Post, metrics: object) -> Reason | None:
    """Return why a pin has no numbers over its life at all; None if it has some."""
    if lifetime is not None and lifetime is not ABSENT:
        return None
    if post.published_at is not None and post.published_at < _LIFETIME_SINCE:
        return "not_supported"
    # Null is documented for a pin without numbers. An object that lacks them is a mistake.
    return (
        "no_observation" if lifetime is None and (metrics is None or isinstance(metrics, Mapping)) else "provider_error"
    )


def take_days(days: Mapping[date, Numbers], body: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Store the amounts of UTC days; `fields` maps canonical names to Pinterest's metrics.

    Raises:
        LookupError, TypeError, ValueError: the answer has an unexpected form.
    """
    rows = answers.values_by_day(
        (date.fromisoformat(row["date"]), row) for row in answers.items_of(body["all"]["daily_metrics"])
    )
    newest = max(rows, default=None)
    for day, numbers in days.items():
        if day not in rows:
            is_later = newest is None or day > newest
            _miss(numbers, fields, "not_yet_available" if is_later else "no_observation")
        elif (reason := reason_of(field_of(rows[day], "data_status"))) is not None:
            _miss(numbers, fields, reason)
        else:
            _take_row(numbers, field_of(rows[day], "metrics"), fields)


def _take_row(numbers: Numbers, metrics: object, fields: Mapping[str, str]) -> None:
    has_fields = any(field_of(metrics, field) is not ABSENT for field in fields.values())
    for name, field in fields.items():
        numbers.take(name, field_of(metrics, field), "no_observation" if has_fields else "provider_error")


def _miss(numbers: Numbers, names: Mapping[str, str], reason: Reason) -> None:
    for name in names:
        numbers.miss(name, reason)


def reason_of(status: object) -> Reason | None:
    """Return why a day in this state has no numbers; None if it has some."""
    if not isinstance(status, str):
        return "provider_error"
    if status in _KNOWN:
        return None
    if status == "PROCESSING":
        return "not_yet_available"
    if status.endswith("SMALLER_THAN_THRESHOLD"):
        return "privacy_threshold"
    return "not_recoverable" if status.startswith("BEFORE_") else "no_observation"
