"""The shapes of rollups, totals and their comparisons."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, create_model

from metrics.aggregation.accounts import PERIOD_SUMS
from metrics.aggregation.comparison import LeftOut as LeftOutReason
from metrics.aggregation.sides import Compare
from metrics.aggregation.sides import NotCompared as NotComparedReason
from metrics.aggregation.totals import ACCOUNT_SUMS, POST_SUMS
from metrics.documents import ContentType, Platform, RollupStatus
from serving.schemas.base import (
    BOUNDARY_SHIFT,
    DAY_BASIS_MEANING,
    Count,
    Coverage,
    Instant,
    Page,
    RangeMeta,
    RollupPeriod,
    Shape,
    Unavailable,
    absent,
    declared_names,
)
from serving.schemas.definitions import Parts as OwnParts


class RateParts(Shape):
    """The numerator and the denominator of an engagement rate, from which rates can be pooled."""

    engagement: float
    basis: float


class RollupMetrics(Shape):
    """The numbers of one account over one period, as docs/metrics.md, section 5, defines them."""

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
    avg_engagement_rate: float = absent("The unweighted mean of the posts' rates.")
    min_engagement_rate: float = absent()
    max_engagement_rate: float = absent()
    posts_measured: Count = absent("The number of posts that the rates are made of.")
    followers: int = absent("At the end of the period.")
    min_followers: int = absent()
    max_followers: int = absent()
    avg_followers: float = absent()
    follower_growth: int = absent("May be negative.")
    follower_growth_rate: float = absent("In percent of the followers just before the period.")
    post_count: Count = absent("Posts published in the period, deleted ones included.")
    post_count_by_type: dict[str, int] = absent()
    deleted_post_count: Count = absent()
    reach: int = absent("The platform's own value for exactly this period.")


_SUMS: dict[str, Any] = {name: (float, absent("The sum of the platform's daily values.")) for name in PERIOD_SUMS}
AccountMetrics = create_model("AccountMetrics", __base__=RollupMetrics, __doc__=RollupMetrics.__doc__, **_SUMS)


class Change(Shape):
    """The value of one metric on both sides of a comparison, over the compared accounts."""

    current: float = absent("Absent if one of the compared accounts has no value.")
    previous: float = absent()
    delta: float = absent()
    delta_percent: float = absent("Absent if `previous` is 0 or unknown.")


class LeftOut(Shape):
    """An account that is left out of a comparison, and the reason."""

    account_id: str
    reason: LeftOutReason = Field(
        description="connected_within, disconnected_within: it was connected or disconnected within one of the two "
        "sides; not_expected: it was not connected in one of them; no_observation: it has no document of one of "
        "them; partial: hours of one of them are missing."
    )


class Side(Shape):
    """One of the two spans of a comparison, in whole UTC days."""

    start: Instant = Field(description="The start of the first day.")
    end: Instant = Field(description="The end of the last day, exclusive.")
    days: Count = Field(description="Where the two sides differ in it, sums differ for that reason alone.")


class Comparison(Shape):
    """Two spans against each other, over the accounts that were expected and observed throughout both."""

    compare: Compare = Field(description="The mode of the comparison, as requested.")
    current: Side = Field(description="The period itself or, with `elapsed`, its whole days so far.")
    previous: Side = absent("What `current` is compared with; absent if there is no such span.")
    comparable: bool = Field(description="True if no account is left out and neither side is open.")
    changes: dict[str, Change] = Field(description="By metric; empty if every account is left out.")
    left_out: list[LeftOut]
    reason: NotComparedReason = absent(
        "Why nothing is compared. no_such_period: the year before has no such date (29 February) or no ISO week 53; "
        "no_whole_day: no day of the open period is over; not_kept: one side is older than the retention of rollups."
    )


PERIOD_LABEL = "The name of the period in the workspace's calendar: `2026-11-28`, `2026-W48`, `2026-11`."


OWN_METRICS = ConfigDict(extra="allow")
"""The config of an object that has the requested own metrics under their names, beside the declared fields."""


class RollupValues(AccountMetrics):
    """The numbers of one account over one period, and those of the requested own metrics under their names."""

    model_config = OWN_METRICS
    __pydantic_extra__: dict[str, float]


class Rollup(Shape):
    """One account over one period."""

    workspace_id: str
    account_id: str
    platform: Platform
    period: RollupPeriod
    period_start: Instant
    period_end: Instant = Field(description="Exclusive.")
    period_label: str = absent(PERIOD_LABEL)
    boundary_shift_minutes: Count = absent(BOUNDARY_SHIFT)
    calendar_version: Count = absent("The version of the workspace's calendar that bounds the period.")
    aggregated_metrics: RollupValues
    unavailable: Unavailable
    coverage: Coverage
    status: RollupStatus = Field(description="partial: slots are missing; open: the period has not ended.")
    definition_version: int
    computed_at: Instant
    run_id: str
    parts: dict[str, OwnParts] = absent("With `include`: what the own metrics were computed from, by name.")
    comparison: Comparison = absent("With `compare`: the comparison of this account alone.")


_TOTALS: dict[str, Any] = {name: (int, absent()) for name in POST_SUMS}
_TOTALS |= {name: (float if name in (*PERIOD_SUMS, "avgFollowers") else int, absent()) for name in ACCOUNT_SUMS}
_TOTALS |= {
    "engagementRate": (float, absent("Percent, pooled over the accounts' posts.")),
    "engagementRateBasis": (str, absent("The metrics that the rate is a percentage of, joined with `+`.")),
    "engagementRateParts": (RateParts, absent()),
    "postCountByType": (dict[str, Count], absent()),
}
TotalMetrics = create_model("TotalMetrics", __base__=Shape, __doc__="The metrics that add up over accounts.", **_TOTALS)


class TotalValues(TotalMetrics):
    """The metrics that add up over accounts, and the requested own metrics under their names."""

    model_config = OWN_METRICS
    __pydantic_extra__: dict[str, float]


ROLLUP_FIELDS = declared_names(AccountMetrics) | declared_names(TotalMetrics)
"""The names of all metrics of rollups and totals."""


class Withheld(Shape):
    """Totals that leave platforms out: their terms demand a consent that the workspace does not have."""

    metrics: list[str]
    platforms: list[Platform]
    reason: Literal["terms"]


class Totals(Shape):
    """The totals of a workspace over one period, from the accounts that are expected in it."""

    period_start: Instant
    period_end: Instant
    period_label: str = Field(description=PERIOD_LABEL)
    boundary_shift_minutes: Count = absent(BOUNDARY_SHIFT)
    metrics: TotalValues
    unavailable: Unavailable
    missing: dict[str, list[str]] = Field(
        description="By metric, the expected accounts whose value is missing from the total although their platform "
        "has the metric."
    )
    coverage: Coverage
    status: RollupStatus = Field(description="partial: an expected account has no document, or hours are missing.")
    accounts: Count = Field(description="Expected accounts with a document.")
    expected_accounts: Count = Field(description="Accounts that were connected in the period.")
    withheld: Withheld = absent("If a platform is left out of some totals because of its terms.")
    parts: dict[str, OwnParts] = absent("With `include`: what the own metrics were computed from, by name.")
    comparison: Comparison = absent("With `compare`.")


class GroupTotals(Totals):
    """The totals of one group over one period: the accounts of a platform, or the posts of a content type.

    The totals of a content type have only sums and rates over posts. `coverage`, `status` and the numbers of accounts
    are those of all accounts in scope, because hours are not counted by content type.
    """

    platform: Platform = absent("With `groupBy=platform`.")
    content_type: ContentType = absent("With `groupBy=contentType`.")


class AggregatedMeta(RangeMeta):
    """The meta of rollups: the range, and the kind of period that divides it."""

    period: RollupPeriod
    day_basis: dict[Platform, str] = Field(description=DAY_BASIS_MEANING)
    definitions: dict[str, int] = absent("With `include`: the versions of the definitions that values depend on.")


class Aggregated(Shape):
    """A page of rollups, and the totals of every period of the range in which at least one account is expected."""

    data: list[Rollup]
    page: Page
    meta: AggregatedMeta
    totals: list[Totals]
    groups: list[GroupTotals] = absent("With `groupBy`: the totals of each group in every period.")
