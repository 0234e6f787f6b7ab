"""Parsers for LinkedIn: turn Community Management API bodies into posts, numbers and errors.

Facts: docs/platform-facts.md#linkedin-limits-and-errors, #linkedin-statistics.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Reason
from pipelines.platforms import answers
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

URN = re.compile(r"urn:li:(share|ugcPost):[0-9]{1,20}")
_MEDIA: Mapping[str, ContentType] = {"image": "image", "video": "video", "document": "document"}
_CONTENT: Mapping[str, ContentType] = {"article": "link", "multiImage": "carousel"}
_FOUNDED = datetime(2003, 5, 5, tzinfo=UTC)
FOLLOWERS = "firstDegreeSize"
NO_STATISTICS: Final = object()
"""Stands for the statistics of a post for which an answer has no element."""

_ESCAPE = re.compile(r"\\([|{}@\[\]()<>#\\*_~])")
_MARKUP = re.compile(
    r"@\[(?P<mention>(?:[^\]\\]|\\.){0,300})\]\s?\(urn:li:[^)]{1,200}\)"
    r"|\{hashtag\\?\|\\?(?P<sign>[#\uff03])\\?\|(?P<tag>(?:[^}\\]|\\.){0,300})\}"
    r"|\\(?P<escaped>[|{}@\[\]()<>#\\*_~])"
)

_THROTTLED = 101
_FORM = frozenset({"code", "serviceErrorCode", "status"})
"""Every error body of LinkedIn has one of these fields. One without comes from another server, and says nothing about
the token."""


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("LinkedIn"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains, if any.

    All codes of a 401 are treated alike: each requires the user to connect the account again.

    Raises:
        PlatformError: the leaf class of the decision.
    """
    status = answers.status_of(status, body)
    if status < 400:
        return
    problem = body if isinstance(body, Mapping) else {}
    message = str(problem.get("message") or problem.get("code") or f"LinkedIn answers {status}")[:300]
    if status in (401, 403, 404) and not _FORM & problem.keys():
        raise BadAnswer(f"{status}, but not in LinkedIn's form: check the platform's base URL")
    if status == 401:
        raise NeedsReauth(message)
    if status == 429 or (status == 403 and _is_limit(problem)):
        raise _limited(message)
    if status == 403:
        raise PermissionMissing(message)
    if status == 404:
        raise PostGone(message)
    if status >= 500:
        raise overloaded(message, headers)
    raise BadAnswer(f"{status}: {message}")


def _is_limit(problem: Mapping[str, Any]) -> bool:
    """Tell whether an error is a rate limit: older resources answer «throttle limit … is reached» with a 403."""
    return problem.get("serviceErrorCode") == _THROTTLED or "throttle" in str(problem.get("message", "")).lower()


def _limited(message: str) -> RateLimited:
    """Return the limit until 00:00 UTC, when LinkedIn's counts restart; a member's own limit stops only the account."""
    midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return RateLimited(message, midnight, "account" if "MEMBER" in message else "app")


def error_of_status(status: object) -> PlatformError:
    """Return the error for the status of one element of a batch."""
    return PostGone("not found") if status == 404 else Transient(f"the element has status {status}")


def account_numbers(size: Mapping[str, Any]) -> Numbers:
    """Return the followers from an answer of `networkSizes`, the only resource with their total."""
    numbers = Numbers()
    numbers.take("followers", field_of(size, FOLLOWERS), "provider_error")
    return numbers


def is_advertisement(element: Mapping[str, Any]) -> bool:
    """Tell whether a post was shown only as an advertisement; the metrics of these are in another API."""
    return bool((element.get("adContext") or {}).get("isDsc"))


def decoded_urn(urn: object) -> object:
    """Return a URN percent-decoded: Rest.li encodes URNs in keys and headers, and sometimes in bodies."""
    return unquote(urn) if isinstance(urn, str) else urn


def listed_post(element: Mapping[str, Any]) -> Post:
    """Return the post of an element of `/posts`.

    Raises:
        LookupError, TypeError, ValueError, ArithmeticError: the element has no valid id, or an invalid time.
    """
    published = element.get("publishedAt") or element.get("createdAt")
    at = answers.publication_time(instant(published), _FOUNDED) if published is not None else None
    urn = answers.id_of(decoded_urn(element["id"]), URN)
    content = Content(f"https://www.linkedin.com/feed/update/{urn}/", plain_text(element.get("commentary")))
    return Post(urn, "post", _content_type(element.get("content") or {}), at, content=content)


