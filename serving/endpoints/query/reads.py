"""The queries of reads: a strict model per route."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Self, cast

from pydantic import BeforeValidator, Field

from metrics.benchmarks.catalog import METRICS, BenchmarkMetric
from metrics.calendars import Calendar
from metrics.campaigns.chosen import Chosen
from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.export import FORMATS, OVER_HTTP, Dataset, Format
from metrics.forecasts import HORIZONS, HOURS_SPANS
from serving.endpoints.query.base import Query
from serving.endpoints.query.values import (
    MAX_IDS,
    MAX_METRICS,
    BenchmarkMetrics,
    BenchmarkPeriodName,
    CompareName,
    ContentTypeName,
    Day,
    Fields,
    ForecastedName,
    GroupFields,
    GroupName,
    GroupOfWatched,
    HourlyForecastedName,
    Id,
    IntervalName,
    KindName,
    MetricNames,
    MetricTypeName,
    OrderName,
    PeriodName,
    PlatformName,
    PostIds,
    Search,
    SeriesScope,
    SortName,
    StatusName,
    Version,
    WatchedName,
    one_of,
    whole_number,
)

MAX_DAYS = 400
DEFAULT_DAYS = 30


class RangeQuery(Query):
    """A range of the workspace's days, both inclusive. Give both dates or neither; the default is the last 30 days."""

    max_days: ClassVar[int | None] = MAX_DAYS

    start_date: Day | None = Field(
        None, description="The first day, by the workspace's calendar. Without both dates: the last 30 days."
    )
    end_date: Day | None = Field(None, description="The last day, inclusive; a range has at most 400 days.")

    def days(self) -> tuple[date, date]:
        """Return the first and the last day; without dates, those in UTC, unless the query is `dated`.

        Raises:
            InvalidInput: only one date is given, the range is reversed, or it has more than 400 days.
        """
        if (self.start_date is None) != (self.end_date is None):
            missing = "startDate" if self.start_date is None else "endDate"
            raise InvalidInput(f"{missing}: give both startDate and endDate, or neither", missing)
        if self.start_date is None or self.end_date is None:
            today = utcnow().date()
            return today - timedelta(days=DEFAULT_DAYS - 1), today
        if self.end_date < self.start_date:
            raise InvalidInput("endDate: must not be before startDate", "endDate")
        if self.max_days is not None and (self.end_date - self.start_date).days >= self.max_days:
            raise InvalidInput(f"endDate: the range may have at most {self.max_days} days", "endDate")
        return self.start_date, self.end_date

    def dated(self, calendar: Calendar) -> Self:
        """Return the same query with dates: without any, those of the last 30 days of a calendar.

        Raises:
            InvalidInput: the dates are no range.
        """
        if self.start_date is not None or self.end_date is not None:
            self.days()
            return self
        today = calendar.date_of(utcnow())
        return self.model_copy(update={"start_date": today - timedelta(days=DEFAULT_DAYS - 1), "end_date": today})

    def within(self, campaign: Chosen) -> Self:
        """Return the same query with the dates of a campaign.

        Raises:
            InvalidInput: the query has dates of its own.
        """
        for parameter, day in (("startDate", self.start_date), ("endDate", self.end_date)):
            if day is not None:
                message = f"{parameter}: a campaign has its own dates: leave out startDate and endDate"
                raise InvalidInput(message, parameter)
        return self.model_copy(update={"start_date": campaign.first, "end_date": campaign.last})

    def bounds(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Return the range as instants; the end is exclusive."""
        return calendar.range_span(*self.dated(calendar).days()).bounds


class PageQuery(RangeQuery):
    """A range that is read page by page."""

    limit: Annotated[int, BeforeValidator(whole_number)] = Field(
        100, ge=1, le=1000, description="The largest number of items on a page."
    )
    cursor: str | None = Field(
        None, max_length=1024, description="`page.nextCursor` of the previous page; keep the other parameters."
    )


class MetricsQuery(PageQuery):
    """Selects observations of a workspace or an account."""

    platform: PlatformName | None = None
    metric_type: MetricTypeName | None = None


class PostMetricsQuery(PageQuery):
    """Selects observations of a post."""


class AggregatedQuery(PageQuery):
    """Selects rollups."""

    period: PeriodName = Field(
        description="`daily`, `weekly` and `monthly` are stored, the others are merged from days. `rolling-7`, "
        "`rolling-28` and `rolling-90` end at each day of the range; `custom` is the whole range as one period. "
        "`campaign:<name>` is the range of a campaign, over its accounts or posts alone, and takes no dates."
    )
    platform: PlatformName | None = None
    account_id: Id | None = Field(None, description="Rollups of one account only.")
    fields: Fields | None = Field(
        None, description="Answer these metrics only: names of `aggregatedMetrics` and of totals, separated by commas.",
        examples=["followers,totalEngagement"],
    )  # fmt: skip
    group_by: GroupName | None = Field(
        None,
        description="Answer the totals of each group as well, in `groups`: of the accounts of each platform, or of the "
        "posts of each content type.",
    )
    include: MetricNames | None = Field(
        None, description=f"Answer these metrics of your own as well: 1 to {MAX_METRICS} names, separated by commas.",
        examples=["save_rate"],
    )  # fmt: skip
    at: Version | None = Field(
        None,
        description="Read the one metric of your own that is named in this version; else each in its newest.",
    )
    compare: CompareName | None = Field(
        None,
        description="Compare each rollup and each total. `previous`: with the preceding period, or the range of equal "
        "length before a custom range. `yoy`: with the same period a year before, for weeks the same ISO week. "
        "`elapsed`: the whole days of an open period with as many days of the preceding one; ended periods as "
        "`previous` does.",
    )


class SeriesQuery(RangeQuery):
    """Selects metrics, the periods of their values, and the groups to divide them into."""

    max_days: ClassVar[int | None] = None

    end_date: Day | None = Field(
        None,
        description="The last day, inclusive. The range may have at most 400 periods of the interval; `hourly` at most "
        "31 days.",
    )
    scope: SeriesScope = Field(
        "accounts",
        description="`accounts`: the connected accounts. `benchmarks`: the watched ones by platform and group, each "
        "with its values, and the quartiles of the others; with `interval` `weekly`, `monthly` or `custom`, the "
        "metrics of benchmarks, and of the other parameters only the dates, `platform` and `group`.",
    )
    metrics: MetricNames = Field(
        description=f"1 to {MAX_METRICS} names of totals or of metrics of your own, separated by commas.",
        examples=["followers,totalEngagement"],
    )
    interval: IntervalName = Field(
        "daily",
        description="What the values are of. `hourly`: nets of counters and levels in each hour. `rolling-7`, "
        "`rolling-28` and `rolling-90` end at each day of the range; `custom` is the whole range as one period. "
        "`campaign:<name>` is the range of a campaign as one period, over its accounts or posts alone, without dates.",
    )
    group_by: GroupFields | None = Field(
        None,
        description="Divide into groups by these fields: some of `platform`, `account`, `contentType`, `metricType`, "
        "separated by commas.",
        examples=["platform,contentType"],
    )
    platform: PlatformName | None = None
    group: GroupOfWatched | None = Field(None, description="With `scope=benchmarks`: of one group only.")
    account_id: Id | None = Field(None, description="Of one account only.")
    content_type: ContentTypeName | None = None
    compare: CompareName | None = Field(
        None,
        description="Compare the range of each series. `previous`: with the range of equal length before it. `yoy`: "
        "with the same dates a year before. `elapsed`: the whole days of an open range with as many days of the "
        "preceding one.",
    )

    at: Version | None = Field(
        None,
        description="Read the one metric of your own that is named in this version; else each in its newest.",
    )

    @property
    def fields_of_groups(self) -> tuple[str, ...]:
        """The fields of `groupBy`."""
        return tuple(self.group_by.split(",")) if self.group_by else ()


class PostsQuery(PageQuery):
    """Selects and sorts posts."""

    sort: SortName = Field("engagement", description="The value to sort by.")
    order: OrderName = Field(
        "desc", description="`desc`: greatest value first. Posts without a value come last in both orders."
    )
    platform: PlatformName | None = None
    content_type: ContentTypeName | None = None
    account_id: Id | None = Field(None, description="Posts of one account only.")
    q: Search | None = Field(
        None, description="Only posts whose `captionExcerpt` contains this text of 2 to 100 characters; case does not "
        "count, and no character has a special meaning.",
        examples=["summer sale"],
    )  # fmt: skip
    post_ids: PostIds | None = Field(
        None, description=f"Only these posts of the range: 1 to {MAX_IDS} ids, separated by commas.",
        examples=["post_a41x,post_b07k"],
    )  # fmt: skip


def _horizon(value: object) -> object:
    return _one_of(value, HORIZONS)


def _hours(value: object) -> object:
    return _one_of(value, HOURS_SPANS)


def _one_of(value: object, allowed: Iterable[int]) -> int:
    if str(value) not in map(str, allowed):
        raise ValueError(f"must be one of {', '.join(map(str, allowed))}")
    return int(str(value))


class ForecastsQuery(Query):
    """Selects the forecasts of one metric."""

    metric: ForecastedName = Field(description="The metric, by its name in rollups.", examples=["followers"])
    horizon: Annotated[int, BeforeValidator(_horizon), Field(json_schema_extra={"enum": list(HORIZONS)})] = Field(
        max(HORIZONS), description="How many days ahead; 28 days need a history of 56 days, 7 days one of 28."
    )
    account_id: Id | None = Field(None, description="Of one account only.")


class HourlyForecastsQuery(Query):
    """Selects the forecasts of the next hours of one metric."""

    metric: HourlyForecastedName = Field(description="The metric, by its name in rollups.", examples=["followers"])
    horizon: Annotated[int, BeforeValidator(_hours), Field(json_schema_extra={"enum": list(HOURS_SPANS)})] = Field(
        max(HOURS_SPANS), description="How many hours ahead."
    )
    account_id: Id | None = Field(None, description="Of one account only.")


class AnomaliesQuery(PageQuery):
    """Selects anomalies that overlap a range of days."""

    status: StatusName | None = Field(None, description="`open`, `ended` or `withdrawn` ones only.")
    kind: KindName | None = Field(None, description="Of one kind only; `collection` ones say nothing of the audience.")
    metric: WatchedName | None = Field(None, description="Of one metric only, by its name in rollups.")
    account_id: Id | None = Field(None, description="Of one account only; then `meta.watched` has the reasons, too.")
    post_id: Id | None = Field(None, description="Breakouts of one post only.")


class PostInsightsQuery(Query):
    """Selects what is said of the posts of accounts."""

    account_id: Id | None = Field(None, description="Of one account only.")


class OutlooksQuery(PostInsightsQuery):
    """Selects the outlooks of young posts."""

    post_id: Id | None = Field(
        None, description="Of one post only, of any age; without it, of posts of the last eight days."
    )


class BenchmarksQuery(PageQuery):
    """Selects groups of watched accounts, the periods, and the metrics."""

    period: BenchmarkPeriodName = Field(
        "weekly",
        description="`weekly` and `monthly`: each period that holds a day of the range. `custom`: the range as one.",
    )
    platform: PlatformName | None = None
    group: GroupOfWatched | None = Field(
        None, description="Of one group only; without it, every group, and the accounts without one."
    )
    metrics: BenchmarkMetrics | None = Field(
        None, description="These metrics only, separated by commas.", examples=["followers,engagementPerPost"]
    )

    @property
    def names(self) -> tuple[BenchmarkMetric, ...]:
        """The metrics, in the order of the request."""
        return cast("tuple[BenchmarkMetric, ...]", tuple(self.metrics.split(","))) if self.metrics else tuple(METRICS)


class ExportQuery(RangeQuery):
    """Selects the rows of an export and the format of the file."""

    dataset: Annotated[Dataset, one_of(*OVER_HTTP)]
    format: Annotated[Format, one_of(*FORMATS)]
    period: BenchmarkPeriodName | None = Field(
        None, description="With `benchmarks`: the kind of the periods, by default `weekly`."
    )
    include: MetricNames | None = Field(
        None,
        description=f"With `aggregated`: write these metrics of your own, too: 1 to {MAX_METRICS} names, separated by "
        "commas.",
        examples=["save_rate"],
    )
    at: Version | None = Field(
        None,
        description="Read the one metric of your own that is named in this version; else each in its newest.",
    )
    ticket: str | None = Field(None, max_length=128)


class CatalogQuery(Query):
    """Selects the workspace whose own metrics are listed as well."""

    workspace_id: Id | None = Field(
        None, description="List the metrics of this workspace's own as well, in `definitions`.", examples=["demo-north"]
    )
