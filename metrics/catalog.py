"""The metric catalog: the only place that defines metrics.

A metric is identified by its canonical name and the kind of its subject: the `reach` of an account is of one day, the
`reach` of a post of its whole life. `Offer` has the fields of each platform, docs/metrics.md the definitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Literal

from metrics.documents import METRIC_TYPES, PLATFORMS, ContentType, MetricType, Platform

DEFINITION_VERSION = 2
"""Raised when a change of a definition changes the meaning of rollups.

2: expected and observed hours, in `coverage` and `status`, are only hours that have ended and in which the account was
connected.
"""

Subject = Literal["account", "post"]
Kind = Literal["counter", "gauge", "period_sum", "period_unique", "ratio"]
Unit = Literal["count", "people", "milliseconds", "percent"]

ENGAGEMENT_PARTS = ("likes", "comments", "shares", "saves")
RATE_BASIS: Mapping[Platform, str] = {
    "instagram": "views",
    "facebook": "views",
    "twitter": "impressions",
    "linkedin": "impressions",
}

_POSTS: tuple[MetricType, ...] = ("post", "story", "reel")


@dataclass(frozen=True, slots=True)
class Offer:
    """How one platform offers a metric.

    `field` is the platform's name of the metric, or several names joined by " + " whose values are summed. `on` are the
    metric types that have the metric; `without` are content types of ordinary posts that lack it nevertheless. `since`
    is the day on which the platform introduced `field` in place of an older one, whose values are never merged with its
    own.
    """

    field: str
    on: tuple[MetricType, ...] = _POSTS
    without: tuple[ContentType, ...] = ()
    since: date | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The platform's fields whose sum is the metric; usually one."""
        return tuple(self.field.split(" + "))

    def covers(self, metric_type: MetricType, content_type: ContentType | None = None) -> bool:
        """Tell whether a subject of this type has the metric."""
        return metric_type in self.on and not (metric_type == "post" and content_type in self.without)


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


_ACCOUNT: tuple[MetricType, ...] = ("account",)
_VIEWS_IG = date(2025, 4, 21)
_VIEWS_FB = date(2025, 11, 15)
_UNIQUE_FB = date(2026, 6, 15)


def _account(**fields: str | Offer) -> dict[Platform, Offer]:
    """Offers of account metrics: `instagram="followers_count"`."""
    return {p: f if isinstance(f, Offer) else Offer(f, on=_ACCOUNT) for p in PLATFORMS if (f := fields.get(p))}


def _post(**fields: str | Offer) -> dict[Platform, Offer]:
    """Offers of post metrics on every type of post, or as the given `Offer` says."""
    return {p: f if isinstance(f, Offer) else Offer(f) for p in PLATFORMS if (f := fields.get(p))}