def plain_text(commentary: object) -> object:
    """Return a commentary without LinkedIn's markup: mentions as names, hashtags as `#tag`, escapes resolved.

    Facts: docs/platform-facts.md#content-of-posts.
    """
    return _MARKUP.sub(_shown, commentary) if isinstance(commentary, str) else commentary


def _shown(found: re.Match[str]) -> str:
    mention, sign, tag, escaped = found.group("mention", "sign", "tag", "escaped")
    if escaped is not None:
        return str(escaped)
    return _ESCAPE.sub(r"\1", mention if mention is not None else f"{sign}{tag}")


def _content_type(content: Mapping[str, Any]) -> ContentType:
    if media := content.get("media"):
        kind = re.match(r"urn:li:(\w+):", str(media.get("id")))
        return _MEDIA.get(kind.group(1), "other") if kind else "other"
    return next((kind for name, kind in _CONTENT.items() if name in content), "other" if content else "text")


def instant(milliseconds: object) -> datetime:
    """Return the instant of milliseconds since 1970.

    Raises:
        TypeError, ValueError, ArithmeticError: the value is not a number, or too large.
    """
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"an instant is a {type(milliseconds).__name__}")
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def statistics(body: Mapping[str, Any]) -> tuple[dict[str, object], bool]:
    """Return the statistics in an answer by the URN of their post, and whether some have no valid URN."""
    found: dict[str, object] = {}
    nameless = False
    for element in answers.items_of(body["elements"]):
        urn = next(
            (one for name in ("share", "ugcPost") if isinstance(one := decoded_urn(field_of(element, name)), str)), ""
        )
        if URN.fullmatch(urn):
            found[urn] = field_of(element, "totalShareStatistics")
        else:
            nameless = True
    return found, nameless


def post_numbers(post: Post, totals: object) -> Numbers:
    """Return the metrics of a post; with `NO_STATISTICS` they are 0, because such a post has had no activity.

    Statistics with none of the expected fields have an unexpected form: the metrics are missing with `provider_error`.
    """
    numbers, offers = Numbers(), offered("linkedin", post.metric_type, post.content_type)
    has_fields = any(field_of(totals, offer.field) is not ABSENT for offer in offers.values())
    for name, offer in offers.items():
        value = 0 if totals is NO_STATISTICS else field_of(totals, offer.field)
        numbers.take(name, value, "no_observation" if has_fields else "provider_error")
    return numbers


def take_days(days: Mapping[date, Numbers], body: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Store the values of time-bound statistics in their UTC days; negative values stay negative.

    `fields` maps canonical names to LinkedIn's fields, which may be a sum: `organicFollowerGain + paidFollowerGain`.
    """
    dated, nameless = _elements(body)
    by_day = answers.values_by_day(dated)
    # If an element has no day, it may belong to a day that seems to be missing.
    missing: Reason = "provider_error" if nameless else "no_observation"
    for day, numbers in days.items():
        element = by_day.get(day, ABSENT)
        values = {name: [_value(element, one) for one in field.split(" + ")] for name, field in fields.items()}
        # An element with none of the requested fields has an unexpected form.
        has_fields = any(value is not ABSENT for of_name in values.values() for value in of_name)
        otherwise = missing if element is ABSENT else "no_observation" if has_fields else "provider_error"
        for name, of_name in values.items():
            # Days without activity may be missing, and so may the count of unique people on a day.
            numbers.take_sum(name, of_name, otherwise)


def _elements(body: Mapping[str, Any]) -> tuple[list[tuple[date, object]], bool]:
    """Return the elements of time-bound statistics with their days, and whether any element has no valid day."""
    dated: list[tuple[date, object]] = []
    elements = answers.items_of(body["elements"])
    for element in elements:
        with suppress(*UNEXPECTED):
            dated.append((instant(element["timeRange"]["start"]).date(), element))
    return dated, len(dated) < len(elements)


def _value(element: object, field: str) -> object:
    """Return a field of an element, which has one of the three forms of time-bound statistics."""
    for form in ("followerGains", "totalShareStatistics"):
        if (value := field_of(field_of(element, form), field)) is not ABSENT:
            return value
    return field_of(field_of(field_of(field_of(element, "totalPageStatistics"), "views"), field), "pageViews")
