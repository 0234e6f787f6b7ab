"""Reads the posts of others from a list of the Graph API that has their numbers: all of them in each reading.

Posts of others cannot be read by their ids, so that the list is walked each time, back to the oldest post that is
followed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from metrics.catalog import Offer, shown_of_others
from metrics.documents import Platform, Reason
from metrics.platforms.registry import FACTS
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PlatformError, PostGone
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.list_reader import ListReader
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.paging import Fetch, PostList

PAGE = 50
POSTS = "posts"

ValueOf = Callable[[Mapping[str, Any], Offer], object]
"""Returns the number of an item that is offered, `ABSENT` if it has none."""


class PublicPosts(ListReader):
    """Adds the posts of an account of somebody else to `reading`; `unknown` has why a metric is missing in an item."""

    def __init__(
        self,
        platform: Platform,
        post_of: Callable[[Mapping[str, Any]], Post],
        value_of: ValueOf,
        unknown: Mapping[str, Reason],
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        # Nothing is known and nothing is due: whatever the list returns is read.
        super().__init__(replace(wanted, due=(), known={}, memory=Memory()), reading, tally)
        self._platform, self._post_of, self._value_of, self._unknown = platform, post_of, value_of, unknown
        self._due = wanted.due

    def read(self, fetch: Fetch) -> None:
        """Walk the list; unless it is a selection, due posts that it lacks in two walks are gone.

        One walk may have ended early, because an answer was cut off. `fetch` must send a new call in the second walk.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        since = self._wanted.since
        posts = PostList(POSTS, fetch, self._post_of, (), since, PAGE)
        self._read_list(posts)
        facts = FACTS[self._platform].public_numbers
        if facts is not None and facts.lists_all and self._missing(since) and not self._reading.failures:
            self._read_list(posts)
            if not self._reading.failures:
                self._reading.gone += self._missing(since)

    def _missing(self, since: datetime) -> list[str]:
        """Return the ids of the due posts since an instant that were not listed, except for posts that are deleted."""
        young = [post for post in self._due if post.published_at is None or post.published_at >= since]
        seen = {*self._reading.listed, *self._wanted.deleted}
        return [post.platform_post_id for post in young if post.platform_post_id not in seen]

    def _items(self, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {str(item.get("id")): item for item in body.get("data") or () if isinstance(item, Mapping)}

    def _parsed(self, post: Post, item: Mapping[str, Any]) -> tuple[Post, Numbers]:
        numbers = Numbers()
        for name, offer in shown_of_others(self._platform, post.metric_type, post.content_type).items():
            numbers.take(name, self._value_of(item, offer), self._unknown.get(name, "provider_error"))
        return post, numbers


def ask(graph: GraphApi, token: str, gets: Sequence[Get], tally: Tally) -> list[Result]:
    """Return the answers to requests, or the error of each; a dead token is the error of all."""
    try:
        return graph.batch(token, gets, tally) if gets else []
    except NeedsReauth as error:
        return [error] * len(gets)


def shown(result: Result) -> Mapping[str, Any] | None:
    """Return an answer about an account; None if the platform does not show it.

    Raises:
        PlatformError: it could not be read.
    """
    if isinstance(result, AccountUnreachable | PostGone):
        return None
    if isinstance(result, PlatformError):
        raise result
    return result
