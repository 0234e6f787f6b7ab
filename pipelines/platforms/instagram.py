"""Instagram through the Graph API with Facebook Login (platforms.md, 2).

An account costs one batch: its node, its stories, its newest media, and each due post with its insights expanded in one
element. New posts are read in a second one. Which metrics a post has, the catalog says; what the API refuses all the
same is found once per kind of post and left out from then on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import Access, AccountReading, Post, Reading, Tally
from pipelines.platforms.errors import PermissionMissing, PlatformError, PostGone
from pipelines.platforms.graph import META_DAYS, Get, GraphApi
from pipelines.platforms.graph_answers import take_series, take_total, understood, window
from pipelines.platforms.graph_posts import GraphPosts, Listing
from pipelines.platforms.http import Http
from pipelines.platforms.instagram_answers import ACCOUNT_FIELDS, account_reading, listed_post
from pipelines.platforms.quarantine import Quarantine

API_VERSION = "v25.0"

_LIST_FIELDS = "id,media_type,media_product_type,timestamp"
_STORIES = Listing("stories", _LIST_FIELDS, partial(listed_post, metric_type="story"), oldest=None)
_MEDIA = Listing("media", _LIST_FIELDS, listed_post)
_SERIES = {"reach": "reach", "newFollowers": "follower_count"}
_WEEKLY = "weeklyReach"


class Instagram(GraphPosts):
    """The platform `instagram`; thread-safe."""

    name: Platform = "instagram"
    api_version = API_VERSION
    days = META_DAYS

    node_metrics: ClassVar[Mapping[str, str]] = {"likes": "like_count", "comments": "comments_count"}

    def __init__(self, http: Http, quarantine: Quarantine) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine)

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
            self.listing(account_id, _STORIES.edge, _STORIES.fields),
            self.listing(account_id, _MEDIA.edge, _MEDIA.fields),
            *(self.get(post) for post in due),
        ]
        node, stories, media, *found = self._graph.batch(access.token, gets, tally)
        if isinstance(node, PostGone):
            # The same body says «deleted» and «not for this token»; of an account the second is likelier.
            raise PermissionMissing(str(node))
        if isinstance(node, PlatformError):
            raise node
        reading = AccountReading(account_reading(node))
        listed = [
            *self.listed(access, stories, _STORIES, known, reading, tally),
            *self.listed(access, media, _MEDIA, known, reading, tally),
        ]
        # A post published between two pages moves the last of the first one onto the second.
        new = list({post.platform_post_id: post for post in listed if post.platform_post_id not in known}.values())
        pairs = list(zip(due, found, strict=True))
        if new:
            pairs += zip(new, self._graph.batch(access.token, [self.get(p) for p in new], tally), strict=True)
        self.take(access, pairs, reading, tally)
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

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials of Instagram Login for another 60 days; None for a token of Facebook Login.

        Those are renewed by a person; Page tokens do not expire by time (platforms.md, 1.2).
        """
        if access.credentials.get("login") != "instagram":
            return None
        body = self._graph.get("refresh_access_token", access.token, {"grant_type": "ig_refresh_token"}, tally)
        with understood():
            ends = utcnow().timestamp() + float(body["expires_in"])
            return {**access.credentials, "access_token": body["access_token"], "expires_at": ends}

    def node_value(self, body: Mapping[str, Any], name: str) -> int | float | None:
        """Return likes or comments; likes are missing where their owner hides them."""
        value: int | float | None = body.get(self.node_metrics[name])
        return value
