"""What is asked for over HTTP, and what becomes of it."""

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from metrics.documents import ContentType, HistoryState, OperationKind, OperationState, Reason
from metrics.periods import Period
from serving.schemas.base import EXAMPLE_TIME, Count, Instant, Shape, absent

_PUBLISHED: Any = {"platformPostId": "17912345", "publishedAt": EXAMPLE_TIME, "contentType": "image"}
_OPERATION: Any = {
    "operationId": "op_5d0f", "workspaceId": "demo-north", "kind": "collect", "state": "queued",
    "createdAt": EXAMPLE_TIME, "updatedAt": EXAMPLE_TIME,
}  # fmt: skip


_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _rfc3339(value: object) -> object:
    # pydantic takes numbers for seconds since 1970, or for milliseconds.
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("an instant as RFC 3339 writes it, with its offset")
    return value


class PublishedPost(Shape):
    """The publishing module's word that a post is out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PUBLISHED]})

    platform_post_id: str = Field(
        min_length=1,
        max_length=256,
        description="The platform's id. Instagram and X: digits. Facebook: `page_post`, or digits of a reel's video. "
        "LinkedIn: `urn:li:share:…` or `urn:li:ugcPost:…`.",
    )
    published_at: Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
    content_type: ContentType
    metric_type: Literal["post", "story", "reel"] = "post"


class AccountCounts(Shape):
    """How many accounts came out how."""

    ok: Count = absent()
    failed: Count = absent()
    skipped: Count = absent()


class Progress(Shape):
    """How far something is: `done` of `expected`, which may still grow."""

    done: Count
    expected: Count


class HistoryProblem(Shape):
    """A part of an account's history that was not read."""

    what: str
    reason: str
    message: str


class AccountHistory(Shape):
    """How far the history of an account was read: what it had before it was connected."""

    account_id: str = absent("Where the answer is not the account's own.")
    operation_id: str
    state: HistoryState = Field(
        description="`waiting` for its turn or for the end of a pause, `partial` where it was read but for some parts, "
        "`failed` where a person has to do something first, `stopped` because the account is not collected."
    )
    posts: Progress = Field(description="Posts read, of those that the platform lists.")
    days: Progress = Field(description="The platform's own days asked for, of those that it answers for.")
    calls: Count = Field(description="Calls of the platform that it took so far.")
    resumes_at: Instant = absent("Until then nothing is asked: a limit was met.")
    reason: str = absent()
    message: str = absent()
    problems: list[HistoryProblem] = absent("What was not read.")
    unavailable: dict[str, dict[Reason, Count]] = absent(
        "Days without a value of a metric, counted by the reason that the platform gave."
    )
    asked_at: Instant
    finished_at: Instant = absent()


class Operation(Shape):
    """A requested collection or aggregation, or the reading of what accounts had before they were connected."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OPERATION]})

    operation_id: str
    workspace_id: str
    kind: OperationKind
    state: OperationState
    created_at: Instant
    updated_at: Instant
    account_id: str = absent()
    post_id: str = absent()
    period: Period = absent()
    period_start: Instant = absent()
    run_id: str = absent("The Dagster run that carries it out.")
    accounts: AccountCounts = absent()
    progress: Progress = absent("Of a history: posts and days read, over all its accounts.")
    histories: list[AccountHistory] = absent("Of a history: how far each of its accounts is.")
    error: str = absent()
    finished_at: Instant = absent()


class OperationAnswer(Shape):
    """Where the work stands."""

    data: Operation


class Invalidated(Shape):
    """How many cached answers were dropped."""

    invalidated: Count


class Ticket(Shape):
    """A ticket for one stream."""

    ticket: str = Field(examples=["tmt_…"])
    expires_in: int = Field(description="Seconds.", examples=[60])
