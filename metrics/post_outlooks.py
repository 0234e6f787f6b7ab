"""What becomes of young posts, as it is stored and answered: the words of the documents of `post_outlooks`."""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from metrics.documents import MetricType, Platform

MODEL = "outlook/1"
"""The version of the method: raised when the same log would give other numbers."""
AGES = (1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0)
"""The ages in hours at which something is said of a post."""
LEAST_OF_PLATFORM = 200
LEAST_OF_WORKSPACE = 300
"""Posts that a model of a platform needs, and one of a workspace's own."""
LEAST_ENGAGEMENT = 5
"""Engagements that a post needs up to the age of three hours."""

Refusal = Literal["too_few_posts", "too_few", "definition_changed", "no_observation"]
Method = Literal["log_linear", "boosted"]
TrainedOn = Literal["workspace", "platform"]


class OutlookBacktest(TypedDict):
    """How good the method was on the newer posts of the history at the same age.

    `error` is the median share by which it missed, `errorLogLinear` that of the log-linear model.
    """

    posts: int
    error: float
    errorLogLinear: float
    coverage80: float
    coverage95: float


class OutlookDocument(TypedDict):
    """A document of `post_outlooks`: what was said of a post at an age, or why nothing was. It is never changed.

    `_id` is `postId|age`. `engagement` is that of the post at the age, `value` that which is expected at 168 hours.
    `expected` are the posts of the history, `observed` those with values at the age and at 168 hours.
    """

    _id: str
    workspaceId: str
    accountId: str
    postId: str
    platform: Platform
    metricType: MetricType
    publishedAt: datetime
    age: float
    engagement: float
    madeAt: datetime
    model: str
    runId: str
    expected: NotRequired[int]
    observed: NotRequired[int]
    trainedOn: NotRequired[TrainedOn]
    trainedFrom: NotRequired[str]
    trainedTo: NotRequired[str]
    method: NotRequired[Method]
    value: NotRequired[float]
    lo80: NotRequired[float]
    hi80: NotRequired[float]
    lo95: NotRequired[float]
    hi95: NotRequired[float]
    percentileOfAccount: NotRequired[float]
    probabilityTop10: NotRequired[float]
    backtest: NotRequired[OutlookBacktest]
    unavailable: NotRequired[Refusal]
