"""Instagram through the Graph API with Facebook Login (platforms.md, 2).

An account costs one batch: its node, its stories, its newest media, and each due post with its insights expanded in one
element. New posts are read in a second one. Which metrics a post has, the catalog says; what the API refuses all the
same is found once per kind of post and left out from then on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import ContentType, MetricType, Platform, Reason
from pipelines.platforms.base import FOLLOWED_DAYS, Access, AccountReading, Post, Reading, Tally
from pipelines.platforms.errors import MetricRefused, PermissionMissing, PlatformError, PostGone, PostUnavailable
from pipelines.platforms.graph import META_DAYS, Get, GraphApi, Result
from pipelines.platforms.http import Http
from pipelines.platforms.instagram_answers import (
    ACCOUNT_FIELDS,
    account_reading,
    insights,
    listed_post,
    take_series,
    take_total,
    understood,
    window,
)

API_VERSION = "v25.0"
PAGE = 50

_LIST_FIELDS = "id,media_type,media_product_type,timestamp"
_NODE_METRICS = {"likes": "like_count", "comments": "comments_count"}
_SERIES = {"reach": "reach", "newFollowers": "follower_count"}
_WEEKLY = "weeklyReach"

Kind = tuple[MetricType, ContentType]


class Instagram:
    """The platform `instagram`; thread-safe."""

    name: Platform = "instagram"
    api_version = API_VERSION
    days = META_DAYS

    def __init__(self, http: Http) -> None:
        self._graph = GraphApi(http, API_VERSION)
        self._refused: dict[tuple[Kind, str], str] = {}

    @understood()
    def read(
        self,
        access: Access,
        followed: Sequence[Post],
        is_due: Callable[[Post], bool],
        known: Collection[str],
        tally: Tally,
    ) -> AccountReading:
        """Return what the account, its due posts and its new ones say now."""
        due = [post for post in followed if is_due(post)]
        account_id = access.platform_account_id
        gets = [
            Get(account_id, {"fields": ",".join(ACCOUNT_FIELDS.values())}),
            Get(f"{account_id}/stories", {"fields": _LIST_FIELDS, "limit": "100"}),
            Get(f"{account_id}/media", {"fields": _LIST_FIELDS, "limit": str(PAGE)}),
            *(self._get(post) for post in due),
        ]
        node, stories, media, *found = self._graph.batch(access.token, gets, tally)
        if isinstance(node, PostGone):
            # The same body says «deleted» and «not for this token»; of an account the second is likelier.
            raise PermissionMissing(str(node))
        if isinstance(node, PlatformError):
            raise node
        reading = AccountReading(account_reading(node))
        listed = self._listed(access, stories, media, known, reading, tally)
        # A post published between two pages moves the last of the first one onto the second.
        new = list({post.platform_post_id: post for post in listed if post.platform_post_id not in known}.values())
        pairs = list(zip(due, found, strict=True))
        if new:
            pairs += zip(new, self._graph.batch(access.token, [self._get(p) for p in new], tally), strict=True)
        self._take(access, pairs, reading, tally)
        return reading

    @understood()
    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> dict[date, Reading]:
        """Return the account's insights of Pacific days that have ended, by date."""
        names = offered("instagram", "account")
        totals = {n: o.field for n, o in names.items() if n not in {*_SERIES, *ACCOUNT_FIELDS, _WEEKLY}}
        edge = f"{access.platform_account_id}/insights"
        first, last = min(days), max(days)
        series = {"period": "day", **window(first, last)}
        gets = [
            *(Get(edge, {"metric": field, **series}) for field in _SERIES.values()),
            Get(edge, {"metric": "reach", "period": "week", **window(first, last)}),
            *(
                Get(edge, {"metric": field, "period": "day", "metric_type": "total_value", **window(day, day)})
                for day in days
                for field in totals.values()
            ),
        ]
        results = iter(self._graph.batch(access.token, gets, tally))
        readings: dict[date, Reading] = {day: Reading(utcnow(), {}, {}) for day in days}
        for name, field in {**_SERIES, _WEEKLY: "reach"}.items():
            take_series(readings, name, field, next(results))
        for day in days:
            for name, field in totals.items():
                take_total(readings[day], name, field, next(results))
        return readings

    def refresh(self, _access: Access, _tally: Tally) -> Mapping[str, Any] | None:
        """Return None: a token of Facebook Login is renewed by a person, Page tokens do not expire by time."""
        return None

    def _metrics(self, post: Post) -> dict[str, str]:
        """Return the insights to ask of a post, `{canonical: field}`, without what was refused for its kind."""
        kind = (post.metric_type, post.content_type)
        return {
            name: offer.field
            for name, offer in offered("instagram", *kind).items()
            if name not in _NODE_METRICS and (kind, name) not in self._refused
        }

    def _get(self, post: Post, *, insights: bool = True) -> Get:
        fields = ["id", *_NODE_METRICS.values()]
        metrics = ",".join(self._metrics(post).values())
        if insights and metrics:
            fields.append(f"insights.metric({metrics})")
        return Get(post.platform_post_id, {"fields": ",".join(fields)})

    def _listed(
        self,
        access: Access,
        stories: Result,
        media: Result,
        known: Collection[str],
        reading: AccountReading,
        tally: Tally,
    ) -> list[Post]:
        """Return listed posts young enough to follow, reading on while a page holds any that is new."""
        oldest = utcnow() - timedelta(days=FOLLOWED_DAYS)
        posts: list[Post] = []
        if isinstance(stories, PlatformError):
            reading.failures["stories"] = str(stories)
        else:
            posts += [listed_post(item, "story") for item in stories.get("data", ())]
        while True:
            if isinstance(media, PlatformError):
                reading.failures["media"] = str(media)
                break
            page = [listed_post(item) for item in media.get("data", ())]
            young = [post for post in page if post.published_at >= oldest]
            posts += young
            after = media.get("paging", {}).get("cursors", {}).get("after")
            more = "next" in media.get("paging", {}) and after
            if not more or len(young) < len(page) or all(post.platform_post_id in known for post in young):
                break
            params = {"fields": _LIST_FIELDS, "limit": str(PAGE), "after": after}
            (media,) = self._graph.batch(access.token, [Get(f"{access.platform_account_id}/media", params)], tally)
        return posts

    def _take(
        self, access: Access, pairs: Sequence[tuple[Post, Result]], reading: AccountReading, tally: Tally
    ) -> None:
        """Turn results into readings; what was refused as a whole is asked again in what is left of it."""
        refused = [post for post, result in pairs if isinstance(result, MetricRefused)]
        bare: list[tuple[Post, Reason]] = []
        missing: list[Post] = []
        for post, result in pairs:
            if isinstance(result, PostGone):
                missing.append(post)
            elif isinstance(result, PostUnavailable):
                bare.append((post, result.reason))
            elif isinstance(result, MetricRefused):
                continue
            elif isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
            else:
                reading.posts.append((post, self._reading(post, result, reading)))
        if refused:
            self._quarantine(access, refused, tally)
            gets = [self._get(post) for post in refused]
            again = list(zip(refused, self._graph.batch(access.token, gets, tally), strict=True))
            # A kind whose refusal names nothing that can be left out is given up here, not asked for ever.
            for post, result in again:
                if isinstance(result, MetricRefused):
                    bare.append((post, result.reason))
            self._take(access, [p for p in again if not isinstance(p[1], MetricRefused)], reading, tally)
        if bare:
            self._take_bare(access, bare, reading, tally)
        if missing:
            self._confirm_gone(access, missing, reading, tally)

    def _reading(self, post: Post, body: Mapping[str, Any], reading: AccountReading) -> Reading:
        kind = (post.metric_type, post.content_type)
        metrics: dict[str, int | float] = {}
        unavailable: dict[str, Reason] = {}
        names = offered("instagram", *kind)
        values = insights(body.get("insights"))
        for name, offer in names.items():
            field = _NODE_METRICS.get(name)
            value = body.get(field) if field else values.get(offer.field)
            if (kind, name) in self._refused:
                unavailable[name] = "metric_retired"
                reading.quarantined.add(f"{name} of {post.content_type} {post.metric_type}")
            elif value is not None:
                metrics[name] = value
            elif field or "insights" not in body:
                # Likes are missing where their owner hides them, the edge where the token may not see it.
                unavailable[name] = "permission_missing"
            else:
                unavailable[name] = "no_observation"
        return Reading(utcnow(), metrics, unavailable)

    def _quarantine(self, access: Access, posts: Sequence[Post], tally: Tally) -> None:
        """Ask one post of each kind for its metrics one by one, in one batch, and remember what is refused."""
        kinds = {(post.metric_type, post.content_type): post for post in posts}
        asked = [
            (kind, post, name, field) for kind, post in kinds.items() for name, field in self._metrics(post).items()
        ]
        gets = [Get(f"{post.platform_post_id}/insights", {"metric": field}) for _, post, _, field in asked]
        for (kind, _, name, _), result in zip(asked, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, MetricRefused):
                self._refused[kind, name] = str(result)

    def _take_bare(
        self, access: Access, posts: Sequence[tuple[Post, Reason]], reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts without their insights, which are missing for the given reason."""
        gets = [self._get(post, insights=False) for post, _ in posts]
        for (post, reason), result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PlatformError):
                reading.failures[post.platform_post_id] = str(result)
                continue
            full = self._reading(post, result, reading)
            reasons: dict[str, Reason] = {
                name: why if name in _NODE_METRICS else reason for name, why in full.unavailable.items()
            }
            reading.posts.append((post, Reading(full.read_at, full.metrics, reasons)))

    def _confirm_gone(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Ask for the bare object: 100/33 is a disguised rate limit at times (platforms.md, 1.4)."""
        gets = [Get(post.platform_post_id, {"fields": "id"}) for post in posts]
        for post, result in zip(posts, self._graph.batch(access.token, gets, tally), strict=True):
            if isinstance(result, PostGone):
                reading.gone.append(post.platform_post_id)
            else:
                reading.failures[post.platform_post_id] = "missing at first, then there: left for the next hour"
