"""Instagram through the Graph API, with Facebook Login or Instagram Login (platforms.md, 2).

An account costs one batch: its node, its stories, its newest media, and each due post with its insights expanded in one
element. New posts are read in a second one.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import Access, DaysReading, Tally
from pipelines.platforms.graph import META_DAYS, Get, GraphApi
from pipelines.platforms.graph_answers import take_series, take_total, understood, window
from pipelines.platforms.graph_insights import PostNumbers
from pipelines.platforms.graph_posts import GraphPosts, Listing
from pipelines.platforms.instagram_answers import ACCOUNT_FIELDS, account_numbers, listed_post
from pipelines.platforms.numbers import Numbers, part
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

API_VERSION = "v25.0"

_LIST_FIELDS = "id,media_type,media_product_type,timestamp"
_STORIES = Listing("stories", _LIST_FIELDS, partial(listed_post, metric_type="story"), ages=False)
_MEDIA = Listing("media", _LIST_FIELDS, listed_post)
_SERIES = {"reach": "reach", "newFollowers": "follower_count"}
_WEEKLY = "weeklyReach"


class InstagramPosts(PostNumbers):
    """Numbers of media."""

    name: ClassVar[Platform] = "instagram"
    node_metrics: ClassVar[Mapping[str, str]] = {"likes": "like_count", "comments": "comments_count"}

    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return likes or comments; likes are missing where their owner hides them."""
        return part(body, self.node_metrics[name])


class Instagram(GraphPosts):
    """The platform `instagram`; thread-safe."""

    name: ClassVar[Platform] = "instagram"
    api_version = API_VERSION
    days = META_DAYS
    account_fields = ",".join(("id", "username", *ACCOUNT_FIELDS.values()))
    numbers_type = InstagramPosts

    def __init__(self, http: "Http", quarantine: Quarantine) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine)

    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return followers, accounts followed and posts."""
        return account_numbers(node)

    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the user name."""
        return node.get("username")

    def listings(self) -> Sequence[Listing]:
        """Return the stories that are alive, and the media."""
        return _STORIES, _MEDIA

    @understood()
    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> DaysReading:
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
        if tally.limited is not None:
            raise tally.limited
        found = {day: Numbers() for day in days}
        for name, field in {**_SERIES, _WEEKLY: "reach"}.items():
            take_series(found, name, field, next(results))
        for day in days:
            for name, field in totals.items():
                take_total(found[day], name, field, next(results))
        return DaysReading.of(found, utcnow())

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
