"""What reads answer."""

from typing import Any

from pydantic import ConfigDict, Field, create_model

from metrics.aggregation.accounts import PERIOD_SUMS
from metrics.catalog import Kind, Subject, Unit
from metrics.documents import AccountState, ContentType, MetricType, Platform, Reason
from serving.schemas.base import EXAMPLE_TIME, Count, Coverage, Instant, Meta, Page, RangeMeta, Shape, absent

Metrics = dict[str, float]
Unavailable = dict[str, Reason]
_OBSERVATION: Any = {
    "workspaceId": "demo-north", "accountId": "acc_7kq2", "platform": "instagram", "metricType": "account",
    "timestamp": EXAMPLE_TIME, "collectedAt": "2026-01-15T11:00:04Z", "metadata": {}, "metrics": {"followers": 18250},
    "unavailable": {"reach": "not_yet_available"},
}  # fmt: skip


class ObservationMetadata(Shape):
    """The post that an observation is about; empty of an account."""

    post_id: str = absent()
    platform_post_id: str = absent()
    content_type: ContentType = absent()


class Observation(Shape):
    """What a platform said about one subject for one slot."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OBSERVATION]})

    workspace_id: str
    account_id: str
    platform: Platform
    metric_type: MetricType
    timestamp: Instant = Field(description="The slot: the start of the UTC hour whose end was read.")
    collected_at: Instant
    metadata: ObservationMetadata
    metrics: Metrics = Field(description="By canonical name; what is unknown is not there.")
    unavailable: Unavailable = Field(description="Why a metric is not there.")


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
    metric_type: MetricType
    content_type: ContentType
    published_at: Instant
    deleted_at: Instant = absent("When the platform was first found without it.")
    metrics: Metrics
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
    """A page of posts, the best first; those without the sorted value come last."""

    data: list[Post]
    page: Page
    meta: RangeMeta


class RateParts(Shape):
    """What an engagement rate is made of, so that it can be pooled again."""

    engagement: float
    basis: float


class RollupMetrics(Shape):
    """The numbers of one account over one period: docs/metrics.md, 5."""

    total_likes: int = absent()
    total_comments: int = absent()
    total_shares: int = absent()
    total_saves: int = absent()
    total_engagement: int = absent()
    total_impressions: int = absent()
    total_views: int = absent()
    total_video_views: int = absent()
    total_clicks: int = absent()
    engagement_rate: float = absent("Percent: 100 x net engagement / net basis, pooled over posts.")
    engagement_rate_basis: str = absent()
    engagement_rate_parts: RateParts = absent()
    avg_engagement_rate: float = absent("Over posts, unweighted.")
    min_engagement_rate: float = absent()
    max_engagement_rate: float = absent()
    posts_measured: Count = absent("Posts in the rates.")
    followers: int = absent("At the end of the period.")
    min_followers: int = absent()
    max_followers: int = absent()
    avg_followers: float = absent()
    follower_growth: int = absent("May be negative.")
    follower_growth_rate: float = absent("Percent of the followers before.")
    post_count: Count = absent("Posts published in the period, deleted ones included.")
    post_count_by_type: dict[str, int] = absent()
    deleted_post_count: Count = absent()
    reach: int = absent("The provider's own of that very period.")


_SUMS: dict[str, Any] = {name: (float, absent("Sum of the provider's daily values.")) for name in PERIOD_SUMS}
AccountMetrics = create_model("AccountMetrics", __base__=RollupMetrics, __doc__=RollupMetrics.__doc__, **_SUMS)


class Rollup(Shape):
    """One account over one period."""

    workspace_id: str
    account_id: str
    platform: Platform
    period: str = Field(description="daily, weekly, monthly or custom.")
    period_start: Instant
    period_end: Instant = Field(description="Exclusive.")
    aggregated_metrics: AccountMetrics
    unavailable: Unavailable
    coverage: Coverage
    status: str = Field(description="complete, partial (slots are missing) or open (the period has not ended).")
    definition_version: int
    computed_at: Instant
    run_id: str


class Change(Shape):
    """One metric in this period and the one before."""

    current: float | str = absent()
    previous: float | str = absent()
    delta: float = absent()
    delta_percent: float = absent("Absent where previous is 0 or unknown.")


class Comparison(Shape):
    """This period against the one before."""

    comparable: bool = Field(description="False where either side is partial or open.")
    changes: dict[str, Change]


class Missing(Shape):
    """Accounts without a value, where a sum would need all of them."""

    followers: list[str] = absent()


class Totals(Shape):
    """The workspace over one period, made of its accounts."""

    period_start: Instant
    period_end: Instant
    metrics: dict[str, float | str | dict[str, Count]]
    unavailable: Unavailable
    missing: Missing
    coverage: Coverage
    status: str | None
    accounts: Count
    comparison: Comparison = absent("With `compare=previous`.")


class AggregatedMeta(RangeMeta):
    """The range, and which period it is cut into."""

    period: str


class Aggregated(Shape):
    """A page of rollups, and the totals of every period of the range."""

    data: list[Rollup]
    page: Page
    meta: AggregatedMeta
    totals: list[Totals]


class CollectionError(Shape):
    """Why the newest slot was not collected."""

    slot: Instant
    reason: str = absent()
    message: str = absent()


class CollectionProblem(Shape):
    """A part of the newest slot that was not collected, or a check that failed over it."""

    slot: Instant
    what: str = Field(description="What was asked of the platform, or the name of the check.")
    reason: str = Field(description="`check_failed` of a check.")
    message: str


class Account(Shape):
    """A connected account and how its collection goes."""

    account_id: str
    workspace_id: str
    platform: Platform
    platform_account_id: str
    handle: str
    state: AccountState
    state_reason: str = absent()
    connected_at: Instant
    last_collected_slot: Instant = absent()
    last_collected_at: Instant = absent()
    last_error: CollectionError = absent("Only while the newest slot failed or was skipped.")
    last_problems: list[CollectionProblem] = absent("Only while the newest slot is not as it should be.")


class Accounts(Shape):
    """All accounts of a workspace."""

    data: list[Account]
    page: Page
    meta: Meta


class Workspace(Shape):
    """A workspace that the key may see."""

    workspace_id: str


class Workspaces(Shape):
    """The workspaces of the key."""

    data: list[Workspace]
    page: Page
    meta: dict[str, str]


class Offer(Shape):
    """How one platform offers a metric."""

    field: str
    metric_types: list[MetricType]
    since: str | None


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
    """What rates are percentages of, and the version of the definitions."""

    engagement_rate_basis: dict[Platform, str]
    definition_version: int


class Catalog(Shape):
    """Every metric there is."""

    data: list[Metric]
    page: Page
    meta: CatalogMeta
