"""The shapes of events, which streams and Socket.IO send."""

from typing import Annotated, Any, Literal, Union

from pydantic import Field, RootModel, create_model

from metrics.documents import AccountState, FailureReason, OperationKind, OperationState, Platform, RollupStatus
from metrics.periods import Period
from metrics.store.workspace.alerts import Comparison
from serving.schemas.anomalies import AnomalyClosed, AnomalyOpened, AnomalyUpdated, PostBreakout
from serving.schemas.base import Count, Day, Instant, Shape, Unavailable, absent
from serving.schemas.observed import ObservedAccount, PostMetrics
from serving.schemas.rollups import PERIOD_LABEL, AccountMetrics
from serving.schemas.work import PLATFORM_PROGRESS, AccountCounts, Progress

ResetReason = Literal["events_lost", "events_restarted", "events_unavailable", "slow_reader", "unknown_position"]
AccountReason = Literal[FailureReason, "reachable", "requested"]
"""Why the state of an account changed. `requested`: by a command."""


class MetricsUpdate(Shape):
    """`metrics:update`: an account was observed."""

    workspace_id: str
    account_id: str
    platform: Platform
    metrics: ObservedAccount
    timestamp: Instant
    collected_at: Instant
    unavailable: Unavailable = absent()


class MetricsPost(Shape):
    """`metrics:post`: a post was observed."""

    workspace_id: str
    account_id: str
    post_id: str
    metrics: PostMetrics
    timestamp: Instant
    collected_at: Instant
    unavailable: Unavailable = absent()


class MetricsAggregated(Shape):
    """`metrics:aggregated`: a period of an account was rolled up."""

    workspace_id: str
    account_id: str
    period: Period
    period_start: Instant
    period_end: Instant
    period_label: str = absent(PERIOD_LABEL)
    metrics: AccountMetrics
    status: RollupStatus
    timestamp: Instant


class CollectionStatus(Shape):
    """`collection:status`: the state of an operation changed, or an account must be connected again."""

    workspace_id: str
    operation_id: str = absent()
    account_id: str = absent()
    kind: OperationKind = absent("The kind of the operation.")
    state: OperationState | AccountState = Field(description="The state of the operation, or of the account.")
    accounts: AccountCounts = absent()
    progress: Progress = absent("For a history: the posts and days that were read, over all its accounts.")
    platforms: dict[Platform, Progress] = absent(PLATFORM_PROGRESS)
    error: str = absent()
    reason: AccountReason = absent("Only of an account: why its state changed.")


class AlertFired(Shape):
    """`alert:fired`: an alert fired in a period that has closed. Repetitions have the same `firingId`."""

    workspace_id: str
    firing_id: str
    alert: str = Field(description="The name of the alert.")
    title: str = Field(description="The name to show to people.")
    metric: str
    comparison: Comparison
    threshold: int | float
    period: Period
    period_start: Instant
    period_end: Instant
    period_label: str
    value: int | float
    change_percent: float = absent("With `rises` and `falls`: the change against the preceding period.")
    timestamp: Instant = Field(description="When it fired.")


class ForecastUpdated(Shape):
    """`forecast:updated`: what is to be expected was said of the accounts of a workspace."""

    workspace_id: str
    grain: Literal["day", "hour"] = Field(description="What is forecast: the next days, or the next hours.")
    day: Day = Field(description="The day at whose end it was said; of hours, the UTC day in which their past ended.")
    made_at: Instant = Field(description="When it was said.")
    forecasts: Count = Field(description="How many series have a forecast.")
    unavailable: Count = Field(description="How many series have none.")


class OutlookUpdated(Shape):
    """`outlook:updated`: what becomes of young posts was said of a workspace at the end of an hour."""

    workspace_id: str
    hour: Instant = Field(description="The start of the hour at whose end it was said.")
    made_at: Instant = Field(description="When it was said.")


class BenchmarkUpdated(Shape):
    """`benchmark:updated`: public numbers of watched accounts of one platform changed over a week or a month."""

    workspace_id: str
    platform: Platform
    period: Literal["weekly", "monthly"]
    period_start: Instant
    period_end: Instant
    period_label: str = absent(PERIOD_LABEL)
    accounts: Count = Field(description="How many of the watched accounts changed.")
    timestamp: Instant = Field(description="When the numbers were rolled up.")


class Reset(Shape):
    """`reset`: the stream lost its place, so events may be missing: read everything again, then continue."""

    workspace_id: str
    reason: ResetReason = Field(
        description="events_lost: events were removed before they were sent; events_restarted: the server of events "
        "was replaced; events_unavailable: no events can be read; slow_reader: the client read too slowly; "
        "unknown_position: the stream no longer has the position to resume at."
    )
    refetch: list[str] = Field(description="The paths to read again.")


class Ping(Shape):
    """`ping`: the server's time."""

    time: Instant
    events: Literal["unavailable"] = absent(
        "`unavailable` while no events can be read; the stream continues by itself later."
    )


EVENTS: dict[str, type[Shape]] = {
    "metrics:update": MetricsUpdate,
    "metrics:post": MetricsPost,
    "metrics:aggregated": MetricsAggregated,
    "collection:status": CollectionStatus,
    "alert:fired": AlertFired,
    "forecast:updated": ForecastUpdated,
    "anomaly:opened": AnomalyOpened,
    "anomaly:updated": AnomalyUpdated,
    "anomaly:closed": AnomalyClosed,
    "post:breakout": PostBreakout,
    "outlook:updated": OutlookUpdated,
    "benchmark:updated": BenchmarkUpdated,
    "reset": Reset,
    "ping": Ping,
}


def _sent(name: str, data: type[Shape]) -> type[Shape]:
    """Return the shape of an event as streams send it: its name, its id and its data."""
    event_id = absent("The position in the stream, to resume after it; absent if the event has none.")
    fields: dict[str, Any] = {
        "event": (Literal[name], Field(description="The name.")),
        "id": (str, event_id),
        "data": (data, Field(description="The event itself, as JSON.")),
    }
    return create_model(f"{data.__name__}Event", __base__=Shape, __doc__=data.__doc__, **fields)


_SENT = tuple(_sent(name, data) for name, data in EVENTS.items())


class StreamEvent(RootModel[Annotated[Union[_SENT], Field(discriminator="event")]]):  # type: ignore[valid-type]  # noqa: UP007
    """One server-sent event: its fields `event`, `id` and `data`. A stream sends one after the other."""
