"""Parsers for Bluesky: turn bodies of XRPC calls into posts, numbers and errors (docs/platform-facts.md#bluesky)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.documents import ContentType, Reason
from metrics.platforms.bluesky import BROKEN_HANDLE
from pipelines.platforms import answers
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    window_end,
)
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

URI = re.compile(r"at://(did:[a-z]+:[a-z0-9.-]+)/app\.bsky\.feed\.post/[A-Za-z0-9._:~-]{1,512}")
_FOUNDED = datetime(2022, 11, 1, tzinfo=UTC)
"""The first posts of the network are of November 2022; an earlier `indexedAt` is a mistake."""
_LIE = timedelta(days=1)
"""`createdAt` is the client's word; if it is further from `indexedAt`, the server's word counts."""
_WINDOW = timedelta(minutes=5)
_DEAD = frozenset(["ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired", "AccountNotFound"])
_UNAVAILABLE = frozenset(["AccountTakedown", "AccountDeactivated", "AccountSuspended"])
_BLOCKED = frozenset(["BlockedActor", "BlockedByActor"])
_NOT_FOUND = ("Profile not found", "Unable to resolve handle")
_VIDEO, _EXTERNAL = "app.bsky.embed.video", "app.bsky.embed.external"
_KINDS: Mapping[str, ContentType] = {
    _VIDEO: "video",
    _EXTERNAL: "link",
    "app.bsky.embed.record": "text",
}
"""Content type by the type of an embedded object; a quoted post (`record`) adds nothing to the text."""
_IMAGES, _WITH_MEDIA = "app.bsky.embed.images", "app.bsky.embed.recordWithMedia"


@contextmanager
def parsing_answer() -> Iterator[None]:
    """Turn an answer of an unexpected form into `BadAnswer`."""
    with answers.parsing_answer("Bluesky"):
        yield


def raise_for(status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Raise the error that an answer contains, if any.

    Raises:
        PlatformError: the leaf class of the decision (docs/platform-facts.md#bluesky-limits-and-errors).
    """
    problem = body if isinstance(body, Mapping) else {}
    name = problem.get("error")
    if status < 400 and not isinstance(name, str):
        return
    message = str(problem.get("message") or name or f"Bluesky answers {status}")[:300]
    if status == 429 or name == "RateLimitExceeded":
        raise RateLimited(message, _reset(headers), "app")
    if status >= 500 and name != "MethodNotImplemented":
        raise overloaded(message, headers)
    if not isinstance(name, str):
        raise BadAnswer(f"{status}, but not in the form of XRPC: check the platform's base URL")
    raise _refusal(name, message)


def _refusal(name: str, message: str) -> PlatformError:
    if name in _DEAD:
        return NeedsReauth(message)
    if name in _UNAVAILABLE or message.startswith(_NOT_FOUND):
        return AccountUnreachable(message)
    return PermissionMissing(message) if name in _BLOCKED else BadAnswer(f"{name}: {message}")


def _reset(headers: Mapping[str, str]) -> datetime:
    """Return when a window ends."""
    return window_end(headers.get("RateLimit-Reset", ""), _WINDOW)


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make if the last call of a window was used, else None."""
    if headers.get("RateLimit-Remaining") != "0":
        return None
    return RateLimited("the window's calls are used", _reset(headers), "app")


def used_percent(headers: Mapping[str, str]) -> float:
    """Return the used share of a window's calls, in percent; 0 if the headers do not tell."""
    limit, left = (headers.get(f"RateLimit-{name}", "") for name in ("Limit", "Remaining"))
    if not all(text.isascii() and text.isdecimal() for text in (limit, left)) or int(limit) == 0:
        return 0.0
    return max(100 * (1 - int(left) / int(limit)), 0.0)


def handle_of(profile: Mapping[str, Any]) -> str | None:
    """Return the handle of an account; None if it is broken, so that the last good one is kept."""
    found = answers.name_of(profile.get("handle"))
    return None if found == BROKEN_HANDLE else found


def account_numbers(profile: Mapping[str, Any]) -> Numbers:
    """Return the levels of an account. Counts are optional in the lexicon: an absent one is unknown."""
    numbers = Numbers()
    for name, offer in offered("bluesky", "account").items():
        numbers.take(name, field_of(profile, offer.field), _otherwise(profile))
    return numbers


def post_numbers(post: Post, view: Mapping[str, Any]) -> Numbers:
    """Return the counters of a post, with reasons for missing ones."""
    numbers = Numbers()
    for name, offer in offered("bluesky", post.metric_type, post.content_type).items():
        numbers.take_sum(name, [field_of(view, part) for part in offer.parts], _otherwise(view))
    return numbers


def _otherwise(view: Mapping[str, Any]) -> Reason:
    """Return why a count is missing: a view without any count has an unexpected form."""
    return "no_observation" if any(str(name).endswith("Count") for name in view) else "provider_error"


def author_of(uri: str) -> str:
    """Return the DID in the URI of a post.

    Raises:
        ValueError: the text is not the URI of a post with a DID.
    """
    found = URI.fullmatch(uri)
    if found is None:
        raise ValueError("its uri is not that of a post")
    return found[1]


def listed_post(view: Mapping[str, Any]) -> Post:
    """Return the post of a view; its content type follows from what it embeds.

    Raises:
        LookupError, TypeError, ValueError: the view has no valid URI, or no possible time of publication.
    """
    uri = answers.id_of(view["uri"], URI)
    return Post(uri, "post", _content_type(view.get("embed")), published_at(view), content=content_of(view))


def content_of(view: Mapping[str, Any]) -> Content:
    """Return the content of a post: its address, its text, and its first picture.

    Facts: docs/platform-facts.md#content-of-posts.

    Raises:
        LookupError, TypeError, ValueError: the view has no valid URI.
    """
    uri = answers.id_of(view["uri"], URI)
    link = f"https://bsky.app/profile/{author_of(uri)}/post/{uri.rpartition('/')[2]}"
    return Content(link, _present(field_of(view.get("record"), "text")), _present(_picture(view.get("embed"))))


def _picture(embed: object) -> object:
    """Return the URL of the first picture of an embedded object, `ABSENT` if it has none."""
    kind = str(field_of(embed, "$type")).removesuffix("#view")
    if kind == _WITH_MEDIA:
        return _picture(field_of(embed, "media"))
    if kind == _IMAGES:
        images = field_of(embed, "images")
        return field_of(images[0], "thumb") if isinstance(images, list) and images else ABSENT
    if kind == _EXTERNAL:
        return field_of(field_of(embed, "external"), "thumb")
    return field_of(embed, "thumbnail") if kind == _VIDEO else ABSENT


def _present(value: object) -> object:
    return None if value is ABSENT else value


def published_at(view: Mapping[str, Any]) -> datetime:
    """Return when a post was published: by its client, unless that is in the future or over a day before the indexing.

    Raises:
        LookupError, TypeError, ValueError: the server's time is missing or impossible.
    """
    indexed = answers.publication_time(datetime.fromisoformat(view["indexedAt"]), _FOUNDED)
    try:
        created = datetime.fromisoformat(view["record"]["createdAt"]).astimezone(UTC)
    except answers.UNEXPECTED:
        return indexed
    return created if indexed - _LIE <= created <= indexed else indexed


def _content_type(embed: Any) -> ContentType:
    if embed is None:
        return "text"
    kind = str(embed["$type"]).removesuffix("#view")
    if kind == _WITH_MEDIA:
        return _content_type(embed["media"])
    if kind == _IMAGES:
        return "image" if len(answers.items_of(embed["images"])) == 1 else "carousel"
    return _KINDS.get(kind, "other")
