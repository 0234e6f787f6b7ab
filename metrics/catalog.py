"""The metric catalog: the only place that defines metrics.

A metric is identified by its canonical name and the kind of its subject: the `reach` of an account is of one day, the
`reach` of a post of its whole life. The modules of `metrics/platforms` have each platform's fields, docs/metrics.md the
definitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from metrics.documents import METRIC_TYPES, ContentType, MetricType, Platform
from metrics.platforms.facts import Offer
from metrics.platforms.registry import FACTS

DEFINITION_VERSION = 2
"""Raised when a change of a definition changes the meaning of rollups.

2: expected and observed hours, in `coverage` and `status`, are only hours that have ended and in which the account was
connected.
"""

Subject = Literal["account", "post"]
Kind = Literal["counter", "gauge", "period_sum", "period_unique", "ratio"]
Unit = Literal["count", "people", "milliseconds", "minutes", "percent"]

ENGAGEMENT_PARTS = ("likes", "comments", "shares", "saves")
RATE_BASIS: Mapping[Platform, str] = {platform: facts.rate_basis for platform, facts in FACTS.items()}
"""The metric by which engagement is divided."""
DAY_BASIS: Mapping[Platform, str] = {platform: facts.day_zone for platform, facts in FACTS.items() if facts.day_zone}
"""The time zones of the days to which the numbers of a platform's own days belong; the others have no such numbers."""
LEVEL_BASIS: Mapping[Platform, str] = {
    platform: facts.rate_basis for platform, facts in FACTS.items() if facts.rate_basis_of == "account"
}
"""The platforms whose basis is a level of the account, by which the engagement of its posts is divided."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one kind of subject. `adds_over_subjects` is False for people that a platform counts once."""

    name: str
    subject: Subject
    kind: Kind
    meaning: str
    offers: Mapping[Platform, Offer]
    unit: Unit = "count"
    adds_over_subjects: bool = True

    @property
    def adds_over_time(self) -> bool:
        """True if values of consecutive periods add up: net changes of counters and sums of the provider's days do."""
        return self.kind in ("counter", "period_sum")

    @property
    def may_be_negative(self) -> bool:
        """True if a value below zero is possible: sums of a day, and counts from which withdrawals are subtracted."""
        return self.kind == "period_sum" or self.name == "interactions"


def _metric(
    name: str, subject: Subject, kind: Kind, meaning: str, unit: Unit = "count", adds_over_subjects: bool = True
) -> Metric:
    """Return a metric with the offers of all platforms that have it."""
    offers = {
        platform: offer
        for platform, facts in FACTS.items()
        if (offer := facts.account_offer(name) if subject == "account" else facts.post_offer(name)) is not None
    }
    return Metric(name, subject, kind, meaning, offers, unit, adds_over_subjects)


