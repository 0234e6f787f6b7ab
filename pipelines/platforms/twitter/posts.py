"""Reads the posts of one X account: its timeline, and due posts by id.

Facts: docs/platform-facts.md#x-endpoints, #x-metrics.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from metrics.batches import batched
from metrics.clock import isoformat, utcnow
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import BadAnswer, MetricRefused, PlatformError, PostGone
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import Fetch, ParsedPage, PostList, descend, walk
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.twitter.answers import (
    ID,
    PRIVATE_DAYS,
    content_of,
    error_of_problem,
    listed_post,
    media_of,
    named_ids,
    parsing_answer,
    post_numbers,
    problems_by_id,
)
from pipelines.platforms.twitter.days import MAX_IDS, OWN_POSTS, PAGE, SMALLEST_PAGE, timeline_page

TIMELINE = "timeline"
PAST_RECENT, PAST_OLDER = "timeline of the last 30 days", "timeline before them"

_PRIVATE = "non_public_metrics"
_FIELDS = ("created_at", "public_metrics", "attachments", "entities", _PRIVATE)
_MEDIA = ("public_metrics", "type")
_PICTURES = ("url", "preview_image_url")
_ALL_FIELDS = (*_FIELDS, *(f"media.{one}" for one in (*_MEDIA, *_PICTURES)))

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Posts:
    """Reads the posts of one account, and adds their metrics to `reading`; with `content`, also their pictures.

    `reading.handle` is the name of the account in the permalinks of its posts. `own` is False for posts of others,
    whose private metrics are shown to nobody but them.
    """

    def __init__(
        self,
        ask: Ask,
        access: Access,
        quarantine: Quarantine,
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
        *,
        content: bool,
        own: bool = True,
    ) -> None:
        self._own = own
        self._ask, self._access, self._quarantine = ask, access, quarantine
        self._username = reading.handle
        self._media_fields = (*_MEDIA, *_PICTURES) if content else _MEDIA
        self._wanted, self._reading, self._tally = wanted, reading, tally
        # Fields that X refused are left out for the rest of this reading, because X refuses them for every account.
        self._refused = {
            field
            for field in _ALL_FIELDS
            if quarantine.is_refused(field, "post") and not quarantine.should_retry(field, "post")
        }
        self._media: Mapping[str, Mapping[str, Any]] = {}
        self._private = False
        self._places: dict[str, int] = {}
        self._partial: dict[str, Reading] = {}
        """Public metrics from the timeline, for posts whose private metrics were not requested with it."""
        self._oldest_private = utcnow() - PRIVATE_DAYS

    def read(self) -> None:
        """Read the timeline, then by id the due posts that it did not return, and those that it returned in part.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        self._read_timeline()
        listed = self._reading.listed
        unread = [post for post in self._wanted.due if post.platform_post_id not in listed]
        unread += [listed[name] for name in self._partial]
        for private in (True, False):
            for hundred in batched([post for post in unread if self._has_private(post) == private], MAX_IDS):
                self._look_up(hundred, private)
        # Posts that could not be read by id keep the public metrics from the timeline.
        read = {post.platform_post_id for post, _ in self._reading.posts} | set(self._reading.gone)
        self._reading.posts += [(listed[name], part) for name, part in self._partial.items() if name not in read]
        self._reading.quarantined |= {str(Refused(field, "post")) for field in self._refused}

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the timeline, first of the last thirty days and then of the time before.

        A timeline with private metrics goes back only thirty days; older posts have no private metrics.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole, cut, since = self._reading, self._oldest_private, self._wanted.since
        spans: dict[str, tuple[Place, bool]] = {
            PAST_RECENT: ({"start_time": isoformat(max(cut, since))}, True),
            PAST_OLDER: ({"start_time": isoformat(since), "end_time": isoformat(cut)}, False),
        }
        for name, (begins, private) in spans.items():
            if self._tally.limited is not None or (not private and since >= cut):
                return

            def page(place: Place, size: int, begins: Place = begins, private: bool = private) -> Page:
                return self._timeline_page(place or begins, size, private=private)

            for parsed in descend(self._timeline(name, page), self._wanted.memory.list(name), whole, self._tally):
                self._reading = AccountReading(Reading(utcnow()))
                self._places = {}
                tweets = self._note_page(parsed)
                for post in self._wanted.posts_to_read(self._reading.listed):
                    self._put(post, tweets[post.platform_post_id])
                yield self._reading
            if whole.failures:
                yield whole
            if name in whole.failures:
                # The walk broke off: the older posts are read only after this span was read to its end.
                return
            whole.failures = {}

    def _has_private(self, post: Post) -> bool:
        """Tell whether a post is young enough for private metrics, and the account's own."""
        return self._own and (post.published_at is None or post.published_at >= self._oldest_private)

    def _read_timeline(self) -> None:
        memory = self._wanted.memory.list(TIMELINE)
        for parsed in walk(self._timeline(TIMELINE, self._page), memory, self._reading, self._tally):
            tweets = self._note_page(parsed)
            for post in parsed.posts:
                self._put(post, tweets[post.platform_post_id], whole=self._private or not self._has_private(post))

    def _note_page(self, parsed: ParsedPage) -> Mapping[str, Mapping[str, Any]]:
        """Note that the posts of a page were listed; return its tweets by id."""
        self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        return {str(tweet.get("id")): tweet for tweet in parsed.body.get("data") or () if isinstance(tweet, Mapping)}

    def _timeline(self, name: str, page: Fetch) -> PostList:
        return PostList(
            name,
            page,
            lambda tweet: self._wanted.with_stored_kind(listed_post(tweet, self._media, self._username)),
            self._wanted.listed,
            self._wanted.since,
            PAGE,
            SMALLEST_PAGE,
            self._wanted.budget,
            mark_of=lambda ids: str(max(int(one) for one in ids)),
        )

    def _page(self, place: Place, size: int) -> Page:
        """Read a page of the posts newer than the newest one that the timeline returned earlier, if any.

        A timeline with private metrics goes back only thirty days (docs.x.com, "Timelines"). They are therefore
        requested only if all posts that the timeline can return are younger than that. Otherwise the young posts are
        read again by id, with their private metrics, which is free on the same day.
        """
        begins = place or self._newest()
        newest = self._wanted.known.get(begins.get("since_id", ""))
        self._private = newest is not None and newest.published_at is not None and self._has_private(newest)
        return self._timeline_page(begins, size, private=self._private)

    def _timeline_page(self, begins: Place, size: int, *, private: bool) -> Page:
        params = {**OWN_POSTS, **begins, "max_results": str(size)}
        body = self._posts(f"users/{self._access.platform_account_id}/tweets", params, private=private)
        with parsing_answer():
            return timeline_page(begins, body)

    def _newest(self) -> Place:
        mark = self._wanted.memory.list(TIMELINE).mark
        return {"since_id": mark} if mark is not None else {"start_time": isoformat(self._wanted.since)}

    def _posts(self, path: str, params: Mapping[str, str], *, private: bool) -> Mapping[str, Any]:
        """Read posts with all their fields, except for fields that X no longer knows."""
        while True:
            wanted = [f for f in _FIELDS if f not in self._refused and (private or f != _PRIVATE)]
            media = [field for field in self._media_fields if f"media.{field}" not in self._refused]
            fields = {
                "tweet.fields": ",".join(wanted),
                "expansions": "attachments.media_keys",
                "media.fields": ",".join(media),
            }
            try:
                body = self._ask(path, {**params, **fields})
            except MetricRefused as error:
                field = str(error)
                # If the field was not requested, leaving it out would not help: the refusal would come again for ever.
                if field not in (*wanted, *(f"media.{one}" for one in media)):
                    raise BadAnswer(f"X refuses {field}, which was not requested") from None
                self._refused.add(field)
                self._quarantine.refuse(Refused(field, "post", "", field), self._access.platform_account_id)
                continue
            if not {"data", "errors", "meta"} & body.keys():
                raise BadAnswer("X's answer has an unexpected form: it has neither posts nor errors")
            for field in (*wanted, *(f"media.{one}" for one in media)):
                self._quarantine.accept(field, "post")
            with parsing_answer():
                self._media = media_of(body)
            return body

    def _look_up(self, posts: Sequence[Post], private: bool) -> None:
        """Read posts by id; X names each missing post, with the reason."""
        if self._tally.limited is not None:
            return
        by_id = {post.platform_post_id: post for post in posts}
        for odd in [one for one in by_id if not ID.fullmatch(one)]:
            del by_id[odd]
            self._reading.failures[odd] = "it is not the id of a post on X"
        if not by_id:
            return
        with self._reading.part("posts by id", self._tally):
            try:
                body = self._posts("tweets", {"ids": ",".join(by_id)}, private=private)
            except BadAnswer as error:
                self._ask_for_the_rest(by_id, private, error)
                return
            with parsing_answer():
                self._take(body, by_id)

    def _ask_for_the_rest(self, by_id: Mapping[str, Post], private: bool, error: BadAnswer) -> None:
        """Request posts again without the ids that X named as invalid, because one invalid id fails the whole request.

        Raises:
            BadAnswer: X named none of the ids.
        """
        named = named_ids(str(error)) & by_id.keys()
        for post_id in named:
            self._reading.failures[post_id] = str(error)
        rest = [post for name, post in by_id.items() if name not in named]
        if named and rest:
            self._look_up(rest, private)
        elif not named:
            raise error

    def _take(self, body: Mapping[str, Any], by_id: Mapping[str, Post]) -> None:
        found = set()
        for tweet in body.get("data") or ():
            post = by_id.get(str(tweet["id"])) if isinstance(tweet, Mapping) and "id" in tweet else None
            if post is not None:
                found.add(post.platform_post_id)
                self._put(post, tweet)
        if self._wanted.budget is not None:
            self._wanted.budget.note(found)
        problems = problems_by_id(body)
        for name in by_id.keys() - found:
            problem = problems.get(name)
            self._miss(name, error_of_problem(problem) if problem else None)

    def _miss(self, name: str, error: PlatformError | None) -> None:
        if isinstance(error, PostGone):
            if name not in self._wanted.deleted:
                self._reading.gone.append(name)
        else:
            self._reading.failures[name] = str(error or "X left it out without an error")

    def _put(self, post: Post, tweet: Mapping[str, Any], *, whole: bool = True) -> None:
        """Add the metrics of a tweet to the reading, or to `_partial` if `whole` is False: private ones are missing."""
        try:
            numbers = post_numbers(post, tweet, self._media, self._refused, utcnow())
            post = replace(post, content=content_of(tweet, self._media, self._username))
        except UNEXPECTED as error:
            self._reading.failures[post.platform_post_id] = (
                f"it has an unexpected form: {type(error).__name__}: {error}"
            )
            return
        read = Reading(utcnow(), numbers.metrics, numbers.unavailable)
        if not whole:
            self._partial[post.platform_post_id] = read
        elif (place := self._places.get(post.platform_post_id)) is not None:
            self._reading.posts[place] = (post, read)
        else:
            self._places[post.platform_post_id] = len(self._reading.posts)
            self._reading.posts.append((post, read))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)
