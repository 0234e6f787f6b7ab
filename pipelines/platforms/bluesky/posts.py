"""Reads the posts of one Bluesky account: its author feed, and due posts by URI.

Facts: docs/platform-facts.md#bluesky-endpoints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from metrics.batches import batched
from pipelines.platforms.answers import items_of
from pipelines.platforms.bluesky.answers import author_of, content_of, listed_post, parsing_answer, post_numbers
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.list_reader import ListReader
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import PostList

FEED, PAST = "author feed", "author feed of the past"
PAGE = 100
MAX_URIS = 25


class Ask(Protocol):
    """Sends a GET request for a method with parameters, of which one may be repeated; returns the body."""

    def __call__(self, method: str, params: Mapping[str, str | Sequence[str]], /) -> Mapping[str, Any]: ...


class Posts(ListReader):
    """Reads the posts of one account, and adds their metrics to `reading`."""

    def __init__(self, ask: Ask, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        super().__init__(wanted, reading, tally)
        self._ask, self._did = ask, access.platform_account_id

    def read(self) -> None:
        """Read the feed, then by URI the due posts that it did not return.

        Raises:
            NeedsReauth: nothing more can be read with this session.
        """
        self._read_list(self._feed(FEED))
        unread = [post for post in self._wanted.due if post.platform_post_id not in self._read]
        own = [post for post in unread if self._is_own(post)]
        missing = [post for some in batched(own, MAX_URIS) for post in self._look_up(some)]
        for some in batched(missing, MAX_URIS):
            self._reading.gone += [post.platform_post_id for post in self._look_up(some)]

    def past(self) -> Iterator[AccountReading]:
        """Return the pages of the feed, each with the metrics of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this session.
        """
        return self._read_past(self._feed(PAST))

    def _feed(self, name: str) -> PostList:
        return PostList(
            name,
            self._page,
            lambda item: listed_post(item["post"]),
            self._wanted.listed,
            self._wanted.since,
            PAGE,
            skips=self._is_foreign,
        )

    def _is_foreign(self, item: Mapping[str, Any]) -> bool:
        """Tell whether a feed item is no new post of the account: it reposts a post, or pins one of another time."""
        return item.get("reason") is not None or author_of(item["post"]["uri"]) != self._did

    def _page(self, place: Place, size: int) -> Page:
        own = {"actor": self._did, "limit": str(size), "filter": "posts_no_replies", "includePins": "false"}
        body = self._ask("app.bsky.feed.getAuthorFeed", {**own, **place})
        with parsing_answer():
            return Page.of([_with_id(item) for item in items_of(body["feed"])], lambda: _following(body), body)

    def _items(self, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        items = [item for item in body.get("feed") or () if isinstance(item, Mapping)]
        views = [item["post"] for item in items if isinstance(item.get("post"), Mapping) and not item.get("reason")]
        return {view["uri"]: view for view in views if isinstance(view.get("uri"), str)}

    def _is_own(self, post: Post) -> bool:
        """Tell whether a post is of this account; note a failure if not, since a client may have announced it."""
        try:
            why = "" if author_of(post.platform_post_id) == self._did else "it is not a post of this account"
        except ValueError as error:
            why = str(error)
        if why:
            self._reading.failures[post.platform_post_id] = why
        return not why

    def _look_up(self, posts: Sequence[Post]) -> list[Post]:
        """Read posts by URI; return those that the answer leaves out, except for posts that are known to be deleted.

        The answer silently leaves out posts that no longer exist. An answer that was cut off lacks posts as well, so
        only those that a second answer leaves out again are gone.
        """
        if self._tally.limited is not None:
            return []
        missing: list[Post] = []
        by_uri = {post.platform_post_id: post for post in posts}
        with self._reading.part("posts by uri", self._tally):
            body = self._ask("app.bsky.feed.getPosts", {"uris": list(by_uri)})
            with parsing_answer():
                views = {view["uri"]: view for view in items_of(body["posts"])}
            for uri in (uri for uri in by_uri if uri in views):
                self._put(by_uri[uri], views[uri])
            missing += [by_uri[uri] for uri in by_uri if uri not in views and uri not in self._wanted.deleted]
        return missing

    def _parsed(self, post: Post, item: Mapping[str, Any]) -> tuple[Post, Numbers]:
        return replace(post, content=content_of(item)), post_numbers(post, item)


def _with_id(item: Any) -> Any:
    """Return a feed item with the URI of its post as `id`, by which the walk of a list tells items apart."""
    post = item.get("post") if isinstance(item, Mapping) else None
    return {**item, "id": post["uri"]} if isinstance(post, Mapping) and isinstance(post.get("uri"), str) else item


def _following(body: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; the last page has no cursor."""
    return {"cursor": cursor(body["cursor"])} if "cursor" in body else None