_TABLE = (
    # Levels of accounts
    _metric("followers", "account", "gauge", "People who follow the account.", unit="people"),
    _metric("following", "account", "gauge", "Accounts that the account follows."),
    _metric("posts", "account", "gauge", "Posts that the platform counts for the account now."),
    _metric("likesReceived", "account", "gauge", "Likes that all posts of the account have together now."),
    _metric("monthlyViews", "account", "gauge", "Times the account's content was seen within the last thirty days."),
    # Numbers of accounts for the provider's own day
    _metric(
        "reach",
        "account",
        "period_unique",
        "People who saw anything of the account on the provider's day.",
        unit="people",
        adds_over_subjects=False,
    ),
    _metric(
        "weeklyReach",
        "account",
        "period_unique",
        "People who saw anything of the account in seven provider days.",
        unit="people",
        adds_over_subjects=False,
    ),
    _metric("accountViews", "account", "period_sum", "Views of the account's content on the provider's day."),
    _metric(
        "accountEngagedViews",
        "account",
        "period_sum",
        "Views on the provider's day in the meaning that YouTube's later changes of «view» left as it was.",
    ),
    _metric(
        "accountWatchTime",
        "account",
        "period_sum",
        "Time that the account's videos were watched on the provider's day.",
        unit="minutes",
    ),
    _metric(
        "accountThumbnailImpressions",
        "account",
        "period_sum",
        "Times that the preview pictures of the account's videos were shown on the provider's day.",
    ),
    _metric("accountLikes", "account", "period_sum", "Likes given on the provider's day, less those taken back."),
    _metric("accountComments", "account", "period_sum", "Comments written on the provider's day."),
    _metric("accountShares", "account", "period_sum", "Shares of the account's content on the provider's day."),
    _metric("accountSaves", "account", "period_sum", "Times the account's content was saved on the provider's day."),
    _metric("accountClicks", "account", "period_sum", "Clicks on the account's content on the provider's day."),
    _metric(
        "accountImpressions", "account", "period_sum", "Impressions of the account's content on the provider's day."
    ),
    _metric(
        "accountInteractions",
        "account",
        "period_sum",
        "Interactions with the account's content on the provider's day, less those taken back.",
    ),
    _metric(
        "accountsEngaged",
        "account",
        "period_unique",
        "People who interacted with the account on the provider's day.",
        unit="people",
        adds_over_subjects=False,
    ),
    _metric("profileViews", "account", "period_sum", "Views of the profile or page on the provider's day."),
    _metric("websiteClicks", "account", "period_sum", "Clicks on the account's website link on the provider's day."),
    _metric(
        "linkClicks",
        "account",
        "period_sum",
        "Clicks on the links that the account shared on the platform, on the provider's day.",
    ),
    _metric(
        "newFollowers",
        "account",
        "period_sum",
        "People who began to follow on the provider's day; losses are not in it.",
        unit="people",
    ),
    _metric(
        "lostFollowers",
        "account",
        "period_sum",
        "People who stopped following on the provider's day; gains are not in it.",
        unit="people",
    ),
    _metric(
        "netFollowers",
        "account",
        "period_sum",
        "Followers gained less followers lost on the provider's day.",
        unit="people",
    ),
    # Lifetime counters of posts
    _metric("likes", "post", "counter", "Likes, or all reactions where the platform has several kinds."),
    _metric("comments", "post", "counter", "Comments; replies on X, Threads and Bluesky."),
    _metric("shares", "post", "counter", "Shares; reposts and quotes on X and Bluesky, and all three on Threads."),
    _metric("saves", "post", "counter", "Times the post was saved; bookmarks on X and Bluesky."),
    _metric("impressions", "post", "counter", "Times the post was shown, as the platform counts impressions."),
    _metric("views", "post", "counter", "Times the post was seen or played, as the platform counts views."),
    _metric(
        "reach", "post", "counter", "People who saw the post, over its life.", unit="people", adds_over_subjects=False
    ),
    _metric("videoViews", "post", "counter", "Plays of the post's video."),
    _metric("clicks", "post", "counter", "Clicks on the post or its links."),
    _metric("outboundClicks", "post", "counter", "Clicks that led from the post to a page outside the platform."),
    _metric(
        "interactions",
        "post",
        "counter",
        "Interactions as the platform counts them, less those taken back; not the sum of the parts.",
    ),
    _metric("follows", "post", "counter", "Follows that began at the post."),
    _metric("profileVisits", "post", "counter", "Visits to the profile that began at the post."),
    _metric("replies", "post", "counter", "Replies to a story; always 0 for people in the EU and Japan."),
    _metric("navigation", "post", "counter", "Taps forward, back and out, and swipes forward, on a story."),
    _metric(
        "watchTime",
        "post",
        "counter",
        "Time that a reel or a video was played, replays included.",
        unit="milliseconds",
    ),
)

CATALOG: Mapping[tuple[Subject, str], Metric] = {(m.subject, m.name): m for m in _TABLE}
COUNTERS = tuple(m.name for m in _TABLE if m.kind == "counter")
GAUGES = tuple(m.name for m in _TABLE if m.kind == "gauge")


