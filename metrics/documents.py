"""The shapes of what is stored; field names are those of the documents and of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, get_args

from metrics.periods import Period

Platform = Literal["instagram", "facebook", "twitter", "linkedin"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)

MetricType = Literal["account", "post", "story", "reel"]
METRIC_TYPES: tuple[MetricType, ...] = get_args(MetricType)

ContentType = Literal["image", "video", "carousel", "text", "link", "document", "other"]
CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)

Reason = Literal[
    "not_supported",
    "permission_missing",
    "privacy_threshold",
    "not_yet_available",
    "no_observation",
    "provider_error",
    "metric_retired",
    "not_recoverable",
    "not_additive",
]


class RefusedMetric(TypedDict):
    """A metric, or a field, that an API refuses for one kind of subject."""

    metric: str
    metricType: str
    contentType: str
    message: str


RollupStatus = Literal["complete", "partial", "open"]
ConnectedState = Literal["active", "paused", "needs_reauth", "unreachable"]
"""`needs_reauth`: the token is dead. `unreachable`: the platform says that the account is not there, or not for this
token; it is asked again for a day, and then once a day."""
AccountState = Literal[ConnectedState, "disconnected"]
ACCOUNT_STATES: tuple[AccountState, ...] = get_args(AccountState)
OperationState = Literal["queued", "running", "succeeded", "partial", "failed"]
OperationKind = Literal["collect", "aggregate", "history"]
OPERATION_KINDS: tuple[OperationKind, ...] = get_args(OperationKind)
HistoryState = Literal["waiting", "running", "done", "partial", "failed", "stopped"]
"""Of the history of an account: `waiting` for its turn or for the end of a pause, `partial` where it was read but for
some parts, `failed` where a person has to do something first, `stopped` because the account is no longer collected."""
UNFINISHED_HISTORY: tuple[HistoryState, ...] = ("waiting", "running")
Scope = Literal["read", "collect", "admin"]

Document = dict[str, Any]
"""A BSON document as PyMongo reads and writes it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a platform said about one subject for one slot. Immutable.

    `metrics` holds canonical names with what the provider said; a name that is not there is unknown, and
    `unavailable` may say why. `slot` is the start of the UTC hour, `collected_at` the instant of the answer.
    """

    workspace_id: str
    account_id: str
    platform: Platform
    metric_type: MetricType
    slot: datetime
    collected_at: datetime
    metrics: Mapping[str, int | float]
    run_id: str
    api_version: str
    unavailable: Mapping[str, Reason] = field(default_factory=dict)
    post_id: str | None = None
    platform_post_id: str | None = None
    content_type: ContentType | None = None

    @property
    def subject_id(self) -> str:
        """The account where `metric_type` is `account`, else the post."""
        return self.post_id or self.account_id

    def document(self) -> Document:
        """Return the document of the collection `metrics`; what is absent is left out, never null."""
        metadata: Document = {
            "workspaceId": self.workspace_id,
            "accountId": self.account_id,
            "platform": self.platform,
            "metricType": self.metric_type,
        }
        if self.post_id is not None:
            metadata |= {"postId": self.post_id, "platformPostId": self.platform_post_id}
            if self.content_type is not None:
                metadata["contentType"] = self.content_type
        document: Document = {
            "timestamp": self.slot,
            "metadata": metadata,
            "collectedAt": self.collected_at,
            "metrics": dict(self.metrics),
            "runId": self.run_id,
            "apiVersion": self.api_version,
        }
        if self.unavailable:
            document["unavailable"] = dict(self.unavailable)
        return document


class Disconnection(TypedDict):
    """A time in which an account was disconnected, from `disconnectedAt` until it was connected again."""

    disconnectedAt: datetime
    connectedAt: datetime


class AccountDocument(TypedDict):
    """A document of `accounts`. `credentials` are sealed; `metrics.vault` opens them.

    `connectedAt` is when the account was first connected, and `disconnectedAt` is there while it is disconnected.
    `disconnections` are the earlier times without it, oldest first. Which hours count: `metrics.expected`.
    """

    _id: str
    workspaceId: str
    platform: Platform
    platformAccountId: str
    handle: str
    state: AccountState
    connectedAt: datetime
    disconnectedAt: NotRequired[datetime]
    disconnections: NotRequired[list[Disconnection]]
    stateReason: NotRequired[str]
    credentials: NotRequired[bytes]


class PostDocument(TypedDict):
    """A document of `posts`."""

    _id: str
    workspaceId: str
    accountId: str
    platform: Platform
    platformPostId: str
    metricType: MetricType
    contentType: ContentType
    publishedAt: datetime
    deletedAt: NotRequired[datetime]
    announced: NotRequired[bool]
    """True while the post was named by somebody, and no list of the platform has brought it yet."""
    timeUnknown: NotRequired[bool]
    """True where the platform does not say when the post was published: `publishedAt` is when it was first seen."""
    refused: NotRequired[list[str]]
    """Metrics that the platform refused for this very post on `refusedOn`, a UTC date; another day they are asked for
    again."""
    refusedOn: NotRequired[str]
    sameAs: NotRequired[str]
    """The platform's id under which the same object is known as well, and counted: a Facebook reel that was stored as a
    post. Such a document is neither read nor counted any more."""


class Problem(TypedDict):
    """What of an account's slot is not as it should be: a part that was not collected, or a check that failed."""

    what: str
    reason: str
    message: str


