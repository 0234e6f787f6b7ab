"""Reads the posts of one LinkedIn organization: their list, their statistics by twenty, and posts missing from both.

Facts: docs/platform-facts.md#linkedin.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from metrics.batches import batched
from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED, items_of
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
)
from pipelines.platforms.linkedin.answers import (
    NO_STATISTICS,
    URN,
    decoded_urn,
    error_of_status,
    is_advertisement,
    listed_post,
    parsing_answer,
    post_numbers,
    statistics,
)
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import PostList, descend, walk

PAGE = 100
MAX_URNS = 20
"""Maximum number of URNs per request, because of the length of the URL (docs/platform-facts.md#linkedin-statistics)."""

POSTS = "posts"
STATISTICS = "statistics of posts"
MOST_HALVINGS = 6
"""Maximum number of halvings of lists of posts in one reading: enough to find two refused URNs among twenty."""

Ask = Callable[[str, Mapping[str, object]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Posts:
    """Reads the posts of one organization, and adds their metrics to `reading`."""

    def __init__(self, ask: Ask, urn: str, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        self._ask, self._urn, self._wanted, self._reading, self._tally = ask, urn, wanted, reading, tally
        self._halvings = MOST_HALVINGS

    def read(self) -> None:
        """Read the list, then the statistics of due and new posts.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        for parsed in walk(self._list(), self._wanted.memory.list(POSTS), self._reading, self._tally):
            self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        news = self._wanted.posts_to_read(self._reading.listed)
        again = {post.platform_post_id for post in news}
        due = [post for post in self._wanted.due if post.platform_post_id not in again]
        self._read_statistics([*due, *news])

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the statistics of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole = self._reading
        for parsed in descend(self._list(), self._wanted.memory.list(POSTS), whole, self._tally):
            self._reading = AccountReading(Reading(utcnow()))
            self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
            self._read_statistics(self._wanted.posts_to_read(self._reading.listed))
            yield self._reading
        if whole.failures:
            yield whole

    def _list(self) -> PostList:
        wanted = self._wanted
        return PostList(
            POSTS,
            self._page,
            listed_post,
            wanted.listed,
            wanted.since,
            PAGE,
            skips=is_advertisement,
            gap_at=_half_a_page_before,
        )

    def _read_statistics(self, posts: Sequence[Post]) -> None:
        """Read the statistics of posts. Posts missing from the answers had no activity, or are gone."""
        missing: list[Post] = []
        for some in self._of_one_kind(posts):
            missing += self._statistics_or_halves(some)
        unsure = []
        for post in missing:
            if post.platform_post_id in self._reading.listed:
                self._put(post, NO_STATISTICS)
            else:
                unsure.append(post)
        unnamed = [post for some in batched(unsure, MAX_URNS) for post in self._confirm(some)]
        for some in batched(unnamed, MAX_URNS):
            for post in self._confirm(some):
                self._miss(post.platform_post_id, PostGone("LinkedIn leaves it out"))

    def _page(self, place: Place, size: int) -> Page:
        start = int(place.get("start", 0))
        params = {"q": "author", "author": self._urn, "count": size, "start": start, "sortBy": "LAST_MODIFIED"}
        body = self._ask("posts", params)
        with parsing_answer():
            elements = items_of(body["elements"])
            return Page.of(
                elements, lambda: {"start": str(start + size)} if _has_next(body, elements, size) else None, body
            )

    def _statistics_or_halves(self, posts: Sequence[Post]) -> list[Post]:
        """Store the statistics of posts; return the posts that are missing from the answer.

        A single refused URN, for example of another organization, fails the whole request. The list is then halved to
        find it, at most `MOST_HALVINGS` times per reading.
        """
        if self._tally.limited is not None or not posts:
            return []
        try:
            with parsing_answer():
                return self._statistics(posts)
        except (BadAnswer, PermissionMissing, PostGone) as error:
            if len(posts) == 1 or self._halvings == 0:
                self._reading.failures[posts[0].platform_post_id if len(posts) == 1 else STATISTICS] = str(error)
                return []
            self._halvings -= 1
            middle = len(posts) // 2
            return self._statistics_or_halves(posts[:middle]) + self._statistics_or_halves(posts[middle:])
        except NeedsReauth:
            raise
        except PlatformError as error:
            if isinstance(error, RateLimited):
                self._tally.limited = error
            self._reading.failures[STATISTICS] = str(error)
            return []

    def _of_one_kind(self, posts: Sequence[Post]) -> Iterator[list[Post]]:
        """Yield lists of at most twenty posts of one kind: shares and ugcPosts need different parameters."""
        kinds: dict[str, list[Post]] = {"share": [], "ugcPost": []}
        for post in posts:
            if (found := URN.fullmatch(post.platform_post_id)) is None:
                self._reading.failures[post.platform_post_id] = "its id is not the URN of a share or a ugcPost"
            else:
                kinds[found.group(1)].append(post)
        for of_kind in kinds.values():
            yield from batched(of_kind, MAX_URNS)

    def _statistics(self, posts: Sequence[Post]) -> list[Post]:
        """Store the statistics of posts of one kind; return the posts that are missing from the answer."""
        name = "ugcPosts" if posts[0].platform_post_id.startswith("urn:li:ugcPost:") else "shares"
        params = {
            "q": "organizationalEntity",
            "organizationalEntity": self._urn,
            name: [post.platform_post_id for post in posts],
        }
        found, nameless = statistics(self._ask("organizationalEntityShareStatistics", params))
        missing = [post for post in posts if post.platform_post_id not in found]
        for post in posts:
            if post.platform_post_id in found:
                self._put(post, found[post.platform_post_id])
        if nameless:
            # Statistics without a URN may belong to any of the missing posts, which then had activity.
            for post in missing:
                self._reading.failures[post.platform_post_id] = "the statistics do not tell which post they are about"
            return []
        return missing

    def _confirm(self, posts: Sequence[Post]) -> list[Post]:
        """Find out which posts without statistics still exist: these had no activity.

        Posts with the status 404 are gone. The posts that the answer does not name at all are returned: it may have
        been cut off, so they are gone only if a second answer does not name them either.
        """
        unnamed: list[Post] = []
        if self._tally.limited is None:
            with self._reading.part("posts by id", self._tally), parsing_answer():
                unnamed = self._look_up(posts)
        return unnamed

    def _look_up(self, posts: Sequence[Post]) -> list[Post]:
        """Read posts by URN; return those that the answer does not name."""
        body = self._ask("posts", {"ids": [post.platform_post_id for post in posts]})
        statuses = {decoded_urn(urn): error.get("status") for urn, error in (body.get("errors") or {}).items()}
        statuses |= {decoded_urn(urn): status for urn, status in (body.get("statuses") or {}).items()}
        results = {decoded_urn(urn): found for urn, found in body["results"].items()}
        unnamed = []
        for post in posts:
            post_id = post.platform_post_id
            if isinstance(results.get(post_id), Mapping):
                self._put(post, NO_STATISTICS)
            elif post_id in results:
                self._reading.failures[post_id] = "it has an unexpected form"
            elif post_id in statuses:
                self._miss(post_id, error_of_status(statuses[post_id]))
            else:
                unnamed.append(post)
        return unnamed

    def _miss(self, post_id: str, error: PlatformError) -> None:
        if isinstance(error, PostGone):
            if post_id not in self._wanted.deleted:
                self._reading.gone.append(post_id)
        else:
            self._reading.failures[post_id] = str(error)

    def _put(self, post: Post, totals: object) -> None:
        try:
            numbers = post_numbers(post, totals)
        except UNEXPECTED as error:
            self._reading.failures[post.platform_post_id] = (
                f"it has an unexpected form: {type(error).__name__}: {error}"
            )
            return
        self._reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)


def _half_a_page_before(place: Place) -> Place:
    """Return an earlier place. Places are offsets from the newest post, so deleted posts move later ones forward."""
    return {"start": str(max(int(place.get("start", 0)) - PAGE // 2, 0))}


def _has_next(page: Mapping[str, Any], elements: Sequence[object], size: int) -> bool:
    """Tell whether a list continues: by its total if it has one, by its links, or without links by a full page.

    Raises:
        TypeError, LookupError: the links have an unexpected form.
    """
    paging = page.get("paging") or {}
    links, total = items_of(paging.get("links") or []), paging.get("total")
    if isinstance(total, int) and isinstance(start := paging.get("start"), int) and start + size < total:
        return True
    return any(link["rel"] == "next" for link in links) if links else len(elements) >= size
