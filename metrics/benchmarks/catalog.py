"""The metrics of benchmarks: what each is, over what it is, and which need a consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from metrics.aggregation.public_sums import views_metric
from metrics.catalog import ENGAGEMENT_PARTS
from metrics.documents import Platform
from metrics.platforms.registry import FACTS

BenchmarkMetric = Literal[
    "followers",
    "followerGrowth",
    "followerGrowthRate",
    "posts",
    "postsByType",
    "engagement",
    "engagementPerPost",
    "engagementPer1000Followers",
    "viewsPerPost",
    "shareOfEngagement",
]
BenchmarkUnit = Literal["count", "people", "percent"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric is; `basis` is what it is divided by, empty if it is no quotient.

    A metric that is not `compared` is shown of each account, and has no distribution. One that is not `derived` is a
    number as the platform shows it.
    """

    unit: BenchmarkUnit
    formula: str
    basis: str = ""
    compared: bool = True
    derived: bool = True


METRICS: Mapping[BenchmarkMetric, Meaning] = {
    "followers": Meaning("people", "followers at the end of the period", derived=False),
    "followerGrowth": Meaning("people", "followers at the end - followers just before the period"),
    "followerGrowthRate": Meaning(
        "percent", "100 x followerGrowth / followers just before the period", "followersBefore"
    ),
    "posts": Meaning("count", "posts published in the period"),
    "postsByType": Meaning("count", "posts published in the period, by content type", compared=False),
    "engagement": Meaning("count", "sum over all posts of what each of engagementParts gained in the period"),
    "engagementPerPost": Meaning(
        "count", "what the measured posts of the period gained in it / their number (measuredPosts)", "measuredPosts"
    ),
    "engagementPer1000Followers": Meaning("count", "1000 x engagement / followers", "followers"),
    "viewsPerPost": Meaning(
        "count",
        "views that posts of the period gained in it / number of those whose views are shown",
        "viewedPosts",
    ),
    "shareOfEngagement": Meaning(
        "percent", "100 x engagement / sum of it over the accounts of the group", "engagementOfGroup", compared=False
    ),
}
COMPARED: tuple[BenchmarkMetric, ...] = tuple(name for name, meaning in METRICS.items() if meaning.compared)


def engagement_parts_shown(platform: Platform) -> tuple[str, ...]:
    """Return the parts of the engagement of any post that a platform shows of others."""
    shown = FACTS[platform].public_numbers
    return tuple(part for part in ENGAGEMENT_PARTS if shown is not None and part in shown.posts)


def notes_of(platform: Platform) -> tuple[str, ...]:
    """Return what is not to be compared on a platform, or only with care, in whole sentences."""
    facts = FACTS[platform]
    return (facts.public.no_route,) if facts.public_numbers is None else facts.public_numbers.notes


def is_offered(platform: Platform, metric: BenchmarkMetric) -> bool:
    """Tell whether a platform shows of accounts of others what a metric is made of."""
    shown = FACTS[platform].public_numbers
    if shown is None:
        return False
    match metric:
        case "followers" | "followerGrowth" | "followerGrowthRate":
            return "followers" in shown.accounts
        case "posts" | "postsByType":
            # A selection of the posts does not tell how many there are.
            return bool(shown.posts) and shown.lists_all
        case "viewsPerPost":
            return views_metric(platform) is not None
        case _:
            return bool(engagement_parts_shown(platform))
