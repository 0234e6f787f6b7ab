"""The Facebook client: reads Pages through the Graph API, with a Page token (docs/platform-facts.md#facebook).

A page takes one batch: its node, its newest posts and reels, and each due post with its insights expanded. New posts
are read in a second batch. Reels have a different insights edge than posts, and fewer metrics.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.facebook import API_VERSION
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import DaysReading
from pipelines.platforms.data.tally import Tally
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
from pipelines.platforms.graph.answers import day_window, parsing_answer, read_error, take_series
from pipelines.platforms.graph.client import META_DAYS, Get, GraphApi
from pipelines.platforms.graph.insights import PostNumbers
from pipelines.platforms.graph.posts import GraphPosts, Listing
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_POST_FIELDS = "id,created_time,status_type,attachments{media_type,target{id},url}"


class FacebookPosts(PostNumbers):
    """Reads the metrics of a page's posts and reels."""

    name: ClassVar[Platform] = "facebook"
    node_metrics: ClassVar[Mapping[str, str]] = {
        "likes": "reactions.summary(true).limit(0)",
        "comments": "comments.summary(true).limit(0)",
        "shares": "shares",
    }

    def edge(self, post: Post) -> str:
        """Return the insights edge of a post: `video_insights` for a reel, which is a video."""
        return "video_insights" if post.metric_type == "reel" else "insights"

    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return the number of reactions, comments or shares."""
        if name == "shares":
            return shares(body)
        return summary(body, "reactions" if name == "likes" else name)


class _Lists:
    """The lists of reels and posts of one reading. A reel in both lists, under two ids, is stored once, as the reel.

    `known` are the ids of reels that were listed earlier, and the ids of the same reels in the list of posts.
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
        """Return the id of a reel in the list of posts (without the page's id), if the list of reels had it."""
        return self._twins.get(post.platform_post_id)

    def is_reel(self, item: Mapping[str, Any]) -> bool:
        """Tell whether an item of `published_posts` is a reel."""
        twins = {attached_video(item), listed_post(item).platform_post_id.rpartition("_")[2]}
        return shows_a_reel(item) or bool(twins & self._reels)


class Facebook(GraphPosts):
    """The platform `facebook`; thread-safe."""

    name: ClassVar[Platform] = "facebook"
    api_version = API_VERSION
    asks_for_content: ClassVar = True
    days = META_DAYS
    account_fields = f"id,name,username,{LEVEL}"
    numbers_type = FacebookPosts

    def __init__(self, http: "Http", quarantine: Quarantine, *, content: bool = True) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine, content=content)

    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return the number of followers."""
        return account_numbers(node)

    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the user name of the page, or its title if it has none."""
        return node.get("username") or node.get("name")

    def listings(self, reels: Collection[str]) -> Sequence[Listing]:
        """Return the lists of reels and posts; reels come first, so that they can be skipped in the list of posts."""
        lists = _Lists(reels)
        return (
            Listing(
                "video_reels",
                "id,created_time,post_id",
                lists.reel,
                twin_of=lists.twin_of,
                content_fields="permalink_url,description,picture",
            ),
            Listing(
                "published_posts",
                _POST_FIELDS,
                listed_post,
                skips=lists.is_reel,
                after="video_reels",
                content_fields="permalink_url,message,full_picture",
            ),
        )

    @parsing_answer()
    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the page's insights of Pacific days that have ended, by date."""
        fields = {name: offer.field for name, offer in offered("facebook", "account").items() if name != "followers"}
        found, failures = {day: Numbers() for day in days}, dict[str, PlatformError]()
        allowed = self._day_metrics.to_ask(fields, found)
        fields = {name: field for name, field in fields.items() if name in allowed}
        params = {"period": "day", **day_window(min(days), max(days))}
        gets = [Get(f"{access.platform_account_id}/insights", {"metric": f, **params}) for f in fields.values()]
        results = self._graph.batch(access.token, gets, tally)
        for (name, field), result in zip(fields.items(), results, strict=True):
            self._day_metrics.learn(access.platform_account_id, name, result)
            take_series(found, name, field, result)
            if error := read_error(result):
                failures[name] = error
        return DaysReading.of(found, utcnow(), failures)

    def refresh(self, _access: Access, _tally: Tally) -> Mapping[str, Any] | None:
        """Return None: Page tokens do not expire by time; when one stops working, a person has to reconnect."""
        return None
