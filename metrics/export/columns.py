"""The columns of exports, generated from the catalog; docs/export.md lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from metrics.aggregation.accounts import PERIOD_SUMS
from metrics.aggregation.post_sums import TOTALS, total_name
from metrics.benchmarks.catalog import METRICS
from metrics.catalog import metrics_of
from metrics.documents import PLATFORMS

Dataset = Literal["metrics", "aggregated", "benchmarks"]
OVER_HTTP: tuple[Dataset, ...] = get_args(Dataset)
DATASETS: tuple[Dataset, ...] = ("metrics", "aggregated")
"""The datasets of Parquet folders. Benchmarks are in none: platforms limit how long numbers of others may be stored."""
Format = Literal["csv", "ndjson", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

SCHEMA_VERSION = 1
"""Raised when a column is renamed, removed or changes its type; new columns do not raise it."""

Type = Literal["string", "timestamp", "integer", "number", "json"]
PARQUET_TYPES: Mapping[Type, str] = {
    "string": "string",
    "timestamp": "timestamp[ms, UTC]",
    "integer": "int64",
    "number": "double",
    "json": "string",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The type `json` is a text with a JSON object, for names that have no column of their own."""

    name: str
    type: Type
    meaning: str


def _metrics() -> tuple[Column, ...]:
    found = [
        Column("workspaceId", "string", "The workspace."),
        Column("accountId", "string", "The account."),
        Column("platform", "string", f"{', '.join(PLATFORMS[:-1])} or {PLATFORMS[-1]}."),
        Column("metricType", "string", "account, post, story or reel: the kind of subject."),
        Column("postId", "string", "The post, if the row is about one."),
        Column("platformPostId", "string", "The platform's id of the post."),
        Column("contentType", "string", "image, video, carousel, text, link, document or other."),
        Column("timestamp", "timestamp", "The slot: start of the UTC hour."),
        Column("collectedAt", "timestamp", "When the platform answered; the newest answer counts."),
    ]
    meanings: dict[str, list[str]] = {}
    for metric in (*metrics_of("account"), *metrics_of("post")):
        meanings.setdefault(metric.name, []).append(f"{metric.meaning.rstrip('.')} ({metric.subject}, {metric.kind}).")
    found += [Column(name, "integer", " ".join(texts)) for name, texts in meanings.items()]
    return (
        *found,
        Column("engagement", "integer", "likes + comments + shares + saves, if every part that is offered is known."),
        Column("unavailable", "json", "Reasons for unknown metrics, by name."),
        Column("otherMetrics", "json", "Values that fit no column above, by name."),
        Column("runId", "string", "The run that wrote the row."),
        Column("apiVersion", "string", "The version of the platform's API that answered."),
    )