def subject_kind(metric_type: MetricType) -> Subject:
    """Return the kind of subject in the catalog for a metric type."""
    return "account" if metric_type == "account" else "post"


def metrics_of(subject: Subject, *kinds: Kind) -> tuple[Metric, ...]:
    """Return the metrics of accounts or of posts: those of the given kinds, or all."""
    return tuple(m for m in _TABLE if m.subject == subject and (not kinds or m.kind in kinds))


@cache
def offered(
    platform: Platform, metric_type: MetricType, content_type: ContentType | None = None
) -> Mapping[str, Offer]:
    """Return the metrics that a platform offers for one kind of subject, by canonical name."""
    subject = subject_kind(metric_type)
    found = {
        metric.name: offer
        for metric in _TABLE
        if metric.subject == subject
        and (offer := metric.offers.get(platform)) is not None
        and offer.covers(metric_type, content_type)
    }
    return MappingProxyType(found)


@cache
def shown_of_others(
    platform: Platform, metric_type: MetricType, content_type: ContentType | None = None
) -> Mapping[str, Offer]:
    """Return the metrics that a platform shows of accounts of others for one kind of subject, by canonical name."""
    shown, facts = FACTS[platform].public_numbers, FACTS[platform]
    found = dict[str, Offer]()
    of_account = metric_type == "account"
    for name in () if shown is None else shown.accounts if of_account else shown.posts:
        usual = facts.account_offer(name) if of_account else facts.post_offer(name)
        offer = usual if shown is None or of_account else shown.differs.get(name, usual)
        if offer is not None and offer.covers(metric_type, content_type):
            found[name] = offer
    return MappingProxyType(found)


@cache
def shown_engagement_parts(
    platform: Platform, metric_type: MetricType, content_type: ContentType | None = None
) -> tuple[str, ...]:
    """Return the parts of engagement that a platform shows of a kind of post of others; empty if it shows none."""
    offers = shown_of_others(platform, metric_type, content_type)
    return tuple(part for part in ENGAGEMENT_PARTS if part in offers)


@cache
def engagement_parts(
    platform: Platform, metric_type: MetricType, content_type: ContentType | None = None
) -> tuple[str, ...]:
    """Return the parts of engagement that a platform offers for a kind of post, to all its accounts.

    Clicks are never a part.
    """
    offers = offered(platform, metric_type, content_type)
    return tuple(part for part in ENGAGEMENT_PARTS if part in offers and not offers[part].further)


def engagement(
    values: Mapping[str, int | float],
    platform: Platform,
    metric_type: MetricType,
    content_type: ContentType | None = None,
) -> int | float | None:
    """Return the sum of the parts of engagement, or None if the platform offers none or any of them is unknown.

    What is no number, though a platform answered with it, is unknown.
    """
    parts = [values.get(part) for part in engagement_parts(platform, metric_type, content_type)]
    numbers = [part for part in parts if isinstance(part, int | float)]
    return sum(numbers) if numbers and len(numbers) == len(parts) else None


def supported(platform: Platform, name: str) -> bool:
    """Tell whether any subject of a platform has a metric of this name, or any part of `engagement`."""
    if name == "engagement":
        return any(supported(platform, part) for part in ENGAGEMENT_PARTS)
    return any((m := CATALOG.get((s, name))) and platform in m.offers for s in ("account", "post"))


__all__ = [
    "CATALOG", "COUNTERS", "DAY_BASIS", "DEFINITION_VERSION", "ENGAGEMENT_PARTS", "GAUGES", "LEVEL_BASIS",
    "METRIC_TYPES", "RATE_BASIS", "Kind", "Metric", "Offer", "Subject", "Unit", "engagement", "engagement_parts",
    "metrics_of", "offered", "shown_engagement_parts", "shown_of_others", "subject_kind", "supported",
]  # fmt: skip
