"""Parsers for X: turn bodies of the API v2 into posts, numbers and errors (docs/platform-facts.md#x)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Reason
from pipelines.platforms import answers
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    Transient,
    window_end,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

ID = re.compile(r"[0-9]{1,19}")
PRIVATE_DAYS = timedelta(days=30)
"""Maximum age of posts with private metrics, which are visible only to the author."""

PRIVATE = ("url_link_clicks", "user_profile_clicks", "engagements")
VIDEO = "view_count"

_WINDOW = timedelta(minutes=15)
_CAP = timedelta(hours=4)
"""Pause after the usage cap of the project was reached. The answer does not tell when the project's cycle ends, and the
cap may be raised at any time, so it is tried again every few hours. Refused requests are not billed."""
_CREDITS = timedelta(hours=1)
"""Pause when the project is out of credits; they return as soon as somebody tops them up."""
_FOUNDED = datetime(2006, 3, 21, tzinfo=UTC)
_SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
"""The epoch of X's snowflake ids, in milliseconds since 1970."""

_FORM = frozenset({"title", "type", "errors"})
"""Every error body of X has one of these fields. One without comes from another server, and says nothing about the
token."""
_RATE_LIMIT, _OVERLOADED, _DEAD = 88, (130, 131), (32, 89)
"""Codes in the older form of errors, `{"errors": [{"code": 88, "message": …}]}`, which comes with any status."""
_CAP_USED = "UsageCapExceeded"
_MEDIA = ("photo", "video", "animated_gif")
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,50}")
_RENAMED = {"retweet_count": "repost_count", "tweet_count": "post_count"}
"""Fields that have two names: the first in recorded answers, the second in the OpenAPI file since August 2026."""


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("X"):
        yield


def parse_time(text: str) -> datetime:
    """Return the instant of a text like `2021-02-23T18:07:07.000Z`.

    Raises:
        ValueError: the text is not an instant, or not a possible time of publication.
    """
    return answers.publication_time(datetime.fromisoformat(text), _FOUNDED)


def time_of_id(post_id: str) -> datetime | None:
    """Return when a post was published, from its id (a snowflake contains milliseconds); None for older, serial ids."""
    milliseconds = int(post_id) >> 22
    if milliseconds == 0:
        return None
    return answers.publication_time(datetime.fromtimestamp((milliseconds + _SNOWFLAKE_EPOCH_MS) / 1000, UTC))


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains, if any; a successful answer with `data` is none, even if it is partial.

    Raises:
        PlatformError: the leaf class of the decision (docs/platform-facts.md#x-limits-and-errors).
    """
    problem = body if isinstance(body, Mapping) else {}
    status = answers.status_of(status, body)
    if status < 400:
        if "data" not in problem and "errors" in problem:
            raise error_of_problem(answers.items_of(problem["errors"])[0])
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


def names_missing(status: int, body: Any) -> bool:
    """Tell whether an answer names missing posts or users in `errors`, possibly all, with the status 200 or 404."""
    return status in (200, 404) and isinstance(body, Mapping) and "errors" in body


def message_of(problem: Mapping[str, Any]) -> str:
    """Return the message of a problem, in the older or the newer form."""
    errors = problem.get("errors") or [{}]
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], Mapping) else {}
    candidates = (first.get("message"), problem.get("message"), problem.get("detail"), first.get("detail"))
    return str(next(filter(None, candidates), problem.get("title") or ""))[:300]


def _is_limit(problem: Mapping[str, Any]) -> bool:
    """Tell whether an error is a rate limit: code 88 is «rate limit exceeded» in the older form of errors."""
    codes = [error.get("code") for error in _errors(problem)]
    return _RATE_LIMIT in codes or problem.get("title") in ("Too Many Requests", _CAP_USED) or _is_cap(problem)


def _is_cap(problem: Mapping[str, Any]) -> bool:
    return "usage-cap" in str(problem.get("type", "")) or _CAP_USED in str(problem.get("title", ""))


def _errors(problem: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = problem.get("errors")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _limited(problem: Mapping[str, Any], message: str, headers: Mapping[str, str]) -> RateLimited:
    """Return the limit: the project's usage cap, which lasts up to a month, or a rate window, which ends in minutes."""
    if _is_cap(problem):
        return RateLimited(f"the project's cap is used: {message}", utcnow() + _CAP, "app")
    return RateLimited(message, _reset(headers), "account")


def _reset(headers: Mapping[str, str]) -> datetime:
    """Return when a rate window ends."""
    return window_end(headers.get("x-rate-limit-reset", ""), _WINDOW)


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make if the last call of a rate window was used, else None."""
    if headers.get("x-rate-limit-remaining") != "0":
        return None
    return RateLimited("the window's calls are used", _reset(headers), "account")


def used_percent(headers: Mapping[str, str]) -> float:
    """Return the used share of a rate window's calls, in percent; 0 if the headers do not tell."""
    limit, left = (headers.get(f"x-rate-limit-{name}", "") for name in ("limit", "remaining"))
    if not all(text.isascii() and text.isdecimal() for text in (limit, left)) or int(limit) == 0:
        return 0.0
    return max(100 * (1 - int(left) / int(limit)), 0.0)


def _invalid(problem: Mapping[str, Any], message: str) -> PlatformError:
    return MetricRefused(message) if refused_field(problem) else BadAnswer(message)


def refused_field(problem: Mapping[str, Any]) -> str | None:
    """Return the field that X rejects: `The `tweet.fields` query parameter value [x] is not one of […]`; else None."""
    found = re.search(r"`(tweet|post|media|user)\.fields` query parameter value \[(\w+)\]", message_of(problem))
    if found is None:
        return None
    # Fields of posts are named without prefix; fields of media and users may have the same names.
    return found.group(2) if found.group(1) in ("tweet", "post") else f"{found.group(1)}.{found.group(2)}"


def error_of_problem(problem: Mapping[str, Any]) -> PlatformError:
    """Return the error for one resource, from a partial error in an answer."""
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


def problems_by_id(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the partial errors of an answer by the id of their resource."""
    return {str(one.get("resource_id") or one.get("value")): one for one in body.get("errors") or ()}


def named_ids(message: str) -> set[str]:
    """Return the words in an error message about `ids` that may be ids, as in `a value of `ids` is no id: abc`."""
    return set(re.findall(r"[A-Za-z0-9_.:-]+", message))


def account_numbers(user: Mapping[str, Any]) -> Numbers:
    """Return the levels in a user's public metrics."""
    public, numbers = field_of(user, "public_metrics"), Numbers()
    for name, offer in offered("twitter", "account").items():
        numbers.take(name, _of(public, offer.field), _otherwise(public))
    return numbers


def listed_post(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]], username: str | None = None) -> Post:
    """Return the post of a tweet; its content type follows from its attachments, its permalink has the `username`.

    Raises:
        LookupError, TypeError, ValueError: the tweet has no valid id, or an invalid time.
    """
    name, published = answers.id_of(tweet["id"], ID), tweet.get("created_at")
    # Refuses ids of the future: as the mark of a timeline, such an id would hide all posts published until then.
    born = time_of_id(name)
    at = parse_time(published) if published is not None else born
    known = [one for one in attached(tweet, media) if one.get("type") in _MEDIA]
    is_sure = len(known) == len(_media_keys(tweet))
    content = content_of(tweet, media, username)
    return Post(name, "post", _content_type(tweet, media), at, kind_is_sure=is_sure, content=content)


