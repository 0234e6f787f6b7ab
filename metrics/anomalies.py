"""Anomalies as they are stored and answered: the series that are watched, and the words of their documents.

`pipelines.insights.anomalies` finds them; docs/insights/anomalies.md describes the method.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NotRequired, TypedDict, get_args

from metrics.breakouts import JudgedType
from metrics.documents import MetricType, Platform
from metrics.forecasts import FORECASTED

MODEL = "anomaly/1"
"""The version of the method: raised when the same numbers would give other anomalies."""

Grain = Literal["hour", "day"]
Kind = Literal["spike", "drop", "shift", "outage", "platform", "collection", "breakout"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Status = Literal["open", "ended", "withdrawn"]
STATUSES: tuple[Status, ...] = get_args(Status)
Direction = Literal["up", "down"]
Scope = Literal["account", "platform", "post"]
Change = Literal["opened", "updated", "closed"]
"""What happened to an anomaly: it was found, it changed, or it ended or was withdrawn."""
CollectionCause = Literal["fewer_accounts", "metric_vanished", "frozen", "lifetime_fell", "rounded"]
"""Why collection, and not the audience, is the cause of an anomaly."""

Refusal = Literal[
    "no_observation", "too_short", "too_sparse", "definition_changed", "constant", "rounded", "stale", "too_few"
]
"""Why a series is not watched."""

HOURLY: dict[str, str] = {
    "totalEngagement": "totalEngagement",
    "totalViews": "totalViews",
    "followers": "followerGrowth",
}
"""The metrics that are watched by hour, with the name of their nets in `metrics.aggregation.hourly`."""
DAILY = tuple(FORECASTED)
"""The metrics that are watched by day, by their names in rollups."""
OF_POSTS = "engagement"
"""The metric by which a post is a breakout."""
METRICS = tuple(dict.fromkeys((*HOURLY, *DAILY, OF_POSTS)))

BUDGET = 0.25
"""How many alarms a week a series may give by its own past, unless the workspace has its own budget."""
LEAST_BUDGET, MOST_BUDGET = 0.05, 2.0


class HistoryPoint(TypedDict):
    """A value before, in or just after an anomaly; `at` is the start of its hour or day.

    Of a breakout, it is the engagement of a post at the same age, and `at` is when that post was published.
    """

    at: datetime
    value: float


class SimilarAnomaly(TypedDict):
    """An earlier anomaly of the same series in the same direction, or an earlier breakout of the same type of posts."""

    anomalyId: str
    score: float
    postId: NotRequired[str]


class CarryingPost(TypedDict):
    """A post that carries a large share of what lies beyond the expected."""

    postId: str
    value: float
    share: float


class JudgedAge(TypedDict):
    """What was said of a post at an age in hours: its engagement, and what the account's posts have by then."""

    age: float
    observed: float
    expected: float
    multiple: float
    percentile: float
    score: float
    posts: int
    breakout: bool


class Evidence(TypedDict, total=False):
    """What a person needs to judge an anomaly."""

    history: list[HistoryPoint]
    similar: list[SimilarAnomaly]
    posts: list[CarryingPost]
    cause: CollectionCause
    share: float
    ages: list[JudgedAge]


class KnownDay(TypedDict):
    """A holiday or a campaign on the days of an anomaly; the dates are both included. Campaigns have a `name`."""

    kind: Literal["holiday", "campaign"]
    name: NotRequired[str]
    title: str
    startDate: str
    endDate: str


class Untold(TypedDict):
    """What happened to an anomaly that was not announced yet; `token` is of the write."""

    change: Change
    token: str


AnomalyDocument = TypedDict(
    "AnomalyDocument",
    {
        "_id": str,
        "workspaceId": str,
        "accountId": NotRequired[str],
        "postId": NotRequired[str],
        "platform": Platform,
        "metricType": NotRequired[MetricType],
        "scope": Scope,
        "metric": NotRequired[str],
        "grain": Grain,
        "from": datetime,
        "to": datetime,
        "kind": Kind,
        "direction": NotRequired[Direction],
        "observed": NotRequired[float],
        "expected": NotRequired[float],
        "lo": NotRequired[float],
        "hi": NotRequired[float],
        "score": NotRequired[float],
        "age": NotRequired[float],
        "multiple": NotRequired[float],
        "percentile": NotRequired[float],
        "severity": int,
        "evidence": Evidence,
        "known": NotRequired[list[KnownDay]],
        "model": str,
        "status": Status,
        "mutedBy": NotRequired[str],
        "foundAt": datetime,
        "changedAt": datetime,
        "runId": str,
        "acknowledgedBy": NotRequired[str],
        "acknowledgedAt": NotRequired[datetime],
        "muted": NotRequired[bool],
        "note": NotRequired[str],
        "untold": NotRequired[Untold],
    },
)
"""A document of `anomalies`.

`from` and `to` bound its hours or days; `to` is exclusive. `observed`, `expected`, `lo` and `hi` are sums over them,
and `score` is that of its farthest hour or day. `severity` is 1 to 10. `mutedBy` is the anomaly of the whole platform
that explains this one. A breakout has `postId`, `metricType`, `age`, `multiple` and `percentile`: its numbers are those
at the newest age at which it is one, `from` is when the post was published, and `to` when it came to that age. `untold`
is there until its last change was announced. No run changes what a person sets: `acknowledgedBy`, `acknowledgedAt`,
`muted`, `note`.
"""


class WatchedSeries(TypedDict):
    """A series of an account, and why it is not watched if it is not."""

    metric: str
    expected: int
    observed: int
    unavailable: NotRequired[Refusal]


class WatchedDocument(TypedDict):
    """A document of `watched_series`: the series of an account by grain, and its types of posts.

    `_id` is the account.
    """

    _id: str
    workspaceId: str
    accountId: str
    at: datetime
    hour: NotRequired[list[WatchedSeries]]
    day: NotRequired[list[WatchedSeries]]
    posts: NotRequired[list[JudgedType]]


class HourlyNets(TypedDict):
    """A document of `hourly_nets`: what an account gained in each hour of a UTC day. `_id` is `accountId|day`.

    `nets` has 24 values by metric, None where the hour or the one before it was not observed. `followers` has how many
    there were in each hour, None where that was not observed. `observed` has the hours in which the account was
    observed. Days that an older version derived lack `followers` and `definitionVersion`.
    """

    _id: str
    workspaceId: str
    accountId: str
    day: datetime
    nets: dict[str, list[float | None]]
    followers: NotRequired[list[float | None]]
    definitionVersion: NotRequired[int]
    observed: list[int]


def anomaly_id(*parts: object) -> str:
    """Return the `_id` of an anomaly, which follows from what it is of and when it began."""
    return "an_" + sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an anomaly as the API and events show it."""
    hidden = {"_id", "runId", "untold"}
    return {"anomalyId": document["_id"], **{name: value for name, value in document.items() if name not in hidden}}
