"""Types of the documents in MongoDB; their fields have the same names in the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict, get_args

from metrics.periods import Period

Platform = Literal[
    "instagram", "facebook", "twitter", "linkedin", "tiktok", "youtube", "pinterest", "threads", "bluesky"
]
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
    "terms",
    "zero_basis",
    "definition_changed",
]


FailureReason = Literal[Reason, "rate_limited", "needs_reauth", "internal_error", "check_failed"]
"""Why an account, or a part of one, was not collected."""


class RefusedMetric(TypedDict):
    """A metric, or a field, that an API refuses for one kind of subject."""

    metric: str
    metricType: str
    contentType: str
    message: str


RollupStatus = Literal["complete", "partial", "open"]
ConnectedState = Literal["active", "paused", "needs_reauth", "unreachable"]
"""`needs_reauth`: the token is no longer valid. `unreachable`: the platform reports that the account does not exist, or
not for this token; it is tried every hour for a day, and then once a day."""
AccountState = Literal[ConnectedState, "disconnected"]
HistoryReason = Literal[FailureReason, AccountState]
"""Why a history waits or ended: a failure, or the state of its account."""
ACCOUNT_STATES: tuple[AccountState, ...] = get_args(AccountState)
OperationState = Literal["queued", "running", "succeeded", "partial", "failed"]
OperationKind = Literal["collect", "aggregate", "history", "calendar"]
OPERATION_KINDS: tuple[OperationKind, ...] = get_args(OperationKind)
HistoryState = Literal["waiting", "running", "done", "partial", "failed", "stopped"]
"""State of the history of an account. `waiting`: for its turn or the end of a pause. `partial`: read except for some
parts. `failed`: a person has to do something first. `stopped`: the account is no longer collected."""
UNFINISHED_HISTORY: tuple[HistoryState, ...] = ("waiting", "running")
Scope = Literal["read", "collect", "admin"]

Source = Literal["public", "manual"]
"""Where a number of a watched account comes from: what the platform shows everybody, or a person who entered it."""

Document = dict[str, Any]
"""A BSON document as PyMongo reads and writes it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The metrics of one subject in one slot, as read once. Immutable.

    `metrics` holds the provider's values by canonical name. A missing name means that the value is unknown;
    `unavailable` may have the reason. `slot` is the start of the UTC hour, `collected_at` the instant of the answer.
    Observations of watched accounts have a `source`, and `entered_by` if a person entered the numbers.
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
    source: Source | None = None
    entered_by: str | None = None

    @property
    def subject_id(self) -> str:
        """The id of the post, or of the account if the observation is of an account."""
        return self.post_id or self.account_id

    def document(self) -> Document:
        """Return the document for the collection `metrics`; absent values are left out, never null."""
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
        if self.source is not None:
            metadata["source"] = self.source
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
        if self.entered_by is not None:
            document["enteredBy"] = self.entered_by
        return document


class Disconnection(TypedDict):
    """A time in which an account was disconnected: from `disconnectedAt` to `connectedAt`."""

    disconnectedAt: datetime
    connectedAt: datetime


AccountAccess = Literal["owner", "public"]
"""How an account is read: with a token of its owner, or by what the platform shows everybody."""
ACCOUNT_ACCESSES: tuple[AccountAccess, ...] = get_args(AccountAccess)


class AccountDocument(TypedDict):
    """A document of `accounts`. `credentials` are sealed; `metrics.vault` opens them.

    `connectedAt` is when the account was first connected. `disconnectedAt` is present only while it is disconnected.
    `disconnections` are earlier times in which it was disconnected, oldest first. `metrics.expected` derives from them
    which hours count. `access` is present only for `public`: the account was connected without a token. `grantEndedAt`
    is since when the platform denies the account to its token, and `dataDeletedAt` when its data were deleted for that.
    `unwatched` is present only if a person removed the account from the watch list, which it is added to otherwise.
    """

    _id: str
    workspaceId: str
    platform: Platform
    platformAccountId: str
    handle: str
    state: AccountState
    access: NotRequired[AccountAccess]
    unwatched: NotRequired[bool]
    connectedAt: datetime
    disconnectedAt: NotRequired[datetime]
    disconnections: NotRequired[list[Disconnection]]
    stateReason: NotRequired[str]
    grantEndedAt: NotRequired[datetime]
    dataDeletedAt: NotRequired[datetime]
    credentials: NotRequired[bytes]


WatchedState = Literal["pending", "active", "not_found", "personal", "private", "age_gated", "unsupported", "off"]
"""`pending`: not looked up yet. `unsupported`: the platform has no lawful route to numbers of others. `off`: the route
is not configured, the workspace switched the platform off, or the account is watched under another name already."""
WATCHED_STATES: tuple[WatchedState, ...] = get_args(WatchedState)


