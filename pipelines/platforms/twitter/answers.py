"""What X's answers say: bodies of the API v2 to posts, readings and decisions (platforms.md, 4)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Reason
from pipelines.platforms import answers
from pipelines.platforms.base import Post
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
    pause_until,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import ABSENT, Numbers, part

ID = re.compile(r"[0-9]{1,19}")
PRIVATE_DAYS = timedelta(days=30)
"""Private metrics are told to the author alone, of posts that are not older."""

PRIVATE = ("url_link_clicks", "user_profile_clicks", "engagements")
VIDEO = "view_count"

_WINDOW = timedelta(minutes=15)
_LONGEST_WINDOW = timedelta(hours=25)
"""A day, and what clocks may differ by: a header that names a later end counts in milliseconds, or is nonsense."""
_NEVER = float("inf")
_CAP = timedelta(hours=4)
"""A cap belongs to the project's own cycle, whose day the answer does not name, and may be raised at any time: it is
looked for again every few hours. What is refused is not billed."""
_CREDITS = timedelta(hours=1)
"""Credits are back as soon as somebody tops them up."""
_FOUNDED = datetime(2006, 3, 21, tzinfo=UTC)
_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
"""The milliseconds since 1970 at which X's ids begin to count."""

_FORM = frozenset({"title", "type", "errors"})
"""One of these is in every refusal of X: what has none comes from elsewhere, and says nothing about a token."""
_RATE_LIMIT, _OVERLOADED, _DEAD = 88, (130, 131), (32, 89)
"""Codes of the older form of errors, as `{"errors": [{"code": 88, "message": …}]}` with any status."""
_CAP_USED = "UsageCapExceeded"
_MEDIA = ("photo", "video", "animated_gif")
_RENAMED = {"retweet_count": "repost_count", "tweet_count": "post_count"}
"""The OpenAPI file says the second since August 2026, recordings the first: either is read."""


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.understood("X"):
        yield


def parse_time(text: str) -> datetime:
    """Return the instant of `2021-02-23T18:07:07.000Z`.

    Raises:
        ValueError: it is none, or one that no post can have.
    """
    return answers.published(datetime.fromisoformat(text), _FOUNDED)


def time_of_id(post_id: str) -> datetime | None:
    """Return when a post was published, by its id: a snowflake holds milliseconds; None of the older, counted ids."""
    milliseconds = int(post_id) >> 22
    if milliseconds == 0:
        return None
    return answers.published(datetime.fromtimestamp((milliseconds + _SNOWFLAKE_EPOCH_MS) / 1000, UTC))


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise what an answer means, if it is an error; one with `data` is an answer, whatever is missing of it.

    Raises:
        PlatformError: one leaf per decision (platforms.md, 4.4).
    """
    problem = body if isinstance(body, Mapping) else {}
    status = answers.status_of(status, body)
    if status < 400:
        if "data" not in problem and "errors" in problem:
            raise of_problem(answers.items_of(problem["errors"])[0])
        return
    message = message_of(problem) or f"X answers {status}"
    if status in (401, 403, 404) and not _FORM & problem.keys():
        raise BadAnswer(f"{status}, but not in X's form: check the platform's base URL")
    if status == 401:
        raise NeedsReauth(message)
    if status == 402:
        raise RateLimited(f"out of credits, top them up: {message}", utcnow() + _CREDITS, "app")
    if status == 429 or (status == 403 and _is_limit(problem)):
        raise _limited(problem, message, headers)
    if status == 403:
        raise PermissionMissing(message)
    if status == 404:
        raise PostGone(message)
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
    said = (first.get("message"), problem.get("message"), problem.get("detail"), first.get("detail"))
    return str(next(filter(None, said), problem.get("title") or ""))[:300]


def _is_limit(problem: Mapping[str, Any]) -> bool:
    """Tell whether a refusal is of a limit: code 88 is «rate limit exceeded» in the older form of errors."""
    codes = [one.get("code") for one in _errors(problem)]
    return _RATE_LIMIT in codes or problem.get("title") in ("Too Many Requests", _CAP_USED) or _is_cap(problem)


def _is_cap(problem: Mapping[str, Any]) -> bool:
    return "usage-cap" in str(problem.get("type", "")) or _CAP_USED in str(problem.get("title", ""))


def _errors(problem: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = problem.get("errors")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _limited(problem: Mapping[str, Any], message: str, headers: Mapping[str, str]) -> RateLimited:
    """Tell a window, which ends in minutes, from the cap of the project's month."""
    if _is_cap(problem):
        return RateLimited(f"the project's cap is used: {message}", utcnow() + _CAP, "app")
    return RateLimited(message, _reset(headers), "account")


def _reset(headers: Mapping[str, str]) -> datetime:
    """Return when a window ends; where the header is no instant within a day, as X's longest window, in minutes."""
    text = headers.get("x-rate-limit-reset", "")
    ahead = float(text) - utcnow().timestamp() if text.isascii() and text.isdecimal() else _NEVER
    return pause_until(ahead if ahead <= _LONGEST_WINDOW.total_seconds() else _WINDOW.total_seconds())


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make where a window's last call was used."""
    if headers.get("x-rate-limit-remaining") != "0":
        return None
    return RateLimited("the window's calls are used", _reset(headers), "account")


def used_percent(headers: Mapping[str, str]) -> float:
    """Return which share of a window's calls was used; 0 where the headers do not say."""
    limit, left = (headers.get(f"x-rate-limit-{name}", "") for name in ("limit", "remaining"))
    if not all(text.isascii() and text.isdecimal() for text in (limit, left)) or int(limit) == 0:
        return 0.0
    return max(100 * (1 - int(left) / int(limit)), 0.0)


