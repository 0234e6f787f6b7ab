"""Instagram through the Graph API with Facebook Login (platforms.md, 2).

An account costs one batch: its node, its stories, its newest media, and each due post with its insights expanded in one
element. New posts are read in a second one. Which metrics a post has, the catalog says; what the API refuses all the
same is found once per kind of post and left out from then on.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import Access, Reading, Tally
from pipelines.platforms.graph import META_DAYS, Get, GraphApi
from pipelines.platforms.graph_answers import take_series, take_total, understood, window
from pipelines.platforms.graph_posts import GraphPosts, Listing
from pipelines.platforms.instagram_answers import ACCOUNT_FIELDS, account_reading, listed_post
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

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
    account_fields = ",".join(ACCOUNT_FIELDS.values())
    account_reading = staticmethod(account_reading)
    listings = (_STORIES, _MEDIA)
    node_metrics: ClassVar[Mapping[str, str]] = {"likes": "like_count", "comments": "comments_count"}

    def __init__(self, http: "Http", quarantine: Quarantine) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine)

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
        if tally.limited is not None:
            raise tally.limited
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
