"""Reads the posts of one Bluesky account: its author feed, and due posts by URI.

Facts: docs/platform-facts.md#bluesky-endpoints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from metrics.batches import batched
from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED, items_of
from pipelines.platforms.base import Access, AccountReading, Post, Reading, Tally, Wanted
from pipelines.platforms.bluesky.answers import author_of, content_of, listed_post, parsing_answer, post_numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import ParsedPage, PostList, descend, walk

FEED, PAST = "author feed", "author feed of the past"
PAGE = 100
MAX_URIS = 25


class Ask(Protocol):
    """Sends a GET request for a method with parameters, of which one may be repeated; returns the body."""

    def __call__(self, method: str, params: Mapping[str, str | Sequence[str]], /) -> Mapping[str, Any]: ...


class Posts:
    """Reads the posts of one account, and adds their metrics to `reading`."""

    def __init__(self, ask: Ask, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        self._ask, self._did = ask, access.platform_account_id
        self._wanted, self._reading, self._tally = wanted, reading, tally
        self._read: set[str] = set()

    def read(self) -> None:
        """Read the feed, then by URI the due posts that it did not return.

        The feed has the numbers of all posts on its pages; only those of new and due posts are taken.

        Raises:
            NeedsReauth: nothing more can be read with this session.
        """
        memory, due = self._wanted.memory.list(FEED), {post.platform_post_id for post in self._wanted.due}
        for parsed in walk(self._feed(FEED), memory, self._reading, self._tally):
            views = {post.platform_post_id: (post, view) for post, view in self._note_page(parsed)}
            new = {post.platform_post_id for post in self._wanted.posts_to_read(self._reading.listed)}
            for name, (post, view) in views.items():
                if name in due or name in new:
                    self._put(post, view)
        unread = [post for post in self._wanted.due if post.platform_post_id not in self._read]
        for some in batched([post for post in unread if self._is_own(post)], MAX_URIS):
            self._look_up(some)

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the feed, each with the metrics of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this session.
        """
        whole = self._reading
        for parsed in descend(self._feed(PAST), self._wanted.memory.list(PAST), whole, self._tally):
            self._reading = AccountReading(Reading(utcnow()))
            self._read = set()
            views = {post.platform_post_id: view for post, view in self._note_page(parsed)}
            for post in self._wanted.posts_to_read(self._reading.listed):
                self._put(post, views[post.platform_post_id])
            yield self._reading
        if whole.failures:
            yield whole

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

    def _note_page(self, parsed: ParsedPage) -> list[tuple[Post, Mapping[str, Any]]]:
        """Note that the posts of a page were listed; return them with their views."""
        self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        items = [item for item in parsed.body.get("feed") or () if isinstance(item, Mapping)]
        views = [item["post"] for item in items if isinstance(item.get("post"), Mapping) and not item.get("reason")]
        by_uri = {view["uri"]: view for view in views if isinstance(view.get("uri"), str)}
        return [(post, by_uri[post.platform_post_id]) for post in parsed.posts]

    def _is_own(self, post: Post) -> bool:
        """Tell whether a post is of this account; note a failure if not, since a client may have announced it."""
        try:
            why = "" if author_of(post.platform_post_id) == self._did else "it is not a post of this account"
        except ValueError as error:
            why = str(error)
        if why:
            self._reading.failures[post.platform_post_id] = why
        return not why

    def _look_up(self, posts: Sequence[Post]) -> None:
        """Read posts by URI; the answer silently leaves out those that no longer exist."""
        if self._tally.limited is not None:
            return
        by_uri = {post.platform_post_id: post for post in posts}
        with self._reading.part("posts by uri", self._tally):
            body = self._ask("app.bsky.feed.getPosts", {"uris": list(by_uri)})
            with parsing_answer():
                views = {view["uri"]: view for view in items_of(body["posts"])}
            for uri, post in by_uri.items():
                if uri in views:
                    self._put(post, views[uri])
                elif uri not in self._wanted.deleted:
                    self._reading.gone.append(uri)

    def _put(self, post: Post, view: Mapping[str, Any]) -> None:
        """Add the metrics and the content of a post to the reading, once."""
        if post.platform_post_id in self._read:
            return
        self._read.add(post.platform_post_id)
        try:
            numbers = post_numbers(post, view)
            post = replace(post, content=content_of(view))
        except UNEXPECTED as error:
            why = f"it has an unexpected form: {type(error).__name__}: {error}"
            self._reading.failures[post.platform_post_id] = why
            return
        self._reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)


def _with_id(item: Any) -> Any:
    """Return a feed item with the URI of its post as `id`, by which the walk of a list tells items apart."""
    post = item.get("post") if isinstance(item, Mapping) else None
    return {**item, "id": post["uri"]} if isinstance(post, Mapping) and isinstance(post.get("uri"), str) else item


def _following(body: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; the last page has no cursor."""
    return {"cursor": cursor(body["cursor"])} if "cursor" in body else None
