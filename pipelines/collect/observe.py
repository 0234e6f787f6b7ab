"""Convert readings of a platform into observations and post documents, without any access to a store."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Protocol

from metrics.documents import AccountDocument, ContentType, MetricType, Observation, PostDocument
from metrics.ids import post_id
from metrics.periods import DAY, HOUR, midnight
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading


def last_slot(day: date) -> datetime:
    """Return the slot in which a provider's day is stored: the last one of the UTC date that labels the day."""
    return midnight(day) + DAY - HOUR


def observations(
    account: AccountDocument, reading: AccountReading, slot: datetime, run_id: str, api_version: str
) -> Iterator[Observation]:
    """Yield the observations of an account and its posts in a slot, the account first."""
    yield observation(account, reading.account, slot, run_id, api_version)
    yield from post_observations(account, reading, slot, run_id, api_version)


def post_observations(
    account: AccountDocument, reading: AccountReading, slot: datetime, run_id: str, api_version: str
) -> Iterator[Observation]:
    """Yield the observations of an account's posts in a slot."""
    for post, post_reading in reading.posts:
        yield observation(account, post_reading, slot, run_id, api_version, post)


def day_observations(
    account: AccountDocument,
    days: Mapping[date, Reading],
    known: Mapping[date, Mapping[str, int | float]],
    run_id: str,
    api_version: str,
    post: Post | None = None,
) -> Iterator[Observation]:
    """Yield observations of the provider's days with the values that differ from those in the log (`known`).

    They are of the account itself, or of one of its posts.
    """
    for day, reading in sorted(days.items()):
        news = {name: value for name, value in reading.metrics.items() if known.get(day, {}).get(name) != value}
        if news:
            changed = Reading(reading.read_at, news, reading.unavailable)
            yield observation(account, changed, last_slot(day), run_id, api_version, post)


def post_document(account: AccountDocument, post: Post, stored: PostDocument | None, now: datetime) -> PostDocument:
    """Return the document of a post; `stored` is its present document.

    If the platform does not say when a post was published, the stored time is kept. For a new post that is the time at
    which it was first seen, marked as `timeUnknown`: its first values are a baseline, and not counted as gained.
    """
    known_since = stored["publishedAt"] if stored else now
    document: PostDocument = {
        "_id": post_id(account["_id"], post.platform_post_id),
        "workspaceId": account["workspaceId"],
        "accountId": account["_id"],
        "platform": account["platform"],
        "platformPostId": post.platform_post_id,
        "metricType": post.metric_type,
        "contentType": post.content_type,
        "publishedAt": post.published_at or known_since,
    }
    if post.published_at is None and (stored is None or stored.get("timeUnknown")):
        document["timeUnknown"] = True
    return document


def post_of(document: PostDocument, today: str) -> Post:
    """Return a stored post for the platform's client, with the metrics that it was refused `today` (ISO 8601 date)."""
    return Post(
        document["platformPostId"],
        document["metricType"],
        document["contentType"],
        None if document.get("timeUnknown") else document["publishedAt"],
        frozenset(document.get("refused", ())) if document.get("refusedOn") == today else frozenset(),
    )


class IdentifiedPost(Protocol):
    """The facts of a post that an observation needs."""

    @property
    def platform_post_id(self) -> str: ...
    @property
    def metric_type(self) -> MetricType: ...
    @property
    def content_type(self) -> ContentType: ...


def observation(
    account: AccountDocument,
    reading: Reading,
    slot: datetime,
    run_id: str,
    api_version: str,
    post: IdentifiedPost | None = None,
) -> Observation:
    """Return the observation of an account, or of one of its posts, in one slot."""
    return Observation(
        workspace_id=account["workspaceId"],
        account_id=account["_id"],
        platform=account["platform"],
        metric_type=post.metric_type if post else "account",
        slot=slot,
        collected_at=reading.read_at,
        metrics=reading.metrics,
        unavailable=reading.unavailable,
        run_id=run_id,
        api_version=api_version,
        post_id=post_id(account["_id"], post.platform_post_id) if post else None,
        platform_post_id=post.platform_post_id if post else None,
        content_type=post.content_type if post else None,
    )
