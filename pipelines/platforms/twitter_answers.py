"""What X's answers say: bodies of the API v2 to posts, readings and decisions (platforms.md, 4)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Reason
from pipelines.platforms.base import Post, Reading
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
)
from pipelines.platforms.retries import overloaded

PRIVATE_DAYS = timedelta(days=30)
"""Private metrics are told to the author alone, of posts that are not older."""

PRIVATE = ("url_link_clicks", "user_profile_clicks", "engagements")
VIDEO = "view_count"

_WINDOW = timedelta(minutes=15)
_FORM = frozenset({"title", "type", "errors"})
"""One of these is in every refusal of X: what has none comes from elsewhere, and says nothing about a token."""
_RENAMED = {"retweet_count": "repost_count", "tweet_count": "post_count"}
"""The OpenAPI file says the second since August 2026, recordings the first: either is read."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected shape into `BadAnswer`: it concerns its account, not the run."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(f"X's answer has an unexpected form: {type(error).__name__}: {error}"[:300]) from error


def parse_time(text: str) -> datetime:
    """Return the instant of `2021-02-23T18:07:07.000Z`."""
    return datetime.fromisoformat(text)


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise what an answer means, if it is an error; one with `data` is an answer, whatever is missing of it.

    Raises:
        PlatformError: one leaf per decision (platforms.md, 4.4).
    """
    problem = body if isinstance(body, Mapping) else {}
    if status < 400:
        if "data" not in problem and "errors" in problem:
            raise of_problem(next(iter(problem["errors"])))
        return
    message = message_of(problem) or f"X answers {status}"
    if status in (401, 403, 404) and not _FORM & problem.keys():
        raise BadAnswer(f"{status}, but not in X's form: check the platform's base URL")
    if status == 401:
        raise NeedsReauth(message)
    if status == 402:
        raise RateLimited(f"out of credits, top them up: {message}", next_day(utcnow()), "app")
    if status == 403:
        raise PermissionMissing(message)
    if status == 404:
        raise PostGone(message)
    if status == 429:
        raise _limited(problem, message, headers)
    if status >= 500:
        raise overloaded(message, headers)
    raise _invalid(problem, message)


def of_resources(status: int, body: Any) -> bool:
    """Tell whether an answer names the posts that are not there, all of them perhaps: with a 404 or a 200."""
    return status in (200, 404) and isinstance(body, Mapping) and "errors" in body


def message_of(problem: Mapping[str, Any]) -> str:
    """Return a problem's own words, of either of its forms."""
    errors = problem.get("errors") or [{}]
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], Mapping) else {}
    said = first.get("message") or problem.get("detail") or first.get("detail") or problem.get("title") or ""
    return str(said)[:300]


def _limited(problem: Mapping[str, Any], message: str, headers: Mapping[str, str]) -> RateLimited:
    """Tell a window, which ends in minutes, from the cap of a month."""
    if "usage-cap" in str(problem.get("type", "")) or "UsageCapExceeded" in str(problem.get("title", "")):
        now = utcnow()
        until = next_month(now) if str(problem.get("period", "Monthly")).lower() == "monthly" else next_day(now)
        return RateLimited(message, until, "app")
    return RateLimited(message, _reset(headers), "account")


def _reset(headers: Mapping[str, str]) -> datetime:
    text = headers.get("x-rate-limit-reset", "")
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else utcnow() + _WINDOW


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make where a window's last call was used."""
    if headers.get("x-rate-limit-remaining") != "0":
        return None
    return RateLimited("the window's calls are used", _reset(headers), "account")


def _invalid(problem: Mapping[str, Any], message: str) -> PlatformError:
    return MetricRefused(message) if refused_field(problem) else BadAnswer(message)


def refused_field(problem: Mapping[str, Any]) -> str | None:
    """Return the field that a 400 does not know: `The `tweet.fields` query parameter value [x] is not one of […]`."""
    found = re.search(r"`(?:tweet|post|media|user)\.fields` query parameter value \[(\w+)\]", message_of(problem))
    return found.group(1) if found else None


