"""Facebook Pages through the Graph API, with a Page token (platforms.md, 3).

A page costs one batch: its node, its newest posts and reels, and each due post with its insights expanded. New posts
are read in a second one. Reels have another edge of insights than posts, and fewer numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import Access, Post, Reading, Tally
from pipelines.platforms.facebook_answers import LEVEL, account_reading, listed_post, listed_reel, shares, summary
from pipelines.platforms.graph import META_DAYS, Get, GraphApi
from pipelines.platforms.graph_answers import take_series, understood, window
from pipelines.platforms.graph_posts import GraphPosts, Listing
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

API_VERSION = "v25.0"
_LISTS = (
    Listing("published_posts", "id,created_time,status_type,attachments{media_type}", listed_post),
    Listing("video_reels", "id,created_time", listed_reel),
)


class Facebook(GraphPosts):
    """The platform `facebook`; thread-safe."""

    name: Platform = "facebook"
    api_version = API_VERSION
    days = META_DAYS
    account_fields = LEVEL
    account_reading = staticmethod(account_reading)
    listings = _LISTS
    node_metrics: ClassVar[Mapping[str, str]] = {
        "likes": "reactions.summary(true).limit(0)",
        "comments": "comments.summary(true).limit(0)",
        "shares": "shares",
    }

    def __init__(self, http: "Http", quarantine: Quarantine) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine)

    @understood()
    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> dict[date, Reading]:
        """Return the page's insights of Pacific days that have ended, by date."""
        fields = {name: offer.field for name, offer in offered("facebook", "account").items() if name != "followers"}
        params = {"period": "day", **window(min(days), max(days))}
        gets = [Get(f"{access.platform_account_id}/insights", {"metric": f, **params}) for f in fields.values()]
        readings: dict[date, Reading] = {day: Reading(utcnow(), {}, {}) for day in days}
        results = self._graph.batch(access.token, gets, tally)
        if tally.limited is not None:
            raise tally.limited
        for (name, field), result in zip(fields.items(), results, strict=True):
            take_series(readings, name, field, result)
        return readings

    def refresh(self, _access: Access, _tally: Tally) -> Mapping[str, Any] | None:
        """Return None: Page tokens do not expire by time, and what ended one a person has to mend."""
        return None

    def edge(self, post: Post) -> str:
        """Return the edge of insights; a reel is a video."""
        return "video_insights" if post.metric_type == "reel" else "insights"

    def node_value(self, body: Mapping[str, Any], name: str) -> int | float | None:
        """Return reactions, comments or shares."""
        if name == "shares":
            return shares(body)
        return summary(body, "reactions" if name == "likes" else name)