class CollectionDocument(TypedDict):
    """A document of `collections`: what became of one account in one slot. `_id` is `accountId|slot`."""

    _id: str
    workspaceId: str
    accountId: str
    platform: Platform
    slot: datetime
    state: Literal["collected", "failed", "skipped"]
    finishedAt: datetime
    runId: str
    observations: int
    calls: int
    reason: NotRequired[str]
    message: NotRequired[str]
    notRecoverable: NotRequired[list[str]]
    quarantined: NotRequired[list[str]]
    problems: NotRequired[list[Problem]]


class Counted(TypedDict):
    """How far something is: `done` of `expected`, which may still grow."""

    done: int
    expected: int


class History(TypedDict):
    """How far the history of an account was read: what it had before it was connected (docs/architecture.md).

    It is the field `history` of a document of `reading_memory`. `posts` counts those read of those that the lists
    brought; `postsState` says whether the lists were read to their end, or left until somebody asks again. `days`
    counts the provider's days that were asked for, of those that are wanted. `asked` are these days, as ranges of ISO
    8601 dates with both ends included; `partly` are days of which some numbers could not be read yet, `left` days that
    were given up until somebody asks again. `lists` is where the lists of posts stand. `unavailable` counts, per metric
    and reason, the days without a value. `calls` are those of the platform, `tries` the tries in a row that failed
    without any progress.
    """

    operationId: str
    state: HistoryState
    askedAt: datetime
    posts: Counted
    postsState: Literal["reading", "read", "left"]
    days: Counted
    asked: list[list[str]]
    partly: list[list[str]]
    left: list[list[str]]
    lists: dict[str, Any]
    problems: list[Problem]
    unavailable: dict[str, dict[str, int]]
    calls: int
    tries: int
    workedAt: NotRequired[datetime]
    resumesAt: NotRequired[datetime]
    """Until then nothing is asked: a limit was met."""
    reason: NotRequired[str]
    message: NotRequired[str]
    finishedAt: NotRequired[datetime]


class OperationDocument(TypedDict):
    """A document of `operations`: work asked for over HTTP, or by connecting an account."""

    _id: str
    workspaceId: str
    kind: OperationKind
    state: OperationState
    createdAt: datetime
    updatedAt: datetime
    scopeKey: str
    accountId: NotRequired[str]
    postId: NotRequired[str]
    period: NotRequired[Period]
    periodStart: NotRequired[datetime]
    runId: NotRequired[str]
    accounts: NotRequired[dict[str, int]]
    progress: NotRequired[Counted]
    """Of a history: posts and days read, over all its accounts."""
    error: NotRequired[str]
    finishedAt: NotRequired[datetime]


class AggregatedDocument(TypedDict):
    """A document of `aggregated_metrics`: metrics.md, 5. Reads of the API leave `_id` away."""

    _id: NotRequired[str]
    workspaceId: str
    accountId: str
    platform: Platform
    period: str
    periodStart: datetime
    periodEnd: datetime
    aggregatedMetrics: dict[str, Any]
    unavailable: dict[str, Reason]
    coverage: dict[str, int]
    status: RollupStatus
    definitionVersion: int
    computedAt: datetime
    runId: str
