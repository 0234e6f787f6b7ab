"""The posts of one X account in one reading: the timeline, and due posts by id (platforms.md, 4.2 and 4.3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from metrics.batches import batched
from metrics.clock import isoformat, utcnow
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.base import Access, AccountReading, Post, Reading, Tally, Wanted
from pipelines.platforms.errors import BadAnswer, MetricRefused, PlatformError, PostGone
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import Fetch, PostList, Taken, descend, walk
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.twitter.answers import (
    ID,
    PRIVATE_DAYS,
    listed_post,
    media_of,
    named_ids,
    of_problem,
    of_problems,
    post_numbers,
    understood,
)
from pipelines.platforms.twitter.days import MAX_IDS, OWN_POSTS, PAGE, SMALLEST_PAGE, timeline_page

TIMELINE = "timeline"
PAST_RECENT, PAST_OLDER = "timeline of the last 30 days", "timeline before them"

_PRIVATE = "non_public_metrics"
_FIELDS = ("created_at", "public_metrics", "attachments", "entities", _PRIVATE)
_MEDIA = ("public_metrics", "type")
_ALL_FIELDS = (*_FIELDS, *(f"media.{one}" for one in _MEDIA))

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Reads a path with its parameters; returns the body."""


class Posts:
    """Reads the posts of one account and puts what they say with `reading`."""

    def __init__(
        self,
        ask: Ask,
        access: Access,
        quarantine: Quarantine,
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        self._ask, self._access, self._quarantine = ask, access, quarantine
        self._wanted, self._reading, self._tally = wanted, reading, tally
        # A field that X refused once is left out for the rest of this reading: X refuses it for every account alike.
        self._refused = {
            field for field in _ALL_FIELDS if quarantine.holds(field, "post") and not quarantine.to_try(field, "post")
        }
        self._media: Mapping[str, Mapping[str, Any]] = {}
        self._private = False
        self._places: dict[str, int] = {}
        self._told: dict[str, Reading] = {}
        """What the timeline told of posts that have private metrics too, where it was not asked for these."""
        self._oldest_private = utcnow() - PRIVATE_DAYS

    def read(self) -> None:
        """Read the timeline, then the due posts that it did not bring, and those of which it told a part.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        self._read_timeline()
        listed = self._reading.listed
        unread = [post for post in self._wanted.due if post.platform_post_id not in listed]
        unread += [listed[name] for name in self._told]
        for private in (True, False):
            for hundred in batched([post for post in unread if self._has_private(post) == private], MAX_IDS):
                self._look_up(hundred, private)
        # A part is better than nothing: what could not be read by id keeps what the timeline told.
        read = {post.platform_post_id for post, _ in self._reading.posts} | set(self._reading.gone)
        self._reading.posts += [(listed[name], told) for name, told in self._told.items() if name not in read]
        self._reading.quarantined |= {str(Refused(field, "post")) for field in self._refused}

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the timeline, first of the last thirty days and then of what lies before.

        A timeline that is asked for private metrics goes back for thirty days alone; older posts have none.

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

            for taken in descend(self._timeline(name, page), self._wanted.memory.list(name), whole, self._tally):
                self._reading = AccountReading(Reading(utcnow()))
                self._places = {}
                tweets = self._note_page(taken)
                for post in self._wanted.news(self._reading.listed):
                    self._put(post, tweets[post.platform_post_id])
                yield self._reading
            if whole.failures:
                yield whole
            if name in whole.failures:
                # It broke off: what lies before it is read when its end was reached.
                return
            whole.failures = {}

    def _has_private(self, post: Post) -> bool:
        """Tell whether a post is young enough for private metrics."""
        return post.published_at is None or post.published_at >= self._oldest_private

    def _read_timeline(self) -> None:
        memory = self._wanted.memory.list(TIMELINE)
        for taken in walk(self._timeline(TIMELINE, self._page), memory, self._reading, self._tally):
            tweets = self._note_page(taken)
            for post in taken.posts:
                self._put(post, tweets[post.platform_post_id], whole=self._private or not self._has_private(post))

    def _note_page(self, taken: Taken) -> Mapping[str, Mapping[str, Any]]:
        """Note that the posts of a page were listed; return its tweets by id."""
        self._reading.listed.update({post.platform_post_id: post for post in taken.posts})
        return {str(tweet.get("id")): tweet for tweet in taken.body.get("data") or () if isinstance(tweet, Mapping)}

    def _timeline(self, name: str, page: Fetch) -> PostList:
        return PostList(
            name,
            page,
            lambda tweet: self._wanted.settled(listed_post(tweet, self._media)),
            self._wanted.listed,
            self._wanted.since,
            PAGE,
            SMALLEST_PAGE,
            self._wanted.budget,
            mark_of=lambda ids: str(max(int(one) for one in ids)),
        )

    def _page(self, place: Place, size: int) -> Page:
        """Read a page of what came after the newest post that the timeline brought, at first of all.

        A timeline that is asked for private metrics goes back for thirty days alone (docs.x.com, "Timelines"): it is
        asked for them where all that it can bring is younger. Else young posts are asked for theirs by id, which is
        free on the same day.
        """
        begins = place or self._newest()
        newest = self._wanted.known.get(begins.get("since_id", ""))
        self._private = newest is not None and newest.published_at is not None and self._has_private(newest)
        return self._timeline_page(begins, size, private=self._private)

    def _timeline_page(self, begins: Place, size: int, *, private: bool) -> Page:
        params = {**OWN_POSTS, **begins, "max_results": str(size)}
        body = self._posts(f"users/{self._access.platform_account_id}/tweets", params, private=private)
        with understood():
            return timeline_page(begins, body)

    def _newest(self) -> Place:
        mark = self._wanted.memory.list(TIMELINE).mark
        return {"since_id": mark} if mark is not None else {"start_time": isoformat(self._wanted.since)}

    def _posts(self, path: str, params: Mapping[str, str], *, private: bool) -> Mapping[str, Any]:
        """Read posts with all that is known of them, without fields that X no longer knows."""
        while True:
            wanted = [f for f in _FIELDS if f not in self._refused and (private or f != _PRIVATE)]
            media = [field for field in _MEDIA if f"media.{field}" not in self._refused]
            asked = {
                "tweet.fields": ",".join(wanted),
                "expansions": "attachments.media_keys",
                "media.fields": ",".join(media),
            }
            try:
                body = self._ask(path, {**params, **asked})
            except MetricRefused as error:
                field = str(error)
                # A refusal of what was not asked for would come again and again.
                if field not in (*wanted, *(f"media.{one}" for one in media)):
                    raise BadAnswer(f"X refuses {field}, which was not asked for") from None
                self._refused.add(field)
                self._quarantine.refuse(Refused(field, "post", "", field), self._access.platform_account_id)
                continue
            if not {"data", "errors", "meta"} & body.keys():
                raise BadAnswer("X's answer has an unexpected form: it has neither posts nor errors")
            for field in (*wanted, *(f"media.{one}" for one in media)):
                self._quarantine.accept(field, "post")
            with understood():
                self._media = media_of(body)
            return body

    def _look_up(self, posts: Sequence[Post], private: bool) -> None:
        """Read posts by id: each one that is missing is named, with its reason."""
        if self._tally.limited is not None:
            return
        by_id = {post.platform_post_id: post for post in posts}
        for odd in [one for one in by_id if not ID.fullmatch(one)]:
            del by_id[odd]
            self._reading.failures[odd] = "it is no id of a post on X"
        if not by_id:
            return
        with self._reading.part("posts by id", self._tally):
            try:
                body = self._posts("tweets", {"ids": ",".join(by_id)}, private=private)
            except BadAnswer as error:
                self._ask_for_the_rest(by_id, private, error)
                return
            with understood():
                self._take(body, by_id)

    def _ask_for_the_rest(self, by_id: Mapping[str, Post], private: bool, error: BadAnswer) -> None:
        """One id that X calls invalid fails the request: the others are asked again without the ids that it names."""
        named = named_ids(str(error)) & by_id.keys()
        for one in named:
            self._reading.failures[one] = str(error)
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
        problems = of_problems(body)
        for name in by_id.keys() - found:
            problem = problems.get(name)
            self._miss(name, of_problem(problem) if problem else None)

    def _miss(self, name: str, error: PlatformError | None) -> None:
        if isinstance(error, PostGone):
            if name not in self._wanted.deleted:
                self._reading.gone.append(name)
        else:
            self._reading.failures[name] = str(error or "X left it out without a word")

    def _put(self, post: Post, tweet: Mapping[str, Any], *, whole: bool = True) -> None:
        """Put what a tweet says with the reading, or by where it is only a part of what there is to say."""
        try:
            numbers = post_numbers(post, tweet, self._media, self._refused, utcnow())
        except UNEXPECTED as error:
            self._reading.failures[post.platform_post_id] = (
                f"it has an unexpected form: {type(error).__name__}: {error}"
            )
            return
        read = Reading(utcnow(), numbers.metrics, numbers.unavailable)
        if not whole:
            self._told[post.platform_post_id] = read
        elif (place := self._places.get(post.platform_post_id)) is not None:
            self._reading.posts[place] = (post, read)
        else:
            self._places[post.platform_post_id] = len(self._reading.posts)
            self._reading.posts.append((post, read))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)