class WatchedDocument(TypedDict):
    """A document of `watched_accounts`: an account whose public numbers a workspace follows, without credentials.

    `_id` is `workspaceId|platform|key`, and stands as `accountId` in the other collections of `Store.public`. `key` is
    the handle or the platform's id with which the account was added; it never changes. `handle` follows renames, and
    `platformAccountId` is present once the platform has resolved the key. `own` is the id of the connected account that
    is the same account. `connectedAt` is the beginning of the first day of watching, by the workspace's calendar, and
    `lookedAt` is when the platform was last asked. Numbers of one account have one `source`; `enteredBy` is who last
    entered any by hand.
    """

    _id: str
    workspaceId: str
    platform: Platform
    key: str
    handle: str
    platformAccountId: NotRequired[str]
    label: NotRequired[str]
    group: NotRequired[str]
    own: NotRequired[str]
    state: WatchedState
    stateReason: NotRequired[str]
    stateSince: datetime
    access: AccountAccess
    connectedAt: datetime
    lookedAt: NotRequired[datetime]
    source: Source
    enteredBy: NotRequired[str]


class PostContent(TypedDict):
    """The content of a post: personal data, which is stored in the collection `posts` and nowhere else.

    `metrics.post_content` has the form of the texts, and how long each platform's content may be kept. `captionFolded`
    is `captionExcerpt` in the form in which it is searched. `thumbnailExpiresAt` is missing if the URL does not tell
    when it expires.
    """

    seenAt: datetime
    """When the platform returned this content, to within a quarter of the time that it may be kept."""
    permalink: NotRequired[str]
    captionExcerpt: NotRequired[str]
    captionFolded: NotRequired[str]
    thumbnailUrl: NotRequired[str]
    thumbnailExpiresAt: NotRequired[datetime]


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
    """True if a client named the post and no list of the platform has contained it yet."""
    timeUnknown: NotRequired[bool]
    """True if the platform does not report the time of publication: `publishedAt` is when the post was first seen."""
    refused: NotRequired[list[str]]
    """Metrics that the platform refused for this post alone on `refusedOn`, a UTC date; on another day they are
    requested again."""
    refusedOn: NotRequired[str]
    sameAs: NotRequired[str]
    """The platform's id of the same object, under which it is counted: a Facebook reel that was also stored as a post
    has one. A document with this field is no longer read or counted."""
    seenAt: NotRequired[datetime]
    """When the platform last returned a post of a watched account; posts of connected accounts do not have it."""
    content: NotRequired[PostContent]
    """Missing if the platform returned none, if the post was deleted there, or if content is not stored."""


class Problem(TypedDict):
    """A problem of an account's slot: a part (`what`) that was not collected, or a check that failed."""

    what: str
    reason: FailureReason
    message: str


class CollectionDocument(TypedDict):
    """A document of `collections`: the record of one account and slot. `_id` is `accountId|slot`."""

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
    reason: NotRequired[FailureReason]
    message: NotRequired[str]
    notRecoverable: NotRequired[list[str]]
    quarantined: NotRequired[list[str]]
    problems: NotRequired[list[Problem]]


class Counted(TypedDict):
    """Progress: `done` of `expected`, which may still grow."""

    done: int
    expected: int


class History(TypedDict):
    """The backfill of an account: how far its data from before the connection was read (docs/architecture.md).

    It is the field `history` of a document of `reading_memory`.

    * `posts` counts the posts that were read of those that the lists contained. `postsState` tells whether the lists
      are being read, were read to their end, or were given up until a client requests the history again.
    * `days` counts the provider's days that were requested, of those that are wanted. `asked` are the requested days,
      as ranges of ISO 8601 dates with both ends included. `partly` are days of which some metrics could not be read
      yet, `left` days that were given up until a client requests the history again.
    * `lists` is the position in the lists of posts.
    * `unavailable` counts the days without a value, by metric and reason.
    * `calls` counts calls of the platform, `tries` consecutive attempts that failed without any progress.
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
    """A limit was reached: nothing is requested before this instant."""
    reason: NotRequired[HistoryReason]
    message: NotRequired[str]
    finishedAt: NotRequired[datetime]


class OperationDocument(TypedDict):
    """A document of `operations`: work that a client requested over HTTP, or by connecting an account."""

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
    batchId: NotRequired[str]
    """The operations that one run carries out have the same batch: the id of one of them (`OperationQueue`)."""
    handedOutAt: NotRequired[datetime]
    """The instant at which the operation was taken from the queue, to request its run."""
    posts: NotRequired[Literal["all"]]
    """Of a collection: it reads every living post, not only those that are due (`pipelines.collect.ladder`)."""
    runId: NotRequired[str]
    accounts: NotRequired[dict[str, int]]
    progress: NotRequired[Counted]
    """Of a history: the posts and days that were read, over all its accounts. Of a calendar: the derived periods."""
    platforms: NotRequired[dict[Platform, Counted]]
    """Of a collection: the accounts of each platform that were read or failed, of those to collect."""
    error: NotRequired[str]
    finishedAt: NotRequired[datetime]


class AggregatedDocument(TypedDict):
    """A document of `aggregated_metrics`: the rollup of an account (docs/metrics.md, 5). The API leaves `_id` out."""

    _id: NotRequired[str]
    workspaceId: str
    accountId: str
    platform: Platform
    period: str
    periodStart: datetime
    periodEnd: datetime
    periodLabel: NotRequired[str]
    """The name of the period; rollups of earlier versions of Tidemark have none until `store.ensure` names them."""
    calendarVersion: NotRequired[int]
    aggregatedMetrics: dict[str, Any]
    unavailable: dict[str, Reason]
    coverage: dict[str, int]
    status: RollupStatus
    definitionVersion: int
    computedAt: datetime
    runId: str
