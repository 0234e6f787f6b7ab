"""The shapes of requests for work, and of the operations that carry them out."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from metrics.documents import (
    ContentType,
    FailureReason,
    HistoryReason,
    HistoryState,
    OperationKind,
    OperationState,
    Platform,
    Reason,
)
from metrics.periods import Period
from metrics.platforms.registry import FACTS
from serving.schemas.base import EXAMPLE_TIME, Count, Instant, Shape, absent, declared_names

_POST_ID_FORMS = " ".join(f"{facts.title}: {facts.post_ids.form}." for facts in FACTS.values())
_PUBLISHED: Any = {"platformPostId": "17912345", "publishedAt": EXAMPLE_TIME, "contentType": "image"}
_OPERATION: Any = {
    "operationId": "op_5d0f", "workspaceId": "demo-north", "kind": "collect", "state": "queued",
    "createdAt": EXAMPLE_TIME, "updatedAt": EXAMPLE_TIME,
}  # fmt: skip


PostType = Literal["post", "story", "reel"]
"""The kinds of posts: `MetricType` without accounts."""
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _rfc3339(value: object) -> object:
    # Without this check, pydantic would accept numbers as seconds or milliseconds since 1970.
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("must be an instant in RFC 3339 format, with an offset")
    return value


class PublishedPost(Shape):
    """A post that the caller has published and announces."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PUBLISHED]})

    platform_post_id: str = Field(
        min_length=1,
        max_length=256,
        description=f"The platform's id. {_POST_ID_FORMS}",
    )
    published_at: Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
    content_type: ContentType
    metric_type: PostType = "post"


class AccountCounts(Shape):
    """The number of accounts by result."""

    ok: Count = absent()
    failed: Count = absent()
    skipped: Count = absent()


class Progress(Shape):
    """The progress of work: `done` of `expected`, which may still grow."""

    done: Count
    expected: Count


PLATFORM_PROGRESS = (
    "For a collection that has begun, by platform: the accounts that were read or failed, of those to read."
)


class HistoryProblem(Shape):
    """A part of an account's history that was not read."""

    what: str
    reason: FailureReason
    message: str


class AccountHistory(Shape):
    """The state of the reading of an account's history, that is, of its metrics from before its connection."""

    account_id: str = absent("Only in answers that are not about this account alone.")
    operation_id: str
    state: HistoryState = Field(
        description="`waiting`: for its turn or for the end of a pause; `partial`: some parts could not be read; "
        "`failed`: a person must do something first; `stopped`: the account is not collected."
    )
    posts: Progress = Field(description="The posts that were read, of those that the platform lists.")
    days: Progress = Field(
        description="The platform's own days that were requested, of those for which the platform has data."
    )
    calls: Count = Field(description="The number of calls to the platform so far.")
    resumes_at: Instant = absent("When the reading continues; set while it pauses because a limit was met.")
    reason: HistoryReason = absent("Why it pauses, failed or was stopped; the state of the account if that is why.")
    message: str = absent()
    problems: list[HistoryProblem] = absent("The parts that could not be read.")
    unavailable: dict[str, dict[Reason, Count]] = absent(
        "By metric, the number of days without a value, by the reason that the platform gave."
    )
    asked_at: Instant
    finished_at: Instant = absent()


class Operation(Shape):
    """Requested work: a collection, a roll-up, the reading of histories of accounts, or the change of a calendar."""

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
    posts: Literal["all"] = absent("For a collection: it reads every living post, not only those that are due.")
    run_id: str = absent("The Dagster run that carries it out.")
    accounts: AccountCounts = absent()
    progress: Progress = absent(
        "For a history: the posts and days that were read, over all its accounts. For a calendar: the derived periods."
    )
    platforms: dict[Platform, Progress] = absent(PLATFORM_PROGRESS)
    histories: list[AccountHistory] = absent("For a history: the progress of each of its accounts.")
    error: str = absent()
    finished_at: Instant = absent()


class OperationAnswer(Shape):
    """The state of a requested operation."""

    data: Operation


class Invalidated(Shape):
    """The number of cached answers that were dropped."""

    invalidated: Count


class Ticket(Shape):
    """A ticket for one stream or one download, or for a stream and its reconnects."""

    ticket: str = Field(examples=["tmt_…"])
    expires_in: int = Field(description="Seconds within which it has to be used first.", examples=[60])


class ConnectLink(Shape):
    """A link that a person opens in a browser to connect an account."""

    url: str = Field(
        description="The link. The person who opens it is asked to log in at the platform: give it to nobody else.",
        examples=["https://tidemark.example.com/connect/youtube?ticket=tmc_…"],
    )
    expires_in: int = Field(description="Seconds in which the link has to be opened; it works once.", examples=[300])
    scopes: list[str] = Field(
        description="The permissions that the platform's page asks the person for.",
        examples=[["https://www.googleapis.com/auth/youtube.readonly"]],
    )
    redirect_url: str = Field(
        description="The address to which the platform sends the person back; the app at the platform has to name it.",
        examples=["https://tidemark.example.com/connect/youtube/callback"],
    )


def public_history(history: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an account's history that its shape declares; empty problems and reasons are left out."""
    declared = declared_names(AccountHistory)
    return {name: value for name, value in history.items() if name in declared and value not in ([], {})}
