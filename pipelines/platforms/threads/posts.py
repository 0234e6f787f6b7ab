"""Reads the posts of one Threads account: their list, and the insights of each post in a call of its own.

The API documents no batches. Posts are therefore read newest first, so that the account's budget of calls goes to the
posts whose numbers change most; posts that it has no room for are held back for a later reading.

Facts: docs/platform-facts.md#threads.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from metrics.catalog import Offer, offered
from metrics.clock import utcnow
from metrics.documents import Reason
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    BadAnswer,
    CallsUsed,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
    RateLimited,
    Transient,
)
from pipelines.platforms.graph.answers import insights, parsing_answer, rows
from pipelines.platforms.graph.client import GraphApi
from pipelines.platforms.numbers import ABSENT, Numbers
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import PostList, descend, walk
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.threads.answers import checked_insights, is_about_another, is_repost, listed_post, next_place

PAGE = 100
THREADS = "threads"
_POSTS = "posts"
_FIELDS = "id,media_type,timestamp"
_CONTENT_FIELDS = "permalink,text,media_url,thumbnail_url"
"""The fields of a post's content, which are requested only if content is stored."""
_TESTED = 2
"""Posts whose insights are denied, before those of any post were answered, after which no more are requested."""
_SAMPLE = 2
"""Posts of a kind that are read metric by metric, before the metrics refused for both are left out for the others."""
_MOST_FAILED = 3
"""Posts in a row that may fail in passing, each after its retries, before the others are left for the next hour."""
_NEWEST = datetime.max.replace(tzinfo=UTC)


