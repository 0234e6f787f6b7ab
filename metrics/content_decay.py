"""How fast posts age, as it is stored and answered: the words of the documents of `content_decay`."""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from metrics.documents import MetricType, Platform

MODEL = "decay/1"
"""The version of the method: raised when the same log would give other numbers."""
LEAST_POSTS = 20
"""Posts that an age needs, and the whole."""

Refusal = Literal["too_few_posts", "definition_changed"]


class DecayPoint(TypedDict):
    """An age in hours, and the quartiles over `posts` posts of the share of their final engagement that they had."""

    age: int
    q1: float
    median: float
    q3: float
    posts: int


class HalfLifeDocument(TypedDict):
    """The age in hours at which half of the posts have half of their engagement, with quartiles over posts.

    A number that is missing is below one hour.
    """

    median: NotRequired[float]
    q1: NotRequired[float]
    q3: NotRequired[float]


class DecayDocument(TypedDict):
    """A document of `content_decay`: what was said at the end of a day of a type of posts of an account.

    `_id` is `accountId|metricType|day`. `expected` are the posts that were old enough, `observed` those of which the
    final engagement is known.
    """

    _id: str
    workspaceId: str
    accountId: str
    platform: Platform
    metricType: MetricType
    day: datetime
    madeAt: datetime
    model: str
    runId: str
    expected: int
    observed: int
    trainedFrom: NotRequired[str]
    trainedTo: NotRequired[str]
    points: NotRequired[list[DecayPoint]]
    halfLife: NotRequired[HalfLifeDocument]
    unavailable: NotRequired[Refusal]