def _invalid(problem: Mapping[str, Any], message: str) -> PlatformError:
    return MetricRefused(message) if refused_field(problem) else BadAnswer(message)


def refused_field(problem: Mapping[str, Any]) -> str | None:
    """Return the field that a 400 does not know: `The `tweet.fields` query parameter value [x] is not one of […]`."""
    found = re.search(r"`(tweet|post|media|user)\.fields` query parameter value \[(\w+)\]", message_of(problem))
    if found is None:
        return None
    # The fields of posts go by their name alone; those of media and users may be called the same.
    return found.group(2) if found.group(1) in ("tweet", "post") else f"{found.group(1)}.{found.group(2)}"


def of_problem(problem: Mapping[str, Any]) -> PlatformError:
    """Return what a partial error says of its resource."""
    kind, message, code = str(problem.get("type", "")), message_of(problem), problem.get("code")
    if code in _DEAD:
        return NeedsReauth(message)
    if code == _RATE_LIMIT:
        return RateLimited(message, utcnow() + _WINDOW, "account")
    if code in _OVERLOADED:
        return Transient(message)
    if kind.endswith("resource-not-found"):
        return PostGone(message)
    if kind.endswith(("not-authorized-for-resource", "not-authorized-for-field", "client-forbidden")):
        return PermissionMissing(message)
    return Transient(message) if kind.endswith("resource-unavailable") else BadAnswer(message)


def of_problems(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the partial errors of an answer by the id of their resource."""
    return {str(one.get("resource_id") or one.get("value")): one for one in body.get("errors") or ()}


def named_ids(message: str) -> set[str]:
    """Return what a refusal of `ids` names, `a value of `ids` is no id: abc`, as words that may be ids."""
    return set(re.findall(r"[A-Za-z0-9_.:-]+", message))


def account_numbers(user: Mapping[str, Any]) -> Numbers:
    """Return the levels of a user's public metrics."""
    public, numbers = part(user, "public_metrics"), Numbers()
    for name, offer in offered("twitter", "account").items():
        numbers.take(name, _of(public, offer.field), _otherwise(public))
    return numbers


def listed_post(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> Post:
    """Return the post of a tweet; it has no type of its own but what is attached to it.

    Raises:
        LookupError, TypeError, ValueError: the tweet has no id, or a time that is none.
    """
    name, published = answers.id_of(tweet["id"], ID), tweet.get("created_at")
    # An id of the future would hide all posts until then from a timeline that is asked for what came after it.
    born = time_of_id(name)
    at = parse_time(published) if published is not None else born
    known = [one for one in attached(tweet, media) if one.get("type") in _MEDIA]
    is_sure = len(known) == len(_media_keys(tweet))
    return Post(name, "post", _content_type(tweet, media), at, kind_is_sure=is_sure)


def _media_keys(tweet: Mapping[str, Any]) -> Sequence[str]:
    return answers.items_of((tweet.get("attachments") or {}).get("media_keys", []))


def _content_type(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> ContentType:
    kinds = [str(one.get("type")) for one in attached(tweet, media)]
    if any(kind in ("video", "animated_gif") for kind in kinds):
        return "video"
    if kinds:
        return "image" if len(kinds) == 1 else "carousel"
    return "link" if (tweet.get("entities") or {}).get("urls") else "text"


def attached(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the media of a tweet, as far as they were sent along."""
    return [media[key] for key in _media_keys(tweet) if key in media]


def media_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the media that were sent along, by key."""
    media = (body.get("includes") or {}).get("media") or ()
    return {str(one["media_key"]): one for one in media if isinstance(one, Mapping) and "media_key" in one}


def post_numbers(
    post: Post,
    tweet: Mapping[str, Any],
    media: Mapping[str, Mapping[str, Any]],
    refused: Collection[str],
    now: datetime,
) -> Numbers:
    """Return the numbers of a tweet, and why some are not there; `refused` are fields that X does not know."""
    public, private = part(tweet, "public_metrics"), part(tweet, "non_public_metrics")
    videos = [m for m in attached(tweet, media) if m.get("type") == "video"]
    numbers = Numbers()
    for name, offer in offered("twitter", post.metric_type, post.content_type).items():
        if offer.field == VIDEO:
            values: list[object] = [part(part(one, "public_metrics"), VIDEO) for one in videos]
            why: Reason = "no_observation" if videos else "not_supported"
        elif offer.field in PRIVATE:
            values, why = [part(private, offer.field)], _why_private(post, private, offer.field, now)
        else:
            values, why = [_of(public, one) for one in offer.parts], _otherwise(public)
        group = "non_public_metrics" if offer.field in PRIVATE else "public_metrics"
        numbers.take_sum(name, values, "metric_retired" if group in refused else why)
    return numbers


def _otherwise(public: object) -> Reason:
    """Return why a public metric is missing: all of them are asked for, so an answer with none has another form."""
    return (
        "no_observation" if isinstance(public, dict) and any("_count" in name for name in public) else "provider_error"
    )


def _why_private(post: Post, private: object, field: str, now: datetime) -> Reason:
    if private is not ABSENT:
        # Clicks on links are left out of posts that have none.
        return "not_supported" if field == "url_link_clicks" else "no_observation"
    old = post.published_at is not None and post.published_at < now - PRIVATE_DAYS
    return "not_recoverable" if old else "permission_missing"


def _of(values: object, field: str) -> object:
    """Return a field under either of its names."""
    value = part(values, field)
    return part(values, _RENAMED[field]) if value is ABSENT and field in _RENAMED else value
