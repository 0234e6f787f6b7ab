"""Facebook Pages through the Graph API, with a Page token (platforms.md, 3).

A page costs one batch: its node, its newest posts and reels, and each due post with its insights expanded. New posts
are read in a second one. Reels have another edge of insights than posts, and fewer numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.base import Access, DaysReading, Post, PostBudget, Tally
from pipelines.platforms.errors import PlatformError
from pipelines.platforms.facebook.answers import (
    LEVEL,
    account_numbers,
    attached_video,
    listed_post,
    listed_reel,
    shares,
    shows_a_reel,
    summary,
)
from pipelines.platforms.graph.answers import failure, take_series, understood, window
from pipelines.platforms.graph.client import META_DAYS, Get, GraphApi
from pipelines.platforms.graph.insights import PostNumbers
from pipelines.platforms.graph.posts import GraphPosts, Listing
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v25.0"
_POST_FIELDS = "id,created_time,status_type,attachments{media_type,target{id},url}"


class FacebookPosts(PostNumbers):
    """Numbers of posts and reels of a page."""

    name: ClassVar[Platform] = "facebook"
    node_metrics: ClassVar[Mapping[str, str]] = {
        "likes": "reactions.summary(true).limit(0)",
        "comments": "comments.summary(true).limit(0)",
        "shares": "shares",
    }

    def edge(self, post: Post) -> str:
        """Return the edge of insights; a reel is a video."""
        return "video_insights" if post.metric_type == "reel" else "insights"

    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return reactions, comments or shares."""
        if name == "shares":
            return shares(body)
        return summary(body, "reactions" if name == "likes" else name)


class _Lists:
    """The two lists of one reading. A reel may stand in both, under two ids: it is one post, the reel.

    `known` are the ids of reels that were listed earlier, and those by which they are known among posts.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._reels = set(known)
        self._twins: dict[str, str] = {}

    def reel(self, item: Mapping[str, Any]) -> Post:
        """Return the reel of an item of `video_reels`, and remember both its ids."""
        post = listed_reel(item)
        self._reels.add(post.platform_post_id)
        if "post_id" in item:
            twin = str(item["post_id"]).rpartition("_")[2]
            self._reels.add(twin)
            self._twins[post.platform_post_id] = twin
        return post

    def twin_of(self, post: Post) -> str | None:
        """Return the number of the post that a reel is among posts, where the list of reels told it."""
        return self._twins.get(post.platform_post_id)

    def is_reel(self, item: Mapping[str, Any]) -> bool:
        """Tell whether an item of `published_posts` is one of the reels."""
        twins = {attached_video(item), listed_post(item).platform_post_id.rpartition("_")[2]}
        return shows_a_reel(item) or bool(twins & self._reels)


class Facebook(GraphPosts):
    """The platform `facebook`; thread-safe."""

    name: ClassVar[Platform] = "facebook"
    api_version = API_VERSION
    days = META_DAYS
    account_fields = f"id,name,username,{LEVEL}"
    numbers_type = FacebookPosts

    def __init__(self, http: "Http", quarantine: Quarantine) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine)

    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return the followers."""
        return account_numbers(node)

    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the user name of the page, or its title where it has none."""
        return node.get("username") or node.get("name")

    def listings(self, reels: Collection[str]) -> Sequence[Listing]:
        """Return the reels and the posts, in this order: posts that are reels are known by then."""
        lists = _Lists(reels)
        return (
            Listing("video_reels", "id,created_time,post_id", lists.reel, twin_of=lists.twin_of),
            Listing("published_posts", _POST_FIELDS, listed_post, skips=lists.is_reel, after="video_reels"),
        )

    @understood()
    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the page's insights of Pacific days that have ended, by date."""
        fields = {name: offer.field for name, offer in offered("facebook", "account").items() if name != "followers"}
        found, failures = {day: Numbers() for day in days}, dict[str, PlatformError]()
        asked = self._day_metrics.to_ask(fields, found)
        fields = {name: field for name, field in fields.items() if name in asked}
        params = {"period": "day", **window(min(days), max(days))}
        gets = [Get(f"{access.platform_account_id}/insights", {"metric": f, **params}) for f in fields.values()]
        results = self._graph.batch(access.token, gets, tally)
        for (name, field), result in zip(fields.items(), results, strict=True):
            self._day_metrics.learn(access.platform_account_id, name, result)
            take_series(found, name, field, result)
            if error := failure(result):
                failures[name] = error
        return DaysReading.of(found, utcnow(), failures)

    def refresh(self, _access: Access, _tally: Tally) -> Mapping[str, Any] | None:
        """Return None: Page tokens do not expire by time, and what ended one a person has to mend."""
        return None