class Posts:
    """Reads the posts of one account, and adds their metrics to `reading`."""

    def __init__(
        self,
        graph: GraphApi,
        access: Access,
        quarantine: Quarantine,
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
        *,
        content: bool,
    ) -> None:
        self._content = content
        self._graph, self._access, self._quarantine = graph, access, quarantine
        self._wanted, self._reading, self._tally = wanted, reading, tally
        self._refused: dict[tuple[str, str], list[frozenset[str]]] = {}
        """The metrics that were refused for each post that was read metric by metric, by kind."""
        self._granted, self._denied = False, 0

    def read(self) -> None:
        """Read the list, then the insights of due and new posts.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        listed = self._reading.listed
        for parsed in walk(self._list(), self._wanted.memory.list(THREADS), self._reading, self._tally):
            # A post may come twice: one published between two requests shifts the last post of a page onto the next.
            for post in parsed.posts:
                listed.setdefault(post.platform_post_id, post)
        news = self._wanted.posts_to_read(listed)
        again = {post.platform_post_id for post in news}
        self._read_posts([*(post for post in self._wanted.due if post.platform_post_id not in again), *news])

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the insights of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole = self._reading
        for parsed in descend(self._list(), self._wanted.memory.list(THREADS), whole, self._tally):
            self._reading = AccountReading(Reading(utcnow()))
            self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
            used = self._read_posts(self._wanted.posts_to_read(self._reading.listed))
            # A page that was read in part is listed again later.
            self._tally.limited = self._tally.limited or used
            yield self._reading
        if whole.failures:
            yield whole

    def _list(self) -> PostList:
        wanted = self._wanted

        def post_of(item: Any) -> Post:
            post = wanted.with_stored_kind(listed_post(item))
            # Content that was not requested is unknown, and not missing.
            return post if self._content else replace(post, content=None)

        return PostList(
            THREADS,
            self._page,
            post_of,
            wanted.listed,
            wanted.since,
            PAGE,
            skips=is_repost,
        )

    def _page(self, place: Place, size: int) -> Page:
        fields = f"{_FIELDS},{_CONTENT_FIELDS}" if self._content else _FIELDS
        params = {"fields": fields, "limit": str(size), **place}
        path = f"{self._access.platform_account_id}/threads"
        try:
            body = self._graph.get(path, self._access.token, params, self._tally)
        except BadAnswer as error:
            if not self._content or "nonexisting field" not in str(error).lower():
                raise
            # The numbers of new posts must not be lost with a field of the content that the API no longer has.
            self._content = False
            return self._page(place, size)
        with parsing_answer():
            return Page.of(body["data"], lambda: next_place(body, size), body)

    def _read_posts(self, posts: Sequence[Post]) -> CallsUsed | None:
        """Read the insights of posts, newest first; return the error if our own budget had no room for all of them."""
        ordered = sorted(posts, key=lambda post: post.published_at or _NEWEST, reverse=True)
        failed = 0
        for place, post in enumerate(ordered):
            left = len(ordered) - place
            if self._tally.limited is not None or failed >= _MOST_FAILED:
                why = self._tally.limited or f"{failed} posts in a row failed"
                self._reading.failures[_POSTS] = f"{left} left for the next hour: {why}"
                return None
            try:
                self._read_post(post)
                failed = 0
            except NeedsReauth:
                raise
            except CallsUsed as used:
                self._reading.held_back = left
                return used
            except PlatformError as error:
                self._tally.limited = error if isinstance(error, RateLimited) else None
                self._reading.failures[post.platform_post_id] = str(error)
                failed = failed + 1 if isinstance(error, Transient) else 0
        return None

    def _read_post(self, post: Post) -> None:
        """Read the insights of one post.

        Raises:
            PlatformError: they could not be read.
        """
        if not self._granted and self._denied >= _TESTED:
            self._put(post, {"data": []}, {}, "permission_missing")
            return
        post = self._without_common_refusals(post)
        wanted = self._metrics(post)
        try:
            body = self._insights(post, wanted)
        except MetricRefused:
            self._granted = True
            self._read_singly(post, wanted)
            return
        except (PermissionMissing, PostUnavailable) as error:
            # Only a token with access to insights gets another answer than a missing permission.
            self._granted |= isinstance(error, PostUnavailable)
            self._denied += isinstance(error, PermissionMissing)
            self._reading.insights_denied += isinstance(error, PermissionMissing)
            self._put(post, {"data": []}, {}, error.reason)
            return
        except PostGone:
            self._confirm_gone(post)
            return
        self._granted = True
        self._put(post, body, {}, "no_observation")

    def _metrics(self, post: Post) -> dict[str, Offer]:
        """Return the metrics to request for a post, by canonical name."""
        return {
            name: offer
            for name, offer in offered(THREADS, *post.kind).items()
            if name not in post.refused
            and (not self._quarantine.is_refused(name, *post.kind) or self._quarantine.should_retry(name, *post.kind))
        }

    def _insights(self, post: Post, metrics: Mapping[str, Offer]) -> Mapping[str, Any]:
        """Return the insights of a post.

        Raises:
            PlatformError: they could not be read; BadAnswer if they are those of another post.
        """
        if not metrics:
            return {"data": []}
        post_id = post.platform_post_id
        fields = dict.fromkeys(part for offer in metrics.values() for part in offer.parts)
        body = self._ask(f"{post_id}/insights", {"metric": ",".join(fields)})
        if is_about_another(checked_insights(body), post_id):
            raise BadAnswer("the answer is about another post")
        self._reading.insights_granted = True
        for name in metrics:
            self._quarantine.accept(name, *post.kind)
        return body

    def _ask(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        return self._graph.get(path, self._access.token, params, self._tally, for_posts=True)

    def _without_common_refusals(self, post: Post) -> Post:
        """Return a post with the metrics added to `refused` that were refused for every sampled post of its kind."""
        sampled = self._refused.get(post.kind, [])
        if len(sampled) < _SAMPLE:
            return post
        common = frozenset.intersection(*sampled)
        for name in common:
            self._refuse(post, name, "")
        return replace(post, refused=post.refused | common)

    def _read_singly(self, post: Post, metrics: Mapping[str, Offer]) -> None:
        """Read the metrics of a post one by one, because one of them was refused and the answer may not name it.

        Raises:
            PlatformError: nothing more can be read now.
        """
        found: list[Any] = []
        refused: set[str] = set()
        reasons: dict[str, Reason] = {}
        for name, offer in metrics.items():
            try:
                found += rows(self._insights(post, {name: offer}))
            except MetricRefused as error:
                refused.add(name)
                self._refuse(post, name, str(error))
            except (NeedsReauth, RateLimited):
                raise
            except PlatformError as error:
                reasons[name] = error.reason
                self._reading.failures[f"{name} of {post.platform_post_id}"] = str(error)
        self._refused.setdefault(post.kind, []).append(frozenset(refused))
        post = replace(post, refused=post.refused | refused)
        self._put(post, {"data": found}, reasons, "no_observation")

    def _refuse(self, post: Post, name: str, message: str) -> None:
        refused = Refused(name, post.metric_type, post.content_type, message)
        self._quarantine.refuse(refused, self._access.platform_account_id, post.platform_post_id)

    def _confirm_gone(self, post: Post) -> None:
        """Request the bare post, to confirm that it is gone: Meta's code for it may be a rate limit in disguise.

        Raises:
            PlatformError: the post could not be requested.
        """
        post_id = post.platform_post_id
        if post_id in self._wanted.deleted:
            return
        try:
            self._ask(post_id, {"fields": "id"})
        except PostGone:
            self._reading.gone.append(post_id)
        else:
            self._reading.failures[post_id] = "missing at first, then there: left for the next hour"

    def _put(self, post: Post, body: Mapping[str, Any], reasons: Mapping[str, Reason], otherwise: Reason) -> None:
        """Add the metrics of a post to the reading; `reasons` and `otherwise` tell why metrics are missing."""
        try:
            numbers = self._numbers(post, insights(body), reasons, otherwise)
        except UNEXPECTED as error:
            problem = f"it has an unexpected form: {type(error).__name__}: {error}"
            self._reading.failures[post.platform_post_id] = problem
            return
        self._reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)
        if post.refused:
            self._reading.refused[post.platform_post_id] = post.refused

    def _numbers(
        self, post: Post, values: Mapping[str, object], reasons: Mapping[str, Reason], otherwise: Reason
    ) -> Numbers:
        numbers = Numbers()
        for name, offer in offered(THREADS, *post.kind).items():
            if self._quarantine.is_refused(name, *post.kind):
                numbers.miss(name, "metric_retired")
                self._reading.quarantined.add(str(Refused(name, *post.kind)))
            elif name in post.refused:
                numbers.miss(name, "not_supported")
            else:
                parts = [values.get(part, ABSENT) for part in offer.parts]
                numbers.take_sum(name, parts, reasons.get(name, otherwise))
        return numbers
