"""The shapes of anomalies: reads, changes by a person, and events."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from metrics.anomalies import (
    LEAST_BUDGET,
    MOST_BUDGET,
    CollectionCause,
    Direction,
    Grain,
    Kind,
    Refusal,
    Scope,
    Status,
)
from metrics.breakouts import FEWEST_POSTS
from metrics.breakouts import Refusal as BreakoutRefusal
from metrics.documents import MetricType, Platform
from serving.schemas.base import Count, Day, Instant, Meta, Page, Shape, absent

Severity = Annotated[int, Field(ge=1, le=10)]
NOTE_LENGTH = 500
_SEEN: Any = {"acknowledged": True, "note": "A celebrity shared the reel."}


class HistoryValue(Shape):
    """A value of an hour or day that ended with the anomaly, or before it; or of a post at the same age."""

    at: Instant = Field(description="The start of the hour or day; of a breakout, when the post was published.")
    value: float = Field(description="What was observed.")


class SimilarAnomaly(Shape):
    """An earlier anomaly of the same series in the same direction, or an earlier breakout of the same type of posts."""

    anomaly_id: str = Field(description="Its id.")
    score: float = Field(description="Its farthest residual.")
    post_id: str = absent("Of a breakout: the post.")


class JudgedAge(Shape):
    """What was said of a post at an age."""

    age: float = Field(description="The age in hours.")
    observed: float = Field(description="The engagement of the post at this age.")
    expected: float = Field(description="The median of the earlier posts at the same age.")
    multiple: float = Field(description="How many times the median it is; a median below 1 counts as 1.")
    percentile: float = Field(description="The percentage of the earlier posts that had less.")
    score: float = Field(description="The distance from the median, in robust deviations of logarithms.")
    posts: Count = Field(description="With how many earlier posts it was compared.")
    breakout: bool = Field(description="Whether it is a breakout at this age.")


class CarryingPost(Shape):
    """A post that carries at least 30 % of what lies beyond the expected."""

    post_id: str = Field(description="The post.")
    value: float = Field(description="What the post gained.")
    share: float = Field(description="Its share of what lies beyond the expected; above 1 if others fell.")


class Evidence(Shape):
    """What a person needs to judge an anomaly."""

    history: list[HistoryValue] = absent(
        "The values of two days by hour, or of four weeks by day; of a breakout, 28 earlier posts at its age, and it."
    )
    similar: list[SimilarAnomaly] = absent("Up to five earlier ones, newest first.")
    posts: list[CarryingPost] = absent("The largest first; for gains of engagement and views alone.")
    cause: CollectionCause = absent(
        "Of `collection`: fewer_accounts: fewer hours were observed than usual; metric_vanished: the metric has no "
        "value any more; frozen: nothing moves; lifetime_fell: values fell that only grow; rounded: the platform "
        "rounds them."
    )
    share: float = absent("Of `platform`: the share of the platform's accounts that it affects.")
    ages: list[JudgedAge] = absent("Of `breakout`: what was said of the post at each age.")


class KnownDay(Shape):
    """A holiday of the workspace's country, or a campaign of the workspace."""

    kind: Literal["holiday", "campaign"] = Field(description="What it is.")
    name: str = absent("Of a campaign: its name.")
    title: str = Field(description="What people call it.")
    start_date: Day = Field(description="Its first day.")
    end_date: Day = Field(description="Its last day.")


class AnomalyFields(Shape):
    """What an anomaly and its events have in common."""

    anomaly_id: str = Field(description="The id, which stays when it grows.")
    workspace_id: str
    account_id: str = absent("Absent for a whole platform.")
    post_id: str = absent("Of a breakout: the post.")
    platform: Platform
    metric_type: MetricType = absent("Of a breakout: the type of the post, with which alone it is compared.")
    scope: Scope = Field(
        description="`platform`: of the whole platform, or of all its accounts in the workspace. `post`: of one post."
    )
    metric: str = absent("The metric, by its name in rollups.")
    grain: Grain = Field(description="Whether its hours or its days are out of the ordinary.")
    from_: Instant = Field(
        alias="from", description="The start of its first hour or day; of a breakout, when the post was published."
    )
    to: Instant = Field(description="The end of its last hour or day; of a breakout, when the post came to its `age`.")
    kind: Kind = Field(
        description="spike: above; drop: below; shift: days in a row; outage: next to nothing; platform: of many "
        "accounts at once; collection: the collection is the cause, not the audience; breakout: a post far above the "
        "account's earlier posts at the same age."
    )
    direction: Direction = absent("Whether it lies above or below what was expected.")
    observed: float = absent("The sum over its hours or days.")
    expected: float = absent("What was expected of them.")
    lo: float = absent("Below it, the sum is out of the ordinary.")
    hi: float = absent("Above it, the sum is out of the ordinary.")
    score: float = absent("The farthest residual, in usual residuals of the series.")
    age: float = absent("Of a breakout: the newest age in hours at which it is one, and from which its numbers are.")
    multiple: float = absent("Of a breakout: how many times the median of the earlier posts it has.")
    percentile: float = absent("Of a breakout: the percentage of the earlier posts that had less.")
    severity: Severity = Field(
        description="By how rarely the series has such an hour or day, or the account such a post; 10 is rarest."
    )
    model: str = Field(description="The version of the method.")
    status: Status = Field(
        description="`withdrawn`: late data changed the numbers, so that it no longer holds; or a breakout was none "
        "any more at the age of a day. A breakout that has `ended` is confirmed."
    )
    known: list[KnownDay] = absent("Holidays and campaigns on its days, which may explain it.")
    muted_by: str = absent("The anomaly of the whole platform that explains it.")
    found_at: Instant = Field(description="When it was found.")
    changed_at: Instant = Field(description="When a run last changed it.")
    acknowledged_by: str = absent("The name of the key that acknowledged it.")
    acknowledged_at: Instant = absent("When it was acknowledged.")
    muted: bool = absent("True: nobody wants to hear of it.")
    note: str = absent("What a person noted.")