def content_of(tweet: Mapping[str, Any], media: Mapping[str, Mapping[str, Any]], username: str | None) -> Content:
    """Return the content of a tweet: its address, its text, and its first picture.

    Facts: docs/platform-facts.md#content-of-posts.
    """
    author = username if username is not None and _USERNAME.fullmatch(username) else "i"
    text = tweet.get("text")
    pictures = (one.get("url") or one.get("preview_image_url") for one in attached(tweet, media))
    return Content(
        f"https://x.com/{author}/status/{tweet['id']}",
        _unescaped(text) if isinstance(text, str) else text,
        next(filter(None, pictures), None),
    )


def _unescaped(text: str) -> str:
    """Return a text without the three escapes that X puts into texts; the ampersand is last, as its own escape is."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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
    """Return the media of a tweet, as far as the answer includes them."""
    return [media[key] for key in _media_keys(tweet) if key in media]


def media_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the media included in an answer, by key."""
    media = (body.get("includes") or {}).get("media") or ()
    return {str(one["media_key"]): one for one in media if isinstance(one, Mapping) and "media_key" in one}


def post_numbers(
    post: Post,
    tweet: Mapping[str, Any],
    media: Mapping[str, Mapping[str, Any]],
    refused: Collection[str],
    now: datetime,
) -> Numbers:
    """Return the metrics of a tweet, with reasons for missing ones; `refused` are fields that X does not know."""
    public, private = field_of(tweet, "public_metrics"), field_of(tweet, "non_public_metrics")
    videos = [m for m in attached(tweet, media) if m.get("type") == "video"]
    numbers = Numbers()
    for name, offer in offered("twitter", post.metric_type, post.content_type).items():
        if offer.field == VIDEO:
            values: list[object] = [field_of(field_of(one, "public_metrics"), VIDEO) for one in videos]
            why: Reason = "no_observation" if videos else "not_supported"
        elif offer.field in PRIVATE:
            values, why = [field_of(private, offer.field)], _why_private(post, private, offer.field, now)
        else:
            values, why = [_of(public, one) for one in offer.parts], _otherwise(public)
        group = "non_public_metrics" if offer.field in PRIVATE else "public_metrics"
        numbers.take_sum(name, values, "metric_retired" if group in refused else why)
    return numbers


def _otherwise(public: object) -> Reason:
    """Return why a public metric is missing. All are requested, so an answer with none has an unexpected form."""
    return (
        "no_observation" if isinstance(public, dict) and any("_count" in name for name in public) else "provider_error"
    )


def _why_private(post: Post, private: object, field: str, now: datetime) -> Reason:
    if private is not ABSENT:
        # Posts without links have no clicks on links.
        return "not_supported" if field == "url_link_clicks" else "no_observation"
    old = post.published_at is not None and post.published_at < now - PRIVATE_DAYS
    return "not_recoverable" if old else "permission_missing"


def _of(values: object, field: str) -> object:
    """Return the value of a field under either of its names."""
    value = field_of(values, field)
    return field_of(values, _RENAMED[field]) if value is ABSENT and field in _RENAMED else value
