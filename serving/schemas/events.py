"""The shapes of events, which streams and Socket.IO send."""

from pydantic import Field

from metrics.documents import OperationKind, Platform
from serving.schemas.base import Instant, Shape, absent
from serving.schemas.reads import AccountMetrics, Metrics, Unavailable
from serving.schemas.work import PLATFORM_PROGRESS, AccountCounts, Progress


class MetricsUpdate(Shape):
    """`metrics:update`: an account was observed."""

    workspace_id: str
    account_id: str
    platform: Platform
    metrics: Metrics
    timestamp: Instant
    collected_at: Instant
    unavailable: Unavailable = absent()


class MetricsPost(Shape):
    """`metrics:post`: a post was observed."""

    workspace_id: str
    account_id: str
    post_id: str
    metrics: Metrics
    timestamp: Instant
    collected_at: Instant
    unavailable: Unavailable = absent()


class MetricsAggregated(Shape):
    """`metrics:aggregated`: a period of an account was rolled up."""

    workspace_id: str
    account_id: str
    period: str
    period_start: Instant
    period_end: Instant
    metrics: AccountMetrics
    status: str
    timestamp: Instant


class CollectionStatus(Shape):
    """`collection:status`: the state of an operation changed, or an account must be connected again."""

    workspace_id: str
    operation_id: str = absent()
    account_id: str = absent()
    kind: OperationKind = absent("The kind of the operation.")
    state: str
    accounts: AccountCounts = absent()
    progress: Progress = absent("For a history: the posts and days that were read, over all its accounts.")
    platforms: dict[Platform, Progress] = absent(PLATFORM_PROGRESS)
    error: str = absent()
    reason: str = absent()


class Reset(Shape):
    """`reset`: the stream lost its place, so events may be missing: read everything again, then continue."""

    reason: str
    refetch: list[str] = Field(description="The paths to read again.")


class Ping(Shape):
    """`ping`: the server's time."""

    time: Instant
    events: str = absent("`unavailable` while no events can be read; the stream continues by itself later.")


EVENTS: dict[str, type[Shape]] = {
    "metrics:update": MetricsUpdate,
    "metrics:post": MetricsPost,
    "metrics:aggregated": MetricsAggregated,
    "collection:status": CollectionStatus,
    "reset": Reset,
    "ping": Ping,
}
