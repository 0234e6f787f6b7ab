"""Reads the pins of one Pinterest account: their list, which has their numbers, and missing pins one by one.

Facts: docs/platform-facts.md#pinterest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED, items_of
from pipelines.platforms.base import AccountReading, Post, Reading, Tally, Wanted
from pipelines.platforms.errors import BadAnswer, PostGone
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import ENOUGH_IN_A_ROW, ParsedPage, PostList, descend, walk
from pipelines.platforms.pinterest.answers import is_older, is_saved, listed_post, parsing_answer, post_numbers

PAGE = 250
PINS, PAST, SINGLE = "pins", "pins of the past", "pins by id"
MOST_SINGLE = 40
"""Pins that are requested one by one in a reading; the others are left for the next hour."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Posts:
    """Reads the pins of one account, and adds their numbers to `reading`."""

    def __init__(self, ask: Ask, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        self._ask, self._wanted, self._reading, self._tally = ask, wanted, reading, tally
        self._read: set[str] = set()

    def read(self) -> None:
        """Read the list as far as pins are followed, then the due pins that it does not have.

        The list has the numbers of up to 250 pins per call; other calls have those of one. So the list is read to its
        end in each hour, and the numbers of due and new pins are taken from it.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        due = {post.platform_post_id for post in self._wanted.due}
        for parsed in walk(self._list(PINS, listed=()), self._wanted.memory.list(PINS), self._reading, self._tally):
            items = self._note_page(parsed)
            new = {post.platform_post_id for post in self._wanted.posts_to_read(self._reading.listed)}
            for post in parsed.posts:
                if post.platform_post_id in due | new:
                    self._put(post, items[post.platform_post_id])
        if PINS not in self._reading.failures:
            self._look_up([post for post in self._wanted.due if self._is_missing(post.platform_post_id)])

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the numbers of those of its pins that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole = self._reading
        pages = self._list(PAST, listed=self._wanted.listed)
        for parsed in descend(pages, self._wanted.memory.list(PAST), whole, self._tally):
            self._reading, self._read = AccountReading(Reading(utcnow())), set()
            items = self._note_page(parsed)
            for post in self._wanted.posts_to_read(self._reading.listed):
                self._put(post, items[post.platform_post_id])
            yield self._reading
        # The rest of the past can wait until the quota begins anew.
        self._tally.limited = self._tally.limited or self._tally.quota_used
        if whole.failures:
            yield whole

    def _is_missing(self, pin_id: str) -> bool:
        """Tell whether the complete list lacks a due pin; of a deleted one, that is no news."""
        return pin_id not in self._reading.listed and pin_id not in self._wanted.deleted

    def _list(self, name: str, listed: Sequence[str] | Any) -> PostList:
        return PostList(name, self._page, listed_post, listed, self._wanted.since, PAGE, skips=is_saved)

    def _page(self, place: Place, size: int) -> Page:
        params = {"page_size": str(size), "pin_metrics": "true", "pin_filter": "exclude_repins", **place}
        body = self._ask("pins", params)
        with parsing_answer():
            items = items_of(body["items"])
            return Page.of(items, lambda: None if self._ends_old(items) else _following(body), body)

    def _ends_old(self, items: Sequence[Any]) -> bool:
        """Tell whether a page ends with so many pins that are not followed that no followed one comes after them."""
        last, since = items[-ENOUGH_IN_A_ROW:], self._wanted.since
        return len(last) == ENOUGH_IN_A_ROW and all(is_older(item, since) for item in last)

    def _note_page(self, parsed: ParsedPage) -> dict[str, Mapping[str, Any]]:
        """Note that the pins of a page were listed; return the items of the page by the ids of their pins."""
        self._reading.listed.update({post.platform_post_id: post for post in parsed.posts})
        items = items_of(parsed.body["items"])
        return {str(item["id"]): item for item in items if isinstance(item, Mapping) and "id" in item}

    def _look_up(self, posts: Sequence[Post]) -> None:
        """Request pins one by one; those that Pinterest does not show are gone."""
        for number, post in enumerate(posts):
            if self._tally.limited or self._tally.quota_used or number == MOST_SINGLE:
                self._reading.failures[SINGLE] = f"{len(posts) - number} are left for the next hour"
                return
            with self._reading.part(post.platform_post_id, self._tally):
                self._look_up_one(post.platform_post_id)

    def _look_up_one(self, pin_id: str) -> None:
        """Request one pin.

        Raises:
            PlatformError: it could not be read.
        """
        if not pin_id.isdecimal():
            raise BadAnswer("it is not the id of a pin")
        try:
            item = self._ask(f"pins/{pin_id}", {"pin_metrics": "true"})
        except PostGone:
            self._reading.gone.append(pin_id)
            return
        with parsing_answer():
            post = listed_post(item)
        if post.platform_post_id != pin_id:
            raise BadAnswer("the answer is about another pin")
        if item.get("is_owner") is False:
            raise BadAnswer("it is a pin of another account")
        self._put(post, item)

    def _put(self, post: Post, item: Mapping[str, Any]) -> None:
        """Add the numbers of a pin to the reading, once."""
        if post.platform_post_id in self._read:
            return
        self._read.add(post.platform_post_id)
        try:
            numbers = post_numbers(post, item)
        except UNEXPECTED as error:
            why = f"it has an unexpected form: {type(error).__name__}: {error}"
            self._reading.failures[post.platform_post_id] = why
            return
        if "provider_error" in numbers.unavailable.values() and not numbers.odd:
            self._reading.failures[post.platform_post_id] = "it has an unexpected form: it has no lifetime_metrics"
        self._reading.posts.append((post, Reading(utcnow(), numbers.metrics, numbers.unavailable)))
        self._reading.note_odd(f"post {post.platform_post_id}", numbers.odd)


def _following(body: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; the bookmark of the last one is null.

    Raises:
        LookupError, ValueError: the answer has no bookmark, or an invalid one.
    """
    following = body["bookmark"]
    return None if following is None else {"bookmark": cursor(following)}