def of_problem(problem: Mapping[str, Any]) -> PlatformError:
    """Return what a partial error says of its resource."""
    kind, message = str(problem.get("type", "")), message_of(problem)
    if kind.endswith("resource-not-found"):
        return PostGone(message)
    if kind.endswith(("not-authorized-for-resource", "not-authorized-for-field", "client-forbidden")):
        return PermissionMissing(message)
    return Transient(message) if kind.endswith("resource-unavailable") else BadAnswer(message)


def next_day(now: datetime) -> datetime:
    """Return the next midnight UTC, when what was billed per day begins anew."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def next_month(now: datetime) -> datetime:
    """Return the first of the next month, when a monthly cap begins anew."""
    return (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)


def account_reading(user: Mapping[str, Any]) -> Reading:
    """Return the levels of a user's public metrics."""
    public = user.get("public_metrics", {})
    found: dict[str, int | float] = {}
    missing: dict[str, Reason] = {}
    for name, offer in offered("twitter", "account").items():
        value = _of(public, offer.field)
        if value is None:
            missing[name] = "no_observation"
        else:
            found[name] = value
    return Reading(utcnow(), found, missing)


def listed_post(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> Post:
    """Return the post of a tweet; it has no type of its own but what is attached to it."""
    published = tweet.get("created_at")
    return Post(str(tweet["id"]), "post", _content_type(tweet, media), parse_time(published) if published else utcnow())


def _content_type(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> ContentType:
    kinds = [str(one.get("type")) for one in attached(tweet, media)]
    if any(kind in ("video", "animated_gif") for kind in kinds):
        return "video"
    if kinds:
        return "image" if len(kinds) == 1 else "carousel"
    return "link" if (tweet.get("entities") or {}).get("urls") else "text"


def attached(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the media of a tweet, as far as they were sent along."""
    keys: Sequence[str] = (tweet.get("attachments") or {}).get("media_keys", ())
    return [media[key] for key in keys if key in media]


def media_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the media that were sent along, by key."""
    return {one["media_key"]: one for one in (body.get("includes") or {}).get("media", ())}


def post_reading(
    post: Post,
    tweet: Mapping[str, Any],
    media: Mapping[str, Mapping[str, Any]],
    refused: Collection[str],
    now: datetime,
) -> Reading:
    """Return the numbers of a tweet, and why some are not there."""
    public, private = tweet.get("public_metrics", {}), tweet.get("non_public_metrics")
    videos = [m for m in attached(tweet, media) if m.get("type") == "video"]
    found: dict[str, int | float] = {}
    missing: dict[str, Reason] = {}
    for name, offer in offered("twitter", post.metric_type, post.content_type).items():
        if offer.field == VIDEO:
            value = _summed(_of(one.get("public_metrics", {}), VIDEO) for one in videos)
            why: Reason = "no_observation" if videos else "not_supported"
        elif offer.field in PRIVATE:
            value = (private or {}).get(offer.field)
            why = _why_private(post, private, offer.field, now)
        else:
            value = _summed(_of(public, part) for part in offer.parts)
            why = "no_observation"
        group = "non_public_metrics" if offer.field in PRIVATE else "public_metrics"
        if value is not None:
            found[name] = value
        else:
            missing[name] = "metric_retired" if group in refused else why
    return Reading(utcnow(), found, missing)


def _why_private(post: Post, private: object, field: str, now: datetime) -> Reason:
    if private is not None:
        # Clicks on links are left out of posts that have none.
        return "not_supported" if field == "url_link_clicks" else "no_observation"
    return "not_recoverable" if post.published_at < now - PRIVATE_DAYS else "permission_missing"


def _of(values: Mapping[str, Any], field: str) -> int | float | None:
    value = values.get(field, values.get(_RENAMED.get(field, field)))
    return value if isinstance(value, int | float) else None


def _summed(values: Iterable[int | float | None]) -> int | float | None:
    """Return the sum, known only if there are parts and each is known."""
    parts = list(values)
    known = [value for value in parts if value is not None]
    return sum(known) if parts and len(known) == len(parts) else None
