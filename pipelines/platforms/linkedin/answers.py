"""What LinkedIn's answers say: bodies of the Community Management API to posts, readings and decisions.

Facts: platforms.md, 5.
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
from pipelines.platforms.base import Post
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
from pipelines.platforms.numbers import ABSENT, Numbers, part

URN = re.compile(r"urn:li:(share|ugcPost):[0-9]{1,20}")
_MEDIA: Mapping[str, ContentType] = {"image": "image", "video": "video", "document": "document"}
_CONTENT: Mapping[str, ContentType] = {"article": "link", "multiImage": "carousel"}
_FOUNDED = datetime(2003, 5, 5, tzinfo=UTC)
FOLLOWERS = "firstDegreeSize"
SILENT: Final = object()
"""Stands for the statistics of a post that an answer leaves out."""

_THROTTLED = 101
_FORM = frozenset({"code", "serviceErrorCode", "status"})
"""One of these is in every refusal of LinkedIn: what has none comes from elsewhere, and says nothing about a token."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.understood("LinkedIn"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise what an answer means, if it is an error.

    All codes of a 401 are treated alike: each of them requires that somebody connects the account again.

    Raises:
        PlatformError: one leaf per decision.
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
    """Tell whether a refusal is of a limit: older resources answer «throttle limit … is reached» with a 403."""
    return problem.get("serviceErrorCode") == _THROTTLED or "throttle" in str(problem.get("message", "")).lower()


def _limited(message: str) -> RateLimited:
    """Return the stop until 00:00 UTC, when LinkedIn counts anew; a member's own limit stops that member alone."""
    midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return RateLimited(message, midnight, "account" if "MEMBER" in message else "app")


def of_status(status: object) -> PlatformError:
    """Return what the status of one element of a batch says."""
    return PostGone("not found") if status == 404 else Transient(f"the element has status {status}")


def account_numbers(size: Mapping[str, Any]) -> Numbers:
    """Return the followers: `networkSizes` has the only total, and nothing else in its answer."""
    numbers = Numbers()
    numbers.take("followers", part(size, FOLLOWERS), "provider_error")
    return numbers


def is_advertisement(element: Mapping[str, Any]) -> bool:
    """Tell whether a post was shown as an advertisement alone: its numbers are in another API."""
    return bool((element.get("adContext") or {}).get("isDsc"))


def plain(urn: object) -> object:
    """Return a URN without the encoding that Rest.li gives it in keys and headers, and in bodies at times."""
    return unquote(urn) if isinstance(urn, str) else urn


def listed_post(element: Mapping[str, Any]) -> Post:
    """Return the post of an element of `/posts`.

    Raises:
        LookupError, TypeError, ValueError, ArithmeticError: the element has no id, or a time that is none.
    """
    published = element.get("publishedAt") or element.get("createdAt")
    at = answers.published(instant(published), _FOUNDED) if published is not None else None
    return Post(answers.id_of(plain(element["id"]), URN), "post", _content_type(element.get("content") or {}), at)


def _content_type(content: Mapping[str, Any]) -> ContentType:
    if media := content.get("media"):
        kind = re.match(r"urn:li:(\w+):", str(media.get("id")))
        return _MEDIA.get(kind.group(1), "other") if kind else "other"
    return next((kind for name, kind in _CONTENT.items() if name in content), "other" if content else "text")


def instant(milliseconds: object) -> datetime:
    """Return the instant of milliseconds since 1970.

    Raises:
        TypeError, ValueError, ArithmeticError: it is none.
    """
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"an instant is a {type(milliseconds).__name__}")
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def statistics(body: Mapping[str, Any]) -> tuple[dict[str, object], bool]:
    """Return the statistics of the posts that an answer has, by URN, and whether some are of no post that it names."""
    found: dict[str, object] = {}
    nameless = False
    for element in answers.items_of(body["elements"]):
        urn = next((one for name in ("share", "ugcPost") if isinstance(one := plain(part(element, name)), str)), "")
        if URN.fullmatch(urn):
            found[urn] = part(element, "totalShareStatistics")
        else:
            nameless = True
    return found, nameless


def post_numbers(post: Post, totals: object) -> Numbers:
    """Return the numbers of a post; `SILENT` is one without an element: it has had no activity, and that is 0.

    Statistics that have none of the fields are of an unexpected form: `provider_error`.
    """
    numbers, offers = Numbers(), offered("linkedin", post.metric_type, post.content_type)
    is_told = any(part(totals, offer.field) is not ABSENT for offer in offers.values())
    for name, offer in offers.items():
        value = 0 if totals is SILENT else part(totals, offer.field)
        numbers.take(name, value, "no_observation" if is_told else "provider_error")
    return numbers


def take_days(days: Mapping[date, Numbers], body: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Put the values of time-bound statistics with the UTC days that they are of; negative ones stay negative.

    `fields` has canonical names with the provider's, which may be a sum: `organicFollowerGain + paidFollowerGain`.
    """
    dated, nameless = _elements(body)
    by_day = answers.of_days(dated)
    # A day that seems to be missing may be the one that an element without a day is about.
    missing: Reason = "provider_error" if nameless else "no_observation"
    for day, numbers in days.items():
        element = by_day.get(day, ABSENT)
        values = {name: [_value(element, one) for one in field.split(" + ")] for name, field in fields.items()}
        # An element that has none of what was asked for is of another form.
        is_told = any(value is not ABSENT for of_name in values.values() for value in of_name)
        otherwise = missing if element is ABSENT else "no_observation" if is_told else "provider_error"
        for name, of_name in values.items():
            # A day without activity may be missing, and people counted once may be missing of a day.
            numbers.take_sum(name, of_name, otherwise)


def _elements(body: Mapping[str, Any]) -> tuple[list[tuple[date, object]], bool]:
    """Return the elements of time-bound statistics by their days, and whether any of them names no day."""
    dated: list[tuple[date, object]] = []
    elements = answers.items_of(body["elements"])
    for element in elements:
        with suppress(*UNEXPECTED):
            dated.append((instant(element["timeRange"]["start"]).date(), element))
    return dated, len(dated) < len(elements)


def _value(element: object, field: str) -> object:
    """Return a field of one of the three forms of time-bound statistics."""
    for form in ("followerGains", "totalShareStatistics"):
        if (value := part(part(element, form), field)) is not ABSENT:
            return value
    return part(part(part(part(element, "totalPageStatistics"), "views"), field), "pageViews")
