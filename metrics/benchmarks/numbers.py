"""The numbers of one watched account over one period, from its rollup, and the reason for each that is absent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from metrics.aggregation.public_sums import views_metric
from metrics.benchmarks.catalog import METRICS, BenchmarkMetric, is_offered
from metrics.documents import AggregatedDocument, Platform, WatchedDocument, WatchedState
from metrics.platforms.registry import FACTS

NumberReason = Literal[
    WatchedState,
    "no_observation",
    "not_supported",
    "rounded",
    "definition_changed",
    "terms",
    "zero_basis",
    "hidden_likes",
]
"""Why an account has no number: the state of one that is not read, or what its numbers lack."""
_LEVELS: tuple[BenchmarkMetric, ...] = ("followers", "followerGrowth", "followerGrowthRate")
"""The metrics that can be made of numbers that a person enters."""
_SMALLEST_ROUNDED = 1000


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of an account by metric, with the reasons of absent ones.

    `measured_posts` are the new posts with a known engagement, `hidden_posts` those without one because their likes are
    hidden, and `viewed_posts` those whose views are shown.
    """

    values: Mapping[BenchmarkMetric, float] = field(default_factory=dict)
    unavailable: Mapping[BenchmarkMetric, NumberReason] = field(default_factory=dict)
    posts_by_type: Mapping[str, int] | None = None
    measured_posts: int = 0
    hidden_posts: int = 0
    viewed_posts: int = 0


def no_numbers(reason: NumberReason) -> Numbers:
    """Return the numbers of an account that has none, for one reason."""
    return Numbers(unavailable=dict.fromkeys(METRICS, reason))


def numbers_of(
    document: AggregatedDocument, watched: WatchedDocument, dates: tuple[date, date], *, may_derive: bool
) -> Numbers:
    """Return the numbers of an account.

    `document` is its public rollup of the period, and `dates` are the first and the last date of that. `may_derive`
    says that the terms of the platform allow to derive numbers from those that it shows.
    """
    platform, manual = document["platform"], watched["source"] == "manual"
    metrics, values = document["aggregatedMetrics"], dict[BenchmarkMetric, float]()
    unavailable: dict[BenchmarkMetric, NumberReason] = {}
    for name, meaning in METRICS.items():
        if not (name in _LEVELS if manual else is_offered(platform, name)):
            unavailable[name] = "not_supported"
        elif meaning.derived and not may_derive and not manual:
            unavailable[name] = "terms"
        elif name != "postsByType" and name != "shareOfEngagement":
            found = _value(name, metrics, platform, dates)
            if isinstance(found, str):
                unavailable[name] = found
            else:
                values[name] = found
    return Numbers(
        values,
        unavailable,
        None if "postsByType" in unavailable else metrics.get("postCountByType", {}),
        metrics.get("measuredPosts", 0),
        metrics.get("hiddenPosts", 0),
        metrics.get("viewedPosts", 0),
    )


def _value(
    name: BenchmarkMetric, metrics: Mapping[str, Any], platform: Platform, dates: tuple[date, date]
) -> float | NumberReason:
    match name:
        case "followers":
            return _known(metrics, "followers")
        case "followerGrowth":
            return _growth(metrics, platform)
        case "followerGrowthRate":
            return _growth_rate(metrics, platform)
        case "posts":
            return _known(metrics, "postCount")
        case "engagement":
            return _engagement(metrics)
        case "engagementPerPost":
            return _per_post(metrics, "engagementOfNewPosts", "measuredPosts")
        case "engagementPer1000Followers":
            return _per_followers(metrics)
        case _:
            if _is_crossed(_changes(platform), dates):
                return "definition_changed"
            return _per_post(metrics, "viewsOfNewPosts", "viewedPosts")


def _known(metrics: Mapping[str, Any], name: str) -> float | NumberReason:
    value: float | None = metrics.get(name)
    return "no_observation" if value is None else value


def _growth(metrics: Mapping[str, Any], platform: Platform) -> float | NumberReason:
    if "followers" not in metrics or "followerGrowth" not in metrics:
        return "no_observation"
    growth: float = metrics["followerGrowth"]
    step = step_of(platform, max(metrics["followers"], metrics["followers"] - growth))
    return "rounded" if step > 1 and abs(growth) < step else growth


def step_of(platform: Platform, followers: float) -> int:
    """Return the step in which a platform shows so many followers: 1 if it does not round them."""
    shown = FACTS[platform].public_numbers
    digits = shown.digits.get("followers") if shown else None
    if digits is None or followers < _SMALLEST_ROUNDED:
        return 1
    step: int = 10 ** (len(str(int(followers))) - digits)
    return step


def _growth_rate(metrics: Mapping[str, Any], platform: Platform) -> float | NumberReason:
    growth = _growth(metrics, platform)
    if isinstance(growth, str):
        return growth
    if metrics["followers"] == growth:
        return "zero_basis"
    # The followers just before the period are unknown if the account was not observed before it.
    return _known(metrics, "followerGrowthRate")


def _engagement(metrics: Mapping[str, Any]) -> float | NumberReason:
    if "totalEngagement" not in metrics and metrics.get("hiddenPosts"):
        return "hidden_likes"
    return _known(metrics, "totalEngagement")


def _per_post(metrics: Mapping[str, Any], over: str, under: str) -> float | NumberReason:
    posts: int = metrics.get(under, 0)
    if posts:
        found: float = metrics[over] / posts
        return found
    if under == "measuredPosts" and metrics.get("hiddenPosts"):
        return "hidden_likes"
    return "no_observation" if metrics.get("postCount") else "zero_basis"


def _per_followers(metrics: Mapping[str, Any]) -> float | NumberReason:
    engagement, followers = _engagement(metrics), _known(metrics, "followers")
    if isinstance(engagement, str):
        return engagement
    if isinstance(followers, str):
        return followers
    return 1000 * engagement / followers if followers > 0 else "zero_basis"


def _changes(platform: Platform) -> tuple[date, ...]:
    """Return the days on which the platform changed what it counts as a view of a post."""
    metric = views_metric(platform)
    offer = FACTS[platform].post_offer(metric) if metric else None
    return offer.changed if offer else ()


def _is_crossed(changes: Iterable[date], dates: tuple[date, date]) -> bool:
    return any(dates[0] < change <= dates[1] for change in changes)