def _aggregated() -> tuple[Column, ...]:
    return (
        Column("workspaceId", "string", "The workspace."),
        Column("accountId", "string", "The account."),
        Column("platform", "string", f"{', '.join(PLATFORMS[:-1])} or {PLATFORMS[-1]}."),
        Column("period", "string", "daily; merge days to get weeks and months."),
        Column("periodStart", "timestamp", "First instant of the period."),
        Column("periodEnd", "timestamp", "First instant after the period."),
        Column("status", "string", "complete, partial or open."),
        *(Column(total_name(n), "integer", f"Net change of {n} over the account's posts.") for n in TOTALS),
        Column("totalEngagement", "integer", "Net change of engagement over the account's posts."),
        Column("engagementRate", "number", "Net engagement in percent of net basis, pooled over posts."),
        Column("engagementRateBasis", "string", "The metric that is the basis of the rate."),
        Column(
            "engagementRatePartsEngagement", "integer", "Engagement of the posts in the rate; sum it to pool rates."
        ),
        Column(
            "engagementRatePartsBasis",
            "integer",
            "Basis of the rate: sum it to pool rates, but a level such as followers only over accounts of one period.",
        ),
        Column("avgEngagementRate", "number", "Mean of the posts' rates in percent."),
        Column("minEngagementRate", "number", "Lowest of the posts' rates in percent."),
        Column("maxEngagementRate", "number", "Highest of the posts' rates in percent."),
        Column("postsMeasured", "integer", "Posts in the rates."),
        Column("followers", "integer", "Followers at the end."),
        Column("minFollowers", "integer", "Lowest number of followers."),
        Column("maxFollowers", "integer", "Highest number of followers."),
        Column("avgFollowers", "number", "Mean number of followers over the slots."),
        Column("followerGrowth", "integer", "Followers at the end minus followers at the beginning."),
        Column("followerGrowthRate", "number", "Growth in percent of the followers at the beginning."),
        Column("postCount", "integer", "Posts published in the period."),
        Column("deletedPostCount", "integer", "Posts of `postCount` that are deleted."),
        Column("postCountByType", "json", "Number of posts by content type."),
        *(Column(name, "integer", "The provider's own sum over its days.") for name in PERIOD_SUMS),
        Column("reach", "integer", "The provider's own number of people; never a sum."),
        Column("expectedSlots", "integer", "Hours that could be observed."),
        Column("observedSlots", "integer", "Hours that were observed."),
        Column("unavailable", "json", "Reasons for unknown metrics, by name."),
        Column("otherMetrics", "json", "Values that fit no column above, by name."),
        Column("definitionVersion", "integer", "Version of the metric definitions of the row."),
        Column("computedAt", "timestamp", "When the row was computed."),
        Column("runId", "string", "The run that computed the row."),
    )


def _benchmarks() -> tuple[Column, ...]:
    return (
        Column("workspaceId", "string", "The workspace."),
        Column("period", "string", "weekly, monthly or custom."),
        Column("periodStart", "timestamp", "First instant of the period."),
        Column("periodEnd", "timestamp", "First instant after the period."),
        Column("periodLabel", "string", "The name of the period."),
        Column("status", "string", "complete, partial or open."),
        Column("platform", "string", f"{', '.join(PLATFORMS[:-1])} or {PLATFORMS[-1]}."),
        Column("group", "string", "The group; NULL for the accounts without one."),
        Column("kind", "string", "account; or n, p25, median, p75 of the accounts that are compared and not own."),
        Column("key", "string", "The handle after an @, or the id, with which the account is watched."),
        Column("handle", "string", "The present handle of the account."),
        Column("label", "string", "The name to show to people."),
        Column("own", "string", "The connected account that is the same account."),
        Column("source", "string", "public, or manual if a person entered the numbers."),
        Column("enteredBy", "string", "Who entered numbers last."),
        Column("state", "string", "Whether the account can be read now."),
        Column("days", "integer", "Days of the period so far."),
        Column("observedDays", "integer", "Days on which the account was read."),
        Column("measuredPosts", "integer", "Posts of the period whose engagement is known."),
        Column("hiddenPosts", "integer", "Posts of the period that are left out because their likes are hidden."),
        Column("viewedPosts", "integer", "Posts of the period whose views are shown."),
        *(
            Column(name, "number", f"{meaning.formula[0].upper()}{meaning.formula[1:]}.")
            for name, meaning in METRICS.items()
            if name != "postsByType"
        ),
        Column("postsByType", "json", "Posts published in the period, by content type."),
        Column("percentileRanks", "json", "Of an own account: its percentile rank by metric."),
        Column("unavailable", "json", "Reasons for absent numbers, by metric."),
        Column("leftOut", "json", "Why the account is not compared, by metric."),
    )


@cache
def columns(dataset: Dataset, own: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Return the columns of a dataset, in order; those of a workspace's own metrics, by name, come last."""
    if dataset != "aggregated":
        return _metrics() if dataset == "metrics" else _benchmarks()
    further = [Column(name, "number", "A metric of the workspace's own.") for name in own]
    parts = Column("parts", "json", "What the values of own metrics were computed from: add up over and under to pool.")
    return (*_aggregated(), *further, parts) if own else _aggregated()


@cache
def types(dataset: Dataset, own: tuple[str, ...] = ()) -> Mapping[str, Type]:
    """Return the types of a dataset's columns, by name; the arguments are those of `columns`."""
    return {column.name: column.type for column in columns(dataset, own)}
