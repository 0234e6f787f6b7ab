"""The shape of the answer of `series`."""

from typing import Literal

from pydantic import Field

from metrics.aggregation.sides import Compare
from metrics.aggregation.sides import NotCompared as NotComparedReason
from metrics.benchmarks.catalog import BenchmarkMetric, BenchmarkUnit
from metrics.benchmarks.standing import LeftOut as LeftOutOfBenchmark
from metrics.benchmarks.standing import NoQuantiles
from metrics.calendars import CalendarPeriod
from metrics.documents import ContentType, MetricType, Platform, Reason, RollupStatus
from serving.schemas.base import (
    BOUNDARY_SHIFT,
    DAY_BASIS_MEANING,
    CalendarFields,
    Count,
    Coverage,
    Instant,
    OfCampaign,
    RangeMeta,
    Shape,
    absent,
)
from serving.schemas.benchmarks import KEY, OWN, REASONS
from serving.schemas.definitions import Parts as OwnParts
from serving.schemas.rollups import Change, LeftOut, Side

Interval = Literal["hourly", CalendarPeriod, "custom"] | OfCampaign


class SeriesPeriod(Shape):
    """A period of a series."""

    start: Instant = Field(description="The start of its first hour.")
    end: Instant = Field(description="The end of its last hour, exclusive.")
    label: str = Field(description="Its name: `2026-11-28`, `2026-W48`, `2026-Q4`, `FY2026-P03`, ….")
    boundary_shift_minutes: Count = absent(BOUNDARY_SHIFT)


class SeriesGroup(Shape):
    """The fields of `groupBy` of a group; empty without `groupBy`."""

    platform: Platform = absent()
    account: str = absent("The id of the account.")
    content_type: ContentType = absent()
    metric_type: MetricType = absent()


class SeriesComparison(Shape):
    """The range of a series against another one, over the accounts that were expected and observed in all of both."""

    compare: Compare = Field(description="The mode of the comparison, as requested.")
    current: Side = Field(description="The range itself or, with `elapsed`, its whole days so far.")
    previous: Side = absent("What `current` is compared with; absent if there is no such range.")
    comparable: bool = Field(description="True if no account is left out and neither side is open.")
    change: Change = absent("The values of both sides; absent if every account is left out or none has a value.")
    left_out: list[LeftOut]
    reason: NotComparedReason = absent("Why nothing is compared; the reasons are those of `Comparison`.")


class SeriesParts(Shape):
    """The numerators and denominators of a rate or of a metric of your own, by period.

    They can be added over groups and, where the basis is views or impressions, over periods: then divide the sums.
    Followers are a level, which is not added up over periods.
    """

    over: list[float | None] = Field(description="The engagement, or the upper side of the formula.")
    under: list[float | None] = absent(
        "The views, impressions or followers, or the lower side of the formula; absent if it is a sum."
    )
    measured: list[Count | None] = absent("Of a metric of your own: how many posts, or accounts, are in it.")


class OneSeries(Shape):
    """The values of one metric of one group, by period."""

    metric: str = Field(description="The name of the metric.")
    group: SeriesGroup = Field(description="The group of the values.")
    unit: str = Field(description="`count`, `people`, `percent`, …; that of your own metrics follows from the formula.")
    values: list[float | None] = Field(description="By period. Null is unknown, and never 0.")
    status: list[RollupStatus | None] = Field(
        description="By period. partial: hours are missing, or an account that the value lacks; open: the period has "
        "not ended; null: no account was expected in it."
    )
    unavailable: dict[str, Reason] = Field(description="The reasons of unknown values, by the index of the period.")
    missing: dict[str, list[str]] = Field(
        description="By the index of the period, the expected accounts whose value is missing from the value of the "
        "group although their platform has the metric."
    )
    basis: str = absent("With a rate: the metrics that it is a percentage of, joined with `+`.")
    parts: SeriesParts = absent("With a rate or a metric of your own: what its values are made of.")
    total_parts: OwnParts = absent("With a metric of your own: what the total is made of.")
    total: float = absent(
        "The value over the range: the sum, the last level or the pooled rate, by the kind of the metric."
    )
    total_unavailable: Reason = absent("Why there is no total.")
    total_missing: list[str] = absent("The accounts whose value is missing from the total.")
    withheld: list[Platform] = absent("The platforms that the metric leaves out because of their terms.")
    comparison: SeriesComparison = absent("With `compare`: the comparison of the total.")


class SeriesOfWatched(Shape):
    """The values of one metric of one watched account, by period."""

    key: str = Field(description=KEY)
    handle: str = Field(description="The present handle, without `@`; the id until the account was looked up.")
    label: str = absent("The name to show to people.")
    own: str = absent(OWN)
    values: list[float | None] = Field(description="By period. Null is unknown, and never 0.")
    left_out: dict[str, LeftOutOfBenchmark] = Field(
        description="By the index of the period, why the account is in no distribution, also where it has a value. "
        f"{REASONS}"
    )
    percentile_rank: list[float | None] = absent("Of an own account: its rank among the others, by period.")


class BenchmarkSeries(Shape):
    """One metric of a group on one platform: the quartiles of the accounts that are not own, and each account."""

    platform: Platform
    group: str = absent("The name of the group; absent for the accounts that have none.")
    metric: BenchmarkMetric = Field(description="The name of the metric.")
    unit: BenchmarkUnit = Field(description="The unit of the values.")
    basis: str = absent("What it is divided by; absent if it is no quotient.")
    status: list[RollupStatus] = Field(
        description="By period. open: the period has not ended; partial: days of an account that is read are missing."
    )
    n: list[Count] = absent("By period, how many accounts the quartiles are of. Shares of engagement have none.")
    median: list[float | None] = absent("By period; null without quartiles.")
    p25: list[float | None] = absent("The first quartile, by period.")
    p75: list[float | None] = absent("The third quartile, by period.")
    unavailable: dict[str, NoQuantiles] = absent("By the index of the period, why there are no quartiles.")
    accounts: list[SeriesOfWatched] = Field(description="The accounts of the group, by key.")


class SeriesData(Shape):
    """The periods, and a series per group and metric; groups are sorted, metrics in the order of the request."""

    interval: Interval = Field(description="The kind of the periods.")
    periods: list[SeriesPeriod] = Field(description="The periods of the range that have begun, oldest first.")
    range: SeriesPeriod = Field(
        description="What totals and comparisons are over: all periods, or the dates of the query if periods overlap."
    )
    series: list[OneSeries] = Field(description="The series of each group.")
    overall: list[OneSeries] = absent(
        "With `groupBy`: the series over all groups. Absent if `contentType` narrows groups by metric type."
    )
    benchmarks: list[BenchmarkSeries] = absent(
        "With `scope=benchmarks`, in place of `series`, which is then empty: by platform, group and metric."
    )


class SeriesMeta(RangeMeta):
    """The meta of a series: the range, its coverage, and the calendar."""

    coverage: Coverage = absent("How many of the expected hours were observed; absent with `scope=benchmarks`.")

    calendar: CalendarFields = Field(description="The calendar of the workspace.")
    day_basis: dict[Platform, str] = Field(description=DAY_BASIS_MEANING)
    definitions: dict[str, int] = absent("With metrics of your own: the versions that the values depend on.")


class Series(Shape):
    """Metrics over consecutive periods, in columns."""

    data: SeriesData
    meta: SeriesMeta
