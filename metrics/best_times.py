"""At which hours posts do best, as it is stored and answered: the words of the documents of `best_times`."""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from metrics.documents import MetricType, Platform

MODEL = "best-times/1"
"""The version of the method: raised when the same log would give other numbers."""
AGE = 48.0
"""The age in hours at which posts are compared."""
WINDOW_HOURS = 3
LEAST_POSTS = 60
"""Posts that a statement needs."""
LEAST_IN_WINDOW = 8
"""Posts that a window or a weekday needs."""
CLAIMED = 0.05
"""The greatest `p` with which slots are published."""

Refusal = Literal["too_few_posts", "definition_changed", "constant", "no_effect"]


class SlotDocument(TypedDict):
    """A weekday (Monday is 0) and the first hour of a window: how much better a typical post does there, as a share.

    `posts` are those in the window, on any weekday.
    """

    weekday: int
    hour: int
    lift: float
    lo80: float
    hi80: float
    posts: int


class WindowDocument(TypedDict):
    """The first hour of a window, and how much better a typical post does there, as a share, with 80 % bounds."""

    hour: int
    lift: float
    lo80: float
    hi80: float
    posts: int


class PooledDocument(TypedDict):
    """The windows over all accounts of the platform in the workspace, where one account alone shows no effect."""

    accounts: int
    posts: int
    p: float
    windows: list[WindowDocument]


class BacktestDocument(TypedDict):
    """The lift that the best window of the older posts promised, and that of the `posts` newer posts in it."""

    claimed: float
    realised: float
    posts: int


class BestTimesDocument(TypedDict):
    """A document of `best_times`: what was said at the end of a week of a type of posts of an account.

    `_id` is `accountId|metricType|day`. `expected` are the posts that were old enough, `observed` those with a value at
    48 hours, `tried` the windows and weekdays that were tested together, and `p` the share of shuffled histories whose
    best window or weekday stands out as much.
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
    timeZone: str
    expected: int
    observed: int
    trainedFrom: NotRequired[str]
    trainedTo: NotRequired[str]
    tried: NotRequired[int]
    p: NotRequired[float]
    slots: NotRequired[list[SlotDocument]]
    backtest: NotRequired[BacktestDocument]
    pooled: NotRequired[PooledDocument]
    unavailable: NotRequired[Refusal]
