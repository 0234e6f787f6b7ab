"""The shapes of the answers to reads."""

from typing import Any

from pydantic import ConfigDict, Field

from metrics.catalog import Kind, Subject, Unit
from metrics.documents import (
    AccountAccess,
    AccountState,
    ContentType,
    FailureReason,
    MetricType,
    Platform,
)
from serving.schemas.base import (
    DAY_BASIS_MEANING,
    EXAMPLE_TIME,
    CalendarFields,
    Count,
    Instant,
    Meta,
    Page,
    RangeMeta,
    Shape,
    Unavailable,
    absent,
)
from serving.schemas.definitions import OwnMetric
from serving.schemas.observed import ObservedMetrics, PostMetrics
from serving.schemas.work import AccountHistory, PostType

_OBSERVATION: Any = {
    "workspaceId": "demo-north", "accountId": "acc_7kq2", "platform": "instagram", "metricType": "account",
    "timestamp": EXAMPLE_TIME, "collectedAt": "2026-01-15T11:00:04Z", "metadata": {}, "metrics": {"followers": 18250},
    "unavailable": {"reach": "not_yet_available"},
}  # fmt: skip


class ObservationMetadata(Shape):
    """The post that an observation is about; empty for an observation of an account."""

    post_id: str = absent()
    platform_post_id: str = absent()
    content_type: ContentType = absent()


class Observation(Shape):
    """The metrics of one subject (an account or a post) in one slot, as read once from its platform."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OBSERVATION]})

    workspace_id: str
    account_id: str
    platform: Platform
    metric_type: MetricType
    timestamp: Instant = Field(description="The slot: the start of the UTC hour after whose end the platform was read.")
    collected_at: Instant
    metadata: ObservationMetadata
    metrics: ObservedMetrics = Field(description="Values by canonical name; unknown metrics are absent.")
    unavailable: Unavailable = Field(description="The reasons of absent metrics, by canonical name.")


class Observations(Shape):
    """A page of observations, oldest first."""

    data: list[Observation]
    page: Page
    meta: RangeMeta


class Post(Shape):
    """A post with the last known value of every metric."""

    post_id: str
    workspace_id: str
    account_id: str
    platform: Platform
    platform_post_id: str
    metric_type: PostType
    content_type: ContentType
    published_at: Instant
    deleted_at: Instant = absent("When the platform was first found to have deleted the post.")
    permalink: str = absent(
        "The post's address on its platform.", examples=["https://www.instagram.com/p/CSgf9BChwVq/"]
    )
    caption_excerpt: str = absent(
        "The first 120 characters of the caption, as plain text in one line. It comes from the author: never insert it "
        "as HTML.",
        examples=["Opening on Saturday at nine: bread, coffee and a small surprise"],
    )
    thumbnail_url: str = absent(
        "A picture of the post on the servers of its platform; absent if there is none, or if its URL has expired.",
        examples=["https://scontent.cdninstagram.com/v/t51/1_n.jpg?oe=69697F80"],
    )
    thumbnail_expires_at: Instant = absent("When the URL of the thumbnail expires, if the URL tells it.")
    metrics: PostMetrics
    unavailable: Unavailable
    engagement_rate_basis: str = Field(description="The metric that `engagementRate` is a percentage of.")
    timestamp: Instant = absent("The newest slot with an observation.")
    collected_at: Instant = absent()


class ObservedPost(Post):
    """A post, its latest values and its observations."""

    observations: list[Observation]


class PostObservations(Shape):
    """A post and a page of its observations."""

    data: ObservedPost
    page: Page
    meta: RangeMeta


class Posts(Shape):
    """A page of posts, sorted by the value of `sort`; posts without a value come last."""

    data: list[Post]
    page: Page
    meta: RangeMeta


class CollectionError(Shape):
    """Why the newest slot was not collected."""

    slot: Instant
    reason: FailureReason = absent()
    message: str = absent()


class CollectionProblem(Shape):
    """A part of the newest slot that was not collected, or a failed check of its observations."""

    slot: Instant
    what: str = Field(description="The part that was requested from the platform, or the name of the check.")
    reason: FailureReason = Field(description="`check_failed` for a failed check.")
    message: str


class Account(Shape):
    """An account, its state, and the state of its collection."""

    account_id: str
    workspace_id: str
    platform: Platform
    platform_account_id: str
    handle: str
    state: AccountState
    state_reason: str = absent()
    access: AccountAccess = absent("`public` if the account was connected without a token; else it is left out.")
    kept_days: Count = absent(
        "If the platform's terms limit how long the numbers of an account with this access are kept, in days."
    )
    connected_at: Instant
    disconnected_at: Instant = absent("Only while the account is disconnected.")
    last_collected_slot: Instant = absent()
    last_collected_at: Instant = absent()
    last_error: CollectionError = absent("Only while the newest slot failed or was skipped.")
    last_problems: list[CollectionProblem] = absent("Only while the newest slot has problems.")
    history: AccountHistory = absent("Only if the time before the connection was requested.")


class Accounts(Shape):
    """All accounts of a workspace."""

    data: list[Account]
    page: Page
    meta: Meta


class Workspace(Shape):
    """A workspace that the key may see."""

    workspace_id: str
    accounts: dict[AccountState, Count] = Field(description="The number of its accounts in each state that occurs.")
    calendar: CalendarFields = Field(description="Where its days, weeks and fiscal years begin.")
    newest_slot: Instant = absent("The newest hour with an observation; absent before the first one.")


class Workspaces(Shape):
    """The workspaces that the key may see."""

    data: list[Workspace]
    page: Page
    meta: dict[str, str]


class Offer(Shape):
    """How one platform offers a metric."""

    field: str
    metric_types: list[MetricType]
    since: str | None
    changed: list[str]
    note: str | None


class Metric(Shape):
    """A metric of one kind of subject."""

    name: str
    subject: Subject
    kind: Kind
    unit: Unit
    meaning: str
    adds_over_time: bool
    adds_over_subjects: bool
    platforms: dict[Platform, Offer]


class CatalogMeta(Shape):
    """The metrics that rates are percentages of, and the version of the definitions."""

    engagement_rate_basis: dict[Platform, str]
    day_basis: dict[Platform, str] = Field(description=DAY_BASIS_MEANING)
    definition_version: int


class Catalog(Shape):
    """All metrics."""

    data: list[Metric]
    definitions: list[OwnMetric] = absent("With `workspaceId`: the metrics of the workspace's own that are in use.")
    page: Page
    meta: CatalogMeta
