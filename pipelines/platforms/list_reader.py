"""Reads the posts of one account from a list that has their numbers: of each hour, and of the past."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.paging import ParsedPage, PostList, descend, walk


class ListReader(ABC):
    """Adds the posts of a list to `reading`; a class of each platform tells where an answer has their numbers."""

    def __init__(self, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        self._wanted, self._reading, self._tally = wanted, reading, tally
        self._read: set[str] = set()

    @abstractmethod
    def _items(self, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Return the items of a page by the platform's id of their posts."""

    @abstractmethod
    def _parsed(self, post: Post, item: Mapping[str, Any]) -> tuple[Post, Numbers]:
        """Return a post with what an item tells of it, and its numbers.

        Raises:
            LookupError, TypeError, ValueError: the item has an unexpected form.
        """

    def _read_list(self, posts: PostList) -> None:
        """Walk the list. It has the numbers of all posts on its pages; only those of new and due posts are taken.

        Raises:
            NeedsReauth: nothing more can be read with these credentials.
        """
        due = {post.platform_post_id for post in self._wanted.due}
        for parsed in walk(posts, self._wanted.memory.list(posts.name), self._reading, self._tally):
            items = self._note_page(parsed)
            new = {post.platform_post_id for post in self._wanted.posts_to_read(self._reading.listed)}
            for post in parsed.posts:
                if post.platform_post_id in due or post.platform_post_id in new:
                    self._put(post, items[post.platform_post_id])

    def _read_past(self, posts: PostList) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the numbers of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with these credentials.
        """
        whole = self._reading
        for parsed in descend(posts, self._wanted.memory.list(posts.name), whole, self._tally):
            self._reading, self._read = AccountReading(Reading(utcnow())), set()
            items = self._note_page(parsed)
            for post in self._wanted.posts_to_read(self._reading.listed):
                self._put(post, items[post.platform_post_id])
            yield self._reading
        if whole.failures:
            yield whole

    def _note_page(self, parsed: ParsedPage) -> Mapping[str, Mapping[str, Any]]:
        """Note that the posts of a page were listed; return its items by the ids of their posts."""
        self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        return self._items(parsed.body)

    def _put(self, post: Post, item: Mapping[str, Any]) -> None:
        """Add the numbers and the content of a post to the reading, once."""
        if post.platform_post_id in self._read:
            return
        self._read.add(post.platform_post_id)
        try:
            post, numbers = self._parsed(post, item)
        except UNEXPECTED as error:
            why = f"it has an unexpected form: {type(error).__name__}: {error}"
            self._reading.failures[post.platform_post_id] = why
            return
        self._reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)