class Anomaly(AnomalyFields):
    """Hours or days in which a series was out of the ordinary, with evidence."""

    evidence: Evidence = Field(description="What a person needs to judge it.")


class AnomalyOpened(AnomalyFields):
    """`anomaly:opened`: an anomaly was found."""


class AnomalyUpdated(AnomalyFields):
    """`anomaly:updated`: a run, or a person, changed an anomaly."""


class AnomalyClosed(AnomalyFields):
    """`anomaly:closed`: an anomaly ended, or was withdrawn."""


class PostBreakout(Shape):
    """`post:breakout`: a post does far better than the account's posts did at the same age, or no longer does.

    It is sent when the breakout is found, and when it is confirmed or withdrawn at the age of a day.
    """

    workspace_id: str
    account_id: str
    post_id: str
    anomaly_id: str = Field(description="The anomaly that has the evidence.")
    platform: Platform
    metric_type: MetricType
    published_at: Instant
    age: float = Field(description="The age in hours from which the numbers are.")
    observed: float = Field(description="The engagement of the post at this age.")
    expected: float = Field(description="The median of the account's earlier posts of the type at the same age.")
    multiple: float = Field(description="How many times the median it is.")
    percentile: float = Field(description="The percentage of the earlier posts that had less.")
    score: float = Field(description="The distance from the median in robust deviations.")
    severity: Severity = Field(description="By how rarely the account has such a post; 10 is rarest.")
    status: Status = Field(description="`open`: found; `ended`: confirmed; `withdrawn`: it no longer holds.")
    model: str = Field(description="The version of the method.")
    timestamp: Instant = Field(description="When it was found, confirmed or withdrawn.")


class UnwatchedSeries(Shape):
    """A series in which no anomalies can be found."""

    account_id: str
    metric: str = Field(description="The metric, by its name in rollups.")
    grain: Grain = Field(description="Whether its hours or its days are not watched.")
    reason: Refusal = Field(
        description="no_observation: never observed; too_short: fewer than 14 days by hour, or 21 by day; too_sparse: "
        "too many hours or days without a value; definition_changed: too few days since the metric's definition "
        "changed; constant: always the same; rounded: the platform rounds the numbers; stale: no new value; too_few: "
        "fewer than ten an hour, so that days alone are watched."
    )


class UnjudgedType(Shape):
    """A type of posts of an account in which no breakouts can be found."""

    account_id: str
    metric_type: MetricType
    posts: Count = Field(description=f"How many earlier posts there are to compare with; {FEWEST_POSTS} are needed.")
    reason: BreakoutRefusal = Field(
        description="too_few_posts: too few earlier posts of the type with a value at the same age; too_few: the young "
        "posts have hardly any engagement; definition_changed: too few posts since the definition of engagement "
        "changed; no_observation: the young posts have not come to an age, or were not read near it."
    )


class JudgedPosts(Shape):
    """In how many types of posts breakouts are looked for; types without a post in the last days are not counted."""

    types: Count = Field(description="The types of posts of accounts whose young posts are judged.")
    unavailable: Count = Field(description="The types of which none is.")
    reasons: list[UnjudgedType] = absent("With `accountId`: each type of it that is not judged.")


class Watched(Shape):
    """In how many series anomalies are looked for, and in which not."""

    series: Count = Field(description="The series that are watched; hours and days of a metric are two.")
    unavailable: Count = Field(description="The series that are not.")
    budget: float = Field(description="The alarms a week that a series may give by its own past.")
    posts: JudgedPosts = Field(description="Where breakouts of posts are looked for.")
    reasons: list[UnwatchedSeries] = absent("With `accountId`: each series of it that is not watched.")


class AnomaliesMeta(Meta):
    """The range of a list of anomalies, and where they are looked for."""

    start_date: Day
    end_date: Day
    watched: Watched = Field(description="Where anomalies are looked for.")


class Anomalies(Shape):
    """Anomalies of a workspace, newest first."""

    data: list[Anomaly]
    page: Page
    meta: AnomaliesMeta


class AnomalyAnswer(Shape):
    """An anomaly."""

    data: Anomaly


class AnomalyJudgement(Shape):
    """What a person says of an anomaly, in place of what was said before: what is left out is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SEEN]})

    acknowledged: bool = Field(False, description="Somebody has seen it.")
    muted: bool = Field(False, description="Nobody wants to hear of it any more.")
    note: str | None = Field(None, min_length=1, max_length=NOTE_LENGTH, description="What is known of it.")


class AlarmBudget(Shape):
    """How many alarms a week each series of a workspace may give, by its own past."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"alarmsPerWeek": 0.25}]})

    alarms_per_week: float = Field(
        ge=LEAST_BUDGET, le=MOST_BUDGET, description="More finds smaller events, and has more false alarms."
    )


class AlarmBudgetAnswer(Shape):
    """How many alarms a week each series of a workspace may give."""

    data: AlarmBudget
