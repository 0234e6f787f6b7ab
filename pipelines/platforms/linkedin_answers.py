"""What LinkedIn's answers say: bodies of the Community Management API to posts, readings and decisions.

Facts: platforms.md, 5.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Reason
from pipelines.platforms.base import Post, Reading
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
)
from pipelines.platforms.retries import overloaded

_MEDIA: Mapping[str, ContentType] = {"image": "image", "video": "video", "document": "document"}
_CONTENT: Mapping[str, ContentType] = {"article": "link", "multiImage": "carousel"}
_ACCOUNT = "firstDegreeSize"
_FORM = frozenset({"code", "serviceErrorCode", "status"})
"""One of these is in every refusal of LinkedIn: what has none comes from elsewhere, and says nothing about a token."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected shape into `BadAnswer`: it concerns its account, not the run."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(f"LinkedIn's answer has an unexpected form: {type(error).__name__}: {error}"[:300]) from error


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise what an answer means, if it is an error.

    The service's own code decides between kinds of 401 for nobody: each of them means that a person has to come.

    Raises:
        PlatformError: one leaf per decision.
    """
    if status < 400:
        return
    problem = body if isinstance(body, Mapping) else {}
    message = str(problem.get("message") or problem.get("code") or f"LinkedIn answers {status}")[:300]
    if status in (401, 403, 404) and not _FORM & problem.keys():
        raise BadAnswer(f"{status}, but not in LinkedIn's form: check the platform's base URL")
    if status == 401:
        raise NeedsReauth(message)
    if status == 403:
        raise PermissionMissing(message)
    if status == 404:
        raise PostGone(message)
    if status == 429:
        raise _limited(message)
    if status >= 500:
        raise overloaded(message, headers)
    raise BadAnswer(f"{status}: {message}")


def _limited(message: str) -> RateLimited:
    """Return the stop until 00:00 UTC, when LinkedIn counts anew; a member's own limit stops that member alone."""
    midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return RateLimited(message, midnight, "account" if "MEMBER" in message else "app")


def of_status(status: object) -> PlatformError:
    """Return what the status of one element of a batch says."""
    return PostGone("not found") if status == 404 else Transient(f"the element has status {status}")


def account_reading(size: Mapping[str, Any]) -> Reading:
    """Return the followers: `networkSizes` has the only total."""
    value = size.get(_ACCOUNT)
    if isinstance(value, int):
        return Reading(utcnow(), {"followers": value})
    return Reading(utcnow(), {}, {"followers": "no_observation"})


def is_advertisement(element: Mapping[str, Any]) -> bool:
    """Tell whether a post was shown as an advertisement alone: its numbers are in another API."""
    return bool((element.get("adContext") or {}).get("isDsc"))


def listed_post(element: Mapping[str, Any]) -> Post:
    """Return the post of an element of `/posts`."""
    published = element.get("publishedAt") or element["createdAt"]
    return Post(str(element["id"]), "post", _content_type(element.get("content") or {}), instant(published))


def _content_type(content: Mapping[str, Any]) -> ContentType:
    if media := content.get("media"):
        kind = re.match(r"urn:li:(\w+):", str(media.get("id")))
        return _MEDIA.get(kind.group(1), "other") if kind else "other"
    return next((kind for name, kind in _CONTENT.items() if name in content), "other" if content else "text")


def instant(milliseconds: int) -> datetime:
    """Return the instant of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def statistics(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the statistics of the posts that an answer has, by URN."""
    found: dict[str, Mapping[str, Any]] = {}
    for element in body["elements"]:
        urn = element.get("share") or element.get("ugcPost")
        if urn:
            found[str(urn)] = element["totalShareStatistics"]
    return found


def post_reading(post: Post, totals: Mapping[str, Any] | None) -> Reading:
    """Return the numbers of a post; one without an element has had no activity, and that is 0."""
    found: dict[str, int | float] = {}
    missing: dict[str, Reason] = {}
    for name, offer in offered("linkedin", post.metric_type, post.content_type).items():
        value = 0 if totals is None else totals.get(offer.field)
        if isinstance(value, int | float):
            found[name] = value
        else:
            missing[name] = "no_observation"
    return Reading(utcnow(), found, missing)


def take_days(readings: Mapping[date, Reading], body: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    """Put the values of time-bound statistics with the UTC days that they are of; negative ones stay negative.

    `fields` has canonical names with the provider's, which may be a sum: `organicFollowerGain + paidFollowerGain`.
    """
    by_day = {instant(element["timeRange"]["start"]).date(): element for element in body["elements"]}
    for day, reading in readings.items():
        for name, field in fields.items():
            values = [_value(by_day.get(day, {}), part) for part in field.split(" + ")]
            known = [value for value in values if value is not None]
            if known and len(known) == len(values):
                reading.metrics[name] = sum(known)  # type: ignore[index]
            else:
                # A day without activity may be missing, and people counted once may be missing of a day.
                reading.unavailable[name] = "no_observation"  # type: ignore[index]


def _value(element: Mapping[str, Any], field: str) -> int | float | None:
    """Return a field of one of the three forms of time-bound statistics."""
    gains = element.get("followerGains", {})
    shares = element.get("totalShareStatistics", {})
    views = (element.get("totalPageStatistics") or {}).get("views", {}).get(field, {})
    value = gains.get(field, shares.get(field, views.get("pageViews")))
    return value if isinstance(value, int | float) else None
