"""The shapes of alerts by thresholds."""

from typing import Any

from pydantic import ConfigDict, Field, SecretStr

from metrics.alerts.changes import LONGEST_TITLE, MAX_ACCOUNTS
from metrics.alerts.channels import LONGEST_CHANNEL, MAX_CHANNELS
from metrics.periods import Period
from metrics.store.workspace.alerts import AlertState, Comparison, NotEvaluated
from metrics.store.workspace.channels import DeliveryState
from serving.schemas.base import Count, Instant, Shape, absent

_COMPARISON = (
    "`above` and `below` compare the value with the threshold; `rises` and `falls` its change against the preceding "
    "period, in percent, over the accounts that were connected during both."
)
_FEW: Any = {
    "title": "Few new likes", "metric": "totalLikes", "comparison": "below", "threshold": 100, "period": "daily",
}  # fmt: skip


class AlertToSet(Shape):
    """An alert as the caller gives it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FEW]})

    title: str = Field(min_length=1, max_length=LONGEST_TITLE, description="The name to show to people.")
    metric: str = Field(
        min_length=1, max_length=64, description="A total, as `totalLikes`, or a metric of the workspace's own."
    )
    comparison: Comparison = Field(description=_COMPARISON)
    threshold: int | float = Field(description="The bound; in percent for `rises` and `falls`.")
    period: Period = Field(description="The periods of the workspace's calendar that are compared when they close.")
    account_ids: list[str] | None = Field(
        None, min_length=1, max_length=MAX_ACCOUNTS, description="Only these accounts of the workspace.",
        examples=[["acc_7kq2"]],
    )  # fmt: skip
    channels: list[SecretStr] | None = Field(
        None, max_length=MAX_CHANNELS,
        description=f"URLs of apprise, of at most {LONGEST_CHANNEL:,} characters each, that the message goes to. They "
        "are secrets: stored encrypted, and never answered. Left out, those that the alert has stay; an empty list "
        "removes them.",
        json_schema_extra={"items": {"type": "string"}},
    )  # fmt: skip


class AlertChannel(Shape):
    """A channel of an alert, without its URL."""

    id: str = Field(description="An id that changes when the channels are set.")
    scheme: str = Field(description="The scheme of its URL, as `slack`.")
    failures: Count = Field(description="Failed attempts since it last took a message.")
    sent_at: Instant = absent("When it last took a message.")
    failed_at: Instant = absent("When it last took none.")
    error: str = absent("Why it took none.")


class AlertEvaluation(Shape):
    """What was found for the newest period that has closed."""

    period_start: Instant
    period_end: Instant = Field(description="Exclusive.")
    period_label: str
    evaluated_at: Instant
    value: int | float = absent("The value of the metric.")
    change_percent: float = absent("Its change against the preceding period.")
    reason: NotEvaluated = absent(
        "Why nothing was compared. partial: an account or more than a tenth of the hours is missing; not_comparable: "
        "no account was connected during both; metric_gone: the metric was retired; the others are those of "
        "`unavailable`."
    )


class Delivery(Shape):
    """How the message to one channel stands."""

    channel: str = Field(description="The id of the channel.")
    state: DeliveryState = Field(
        description="given_up: not taken within a day, the channel was removed, or what it told of no longer held."
    )
    attempts: Count


class AlertFiring(Shape):
    """A period in which the alert fired."""

    firing_id: str = Field(description="The same in messages and events, by which repetitions are told apart.")
    period_start: Instant
    period_end: Instant
    period_label: str
    metric: str
    comparison: Comparison
    threshold: int | float
    value: int | float
    change_percent: float = absent()
    fired_at: Instant
    deliveries: list[Delivery] = Field(description="How the message to each channel stands.")


class Alert(Shape):
    """An alert of a workspace."""

    name: str = Field(description="The name of the alert.")
    title: str = Field(description="The name to show to people.")
    metric: str
    comparison: Comparison = Field(description=_COMPARISON)
    threshold: int | float
    period: Period
    account_ids: list[str] = absent("Only these accounts.")
    channels: list[AlertChannel] = Field(description="Where its messages go.")
    state: AlertState = Field(
        description="waiting: no period has closed since it was set; ok, firing: the newest closed period; unknown: "
        "that period has no value that may be compared, `last.reason` says why."
    )
    last: AlertEvaluation = absent("What was found for the newest closed period.")
    fired_at: Instant = absent("When it last fired.")
    created_at: Instant = Field(description="When it was first set.")
    changed_at: Instant = Field(description="When it was last set.")


class AlertWithFirings(Alert):
    """An alert with its newest firings."""

    firings: list[AlertFiring] = Field(description="The newest firings, newest first; at most 20.")


class AlertAnswer(Shape):
    """An alert."""

    data: AlertWithFirings