_TABLE = (
    # --- accounts: levels -------------------------------------------------------------------------------------------
    Metric(
        "followers", "account", "gauge", "People who follow the account.",
        _account(instagram="followers_count", facebook="followers_count", twitter="followers_count",
                 linkedin="firstDegreeSize"),
        unit="people",
    ),
    Metric("following", "account", "gauge", "Accounts that the account follows.",
           _account(instagram="follows_count", twitter="following_count")),
    Metric("posts", "account", "gauge", "Posts that the platform counts for the account now.",
           _account(instagram="media_count", twitter="tweet_count")),
    # --- accounts: the provider's own day ---------------------------------------------------------------------------
    Metric(
        "reach", "account", "period_unique", "People who saw anything of the account on the provider's day.",
        _account(instagram="reach",
                 facebook=Offer("page_total_media_view_unique", _ACCOUNT, (), _UNIQUE_FB),
                 linkedin="uniqueImpressionsCount"),
        unit="people", adds_over_subjects=False,
    ),
    Metric("weeklyReach", "account", "period_unique", "People who saw anything of the account in seven provider days.",
           _account(instagram="reach"), unit="people", adds_over_subjects=False),
    Metric("accountViews", "account", "period_sum", "Views of the account's content on the provider's day.",
           _account(instagram=Offer("views", _ACCOUNT, (), _VIEWS_IG),
                    facebook=Offer("page_media_view", _ACCOUNT, (), _VIEWS_FB))),
    Metric("accountImpressions", "account", "period_sum", "Impressions of the account's content on the provider's day.",
           _account(twitter="impressions", linkedin="impressionCount")),
    Metric("accountInteractions", "account", "period_sum", "Interactions with the account's content on the provider's "
           "day, less those taken back.",
           _account(instagram="total_interactions", facebook="page_post_engagements")),
    Metric("accountsEngaged", "account", "period_unique", "People who interacted with the account on the provider's "
           "day.", _account(instagram="accounts_engaged"), unit="people", adds_over_subjects=False),
    Metric("profileViews", "account", "period_sum", "Views of the profile or page on the provider's day.",
           _account(instagram="profile_views", facebook="page_views_total", linkedin="allPageViews")),
    Metric("websiteClicks", "account", "period_sum", "Clicks on the account's website link on the provider's day.",
           _account(instagram="website_clicks")),
    Metric("newFollowers", "account", "period_sum", "People who began to follow on the provider's day; losses are not "
           "in it.", _account(instagram="follower_count", facebook="page_daily_follows"), unit="people"),
    Metric("netFollowers", "account", "period_sum", "Followers gained less followers lost on the provider's day.",
           _account(linkedin="organicFollowerGain + paidFollowerGain"), unit="people"),
    # --- posts: lifetime counters -----------------------------------------------------------------------------------
    Metric("likes", "post", "counter", "Likes, or all reactions where the platform has several kinds.",
           _post(instagram=Offer("like_count", ("post", "reel")), facebook=Offer("reactions", ("post", "reel")),
                 twitter="like_count", linkedin="likeCount")),
    Metric("comments", "post", "counter", "Comments; replies on X.",
           _post(instagram=Offer("comments_count", ("post", "reel")), facebook=Offer("comments", ("post", "reel")),
                 twitter="reply_count", linkedin="commentCount")),
    Metric("shares", "post", "counter", "Shares; reposts and quotes on X.",
           _post(instagram=Offer("shares", without=("video",)), facebook=Offer("shares", ("post",)),
                 twitter="retweet_count + quote_count", linkedin="shareCount")),
    Metric("saves", "post", "counter", "Times the post was saved; bookmarks on X.",
           _post(instagram=Offer("saved", ("post", "reel")), twitter="bookmark_count")),
    Metric("impressions", "post", "counter", "Times the post was shown, as the platform counts impressions.",
           _post(twitter="impression_count", linkedin="impressionCount")),
    Metric("views", "post", "counter", "Times the post was seen or played, as the platform counts views.",
           _post(instagram=Offer("views", _POSTS, ("video",), _VIEWS_IG),
                 facebook=Offer("post_media_view", ("post",), (), _UNIQUE_FB))),
    Metric("reach", "post", "counter", "People who saw the post, over its life.",
           _post(instagram="reach",
                 facebook=Offer("post_total_media_view_unique", ("post",), (), _UNIQUE_FB),
                 linkedin="uniqueImpressionsCount"),
           unit="people", adds_over_subjects=False),
    Metric("videoViews", "post", "counter", "Plays of the post's video.",
           _post(facebook=Offer("blue_reels_play_count", ("reel",)), twitter="view_count")),
    Metric("clicks", "post", "counter", "Clicks on the post or its links.",
           _post(facebook=Offer("post_clicks", ("post",)), twitter="url_link_clicks", linkedin="clickCount")),
    Metric("interactions", "post", "counter", "Interactions as the platform counts them, less those taken back; not "
           "the sum of the parts.",
           _post(instagram=Offer("total_interactions", _POSTS, ("video",)), twitter="engagements")),
    Metric("follows", "post", "counter", "Follows that began at the post.",
           _post(instagram=Offer("follows", ("post", "story"), ("video",)))),
    Metric("profileVisits", "post", "counter", "Visits to the profile that began at the post.",
           _post(instagram=Offer("profile_visits", ("post", "story"), ("video",)), twitter="user_profile_clicks")),
    Metric("replies", "post", "counter", "Replies to a story; always 0 for people in the EU and Japan.",
           _post(instagram=Offer("replies", ("story",)))),
    Metric("navigation", "post", "counter", "Taps forward, back and out, and swipes forward, on a story.",
           _post(instagram=Offer("navigation", ("story",)))),
    Metric("watchTime", "post", "counter", "Time that a reel was played, replays included.",
           _post(instagram=Offer("ig_reels_video_view_total_time", ("reel",))), unit="milliseconds"),
)  # fmt: skip

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
def engagement_parts(
    platform: Platform, metric_type: MetricType, content_type: ContentType | None = None
) -> tuple[str, ...]:
    """Return the parts of engagement that a platform offers for a kind of post; clicks are never a part."""
    names = offered(platform, metric_type, content_type)
    return tuple(part for part in ENGAGEMENT_PARTS if part in names)


def engagement(
    values: Mapping[str, int | float],
    platform: Platform,
    metric_type: MetricType,
    content_type: ContentType | None = None,
) -> int | float | None:
    """Return the sum of the parts of engagement, or None if the platform offers none or any of them is unknown."""
    parts = engagement_parts(platform, metric_type, content_type)
    if not parts or any(part not in values for part in parts):
        return None
    return sum(values[part] for part in parts)


def supported(platform: Platform, name: str) -> bool:
    """Tell whether any subject of a platform has a metric of this name, or any part of `engagement`."""
    if name == "engagement":
        return any(supported(platform, part) for part in ENGAGEMENT_PARTS)
    return any((m := CATALOG.get((s, name))) and platform in m.offers for s in ("account", "post"))


__all__ = [
    "CATALOG", "COUNTERS", "DEFINITION_VERSION", "ENGAGEMENT_PARTS", "GAUGES", "METRIC_TYPES", "RATE_BASIS", "Kind",
    "Metric", "Offer", "Subject", "Unit", "engagement", "engagement_parts", "metrics_of", "offered", "subject_kind",
    "supported",
]  # fmt: skip
